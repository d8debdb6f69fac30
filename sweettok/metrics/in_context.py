"""Few-shot classification in context: a language model reads the words of labelled clips, then names a new one (T7).

Any causal model of transformers that is at hand, by folder or hub name. The paper does not say which model it asked, nor
how: an answer here is this model's, on these clips, and never the paper's number.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from sweettok.errors import InputError
from sweettok.language.model_folder import model_folder, open_model, weights_sha256
from sweettok.metrics.few_shot import draw_episodes
from sweettok.metrics.networks import Skipped
from sweettok.metrics.record import record
from sweettok.metrics.semantics import RESAMPLES, few_shot_sizes, few_shot_tasks
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Semantics
from sweettok.video.store import ClipStore

SETTING = "semantics.language_model"
KIND: Literal["words"] = "words"  # of what is left out, beside "video" and "image"


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model. name: as given; sha256: of its weights."""

    name: str
    sha256: str
    tokenizer: Any
    model: Any

    @classmethod
    def open(cls, name: str, device: torch.device | str = "cpu") -> "LanguageModel":
        """From a folder or, by hub name, from the local Hugging Face cache; safetensors only, no code of the folder runs.

        Raises InputError where it is absent, incomplete, pickled or no causal model.
        """
        folder = model_folder(name, SETTING, "the language model", f"set {SETTING} to null")
        sha256 = weights_sha256(folder)
        tokenizer, model = open_model(folder, "AutoModelForCausalLM")
        return cls(name, sha256, tokenizer, model.to(device))

    @torch.inference_mode()
    def log_likelihoods(self, prompt: str, answers: Sequence[str]) -> NDArray[np.float64]:
        """log p(answer | prompt) of each answer, summed over its tokens: (answers,) in nats.

        Prompt and answer are cut into tokens apart; where the model has a start mark, it stands before the prompt.
        Raises InputError where they are longer than the model's context, or an answer has no tokens.
        """
        start = [] if self.tokenizer.bos_token_id is None else [self.tokenizer.bos_token_id]
        asked = start + self._ids(prompt)
        encoded = [self._ids(answer) for answer in answers]
        if not all(encoded):
            raise InputError(f"the tokenizer of {self.name} has no tokens for {answers[encoded.index([])]!r}")
        longest = len(asked) + max(map(len, encoded))
        limit = getattr(self.model.config, "max_position_embeddings", None)
        if limit is not None and longest > limit:
            raise InputError(f"the prompt has {longest} tokens, {self.name} reads {limit}; ask for fewer ways or shots")
        return np.array([self._log_likelihood(asked, answer) for answer in encoded])

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _log_likelihood(self, asked: list[int], answer: list[int]) -> float:
        kept = len(answer) + 1  # the answer's places, and the place before, which predicts the first of them
        # without it, a long prompt's logits over a large vocabulary take gigabytes
        spare = {"logits_to_keep": kept} if "logits_to_keep" in inspect.signature(self.model.forward).parameters else {}
        ids = torch.tensor([asked + answer], device=self.model.device)
        logits = self.model(input_ids=ids, **spare).logits[0, -kept:-1]  # (answer, V)
        chosen = ids[0, len(asked) :, None]
        return float(logits.double().log_softmax(-1).gather(1, chosen).sum())


def in_context_accuracy(
    language_model: LanguageModel,
    descriptions: Sequence[str],
    labels: ArrayLike,
    ways: int,
    shots: int,
    episodes: int,
    seed: int,
) -> NDArray[np.float64]:
    """Share of right answers in each n-way k-shot episode, (episodes,) in [0, 1]; chance is 1 / ways.

    An episode has one query a class. The shots of all classes take turns, in the order the classes were drawn in, and the
    answer is the label of largest log-likelihood. descriptions: each clip's words; labels: (n,) their names.
    Raises InputError (see `draw_episodes`, `LanguageModel.log_likelihoods`).
    """
    labels = np.asarray(labels)
    scores = []
    for rows in draw_episodes(labels, ways, shots, episodes, seed, queries=1):
        names = [str(name) for name in labels[rows[:, 0]]]
        shown = [
            _example(descriptions[row], name)
            for turn in rows[:, :shots].T
            for row, name in zip(turn, names, strict=True)
        ]
        examples, answers = "".join(shown), [_answer(name) for name in names]
        predicted = [
            language_model.log_likelihoods(examples + _question(descriptions[row]), answers).argmax()
            for row in rows[:, shots]
        ]
        scores.append(np.mean(np.array(predicted) == np.arange(ways)))
    return np.array(scores)


def _question(words: str) -> str:
    return f"words: {words}\nclass:"


def _answer(name: str) -> str:
    return f" {name}\n"  # its end belongs to it: else a name that begins another would always be likelier


def _example(words: str, name: str) -> str:
    return f"{_question(words)}{_answer(name)}\n"


def in_context_rows(
    model: VideoTokenizer, tokens: dict[str, Tensor], store: ClipStore, settings: Semantics
) -> tuple[list[dict[str, Any]], list[Skipped]]:
    """(rows, left out) of the tasks, ways and shots of few-shot, answered by `settings.language_model`; none: no rows.

    left out: a model that is not here, a prompt longer than it reads, tokens that are no words.
    tokens: see `sweettok.metrics.semantics.tokens_by_group`.
    """
    rows, skipped = list[dict[str, Any]](), list[Skipped]()
    if settings.language_model is None:
        return rows, skipped
    if any(model.quantizers[group].words is None for group in tokens):
        return rows, [Skipped("in context", KIND, "this tokenizer has a learned codebook: its tokens are no words")]
    try:
        language_model = LanguageModel.open(settings.language_model, model.device)
    except InputError as reason:
        return rows, [Skipped("in context", KIND, str(reason))]
    words, first = model.words(torch.cat(list(tokens.values()), dim=1)), model.config.spatial_tokens
    parts = {"spatial": slice(None, first), "temporal": slice(first, None)}
    for task, (column, group) in few_shot_tasks(store).items():
        labels = store.labels[column].to_numpy()
        descriptions = [" ".join(of_clip[parts[group]]) for of_clip in words]
        for ways, shots in few_shot_sizes(labels, settings):
            asked, seed = (descriptions, labels, ways, shots, settings.language_model_episodes), settings.seed
            try:
                scores = in_context_accuracy(language_model, *asked, seed)
            except InputError as reason:
                skipped.append(Skipped(f"in context: {task}, {ways}-way {shots}-shot", KIND, str(reason)))
                continue
            accuracy = record(
                float(scores.mean()), len(scores), store.split, seed, bootstrap_interval(scores, RESAMPLES, seed),
                metric=f"in_context/{task}", label=column, queries=1, classifier="language model, log-likelihood",
                language_model=language_model.name, weights_sha256=language_model.sha256, chance=1 / ways,
                interval_over="episodes",
            )  # fmt: skip
            rows.append({"task": task, "ways": ways, "shots": shots, "accuracy": accuracy})
    return rows, skipped
