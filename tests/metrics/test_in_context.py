import re
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from sweettok.errors import InputError
from sweettok.language.model_folder import weights_sha256
from sweettok.metrics.in_context import LanguageModel, in_context_accuracy, in_context_rows
from sweettok.params import Semantics
from sweettok.torchvision_operators import define_missing_operators

define_missing_operators()

CLASSES = ("slide", "blink", "fall")
PIECES = (
    "<start>",
    "?",
    "words:",
    "class:",
    "\n",
    *CLASSES,
    *(f"{p}{i}" for p in ("adverb", "verb") for i in range(9)),
)


def word_tokenizer():
    """A token for each word and each line's end."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({piece: place for place, piece in enumerate(PIECES)}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(" ", "removed"), pre_tokenizers.Split(Regex("\n"), "isolated")]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<start>", unk_token="?")


def causal(**config):
    """A kind of model whose tokenizer transformers opens as it was saved."""
    from transformers import GraniteConfig, GraniteForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    settings = (
        sizes
        | {
            "vocab_size": len(PIECES),
            "num_key_value_heads": 1,
            "initializer_range": 0.5,
            "bos_token_id": 0,
            "eos_token_id": 4,
        }
        | config
    )
    return GraniteForCausalLM(GraniteConfig(**settings)).eval()


def saved(folder, model):
    word_tokenizer().save_pretrained(folder)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="module")
def random_model(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("random"), causal())


@pytest.fixture(scope="module")
def bigrams(tmp_path_factory):
    """A model that looks at the last token alone: its logits are a row of `table` (V, V)."""
    size = len(PIECES)
    model = causal(hidden_size=size + size % 2, num_hidden_layers=1, num_attention_heads=1)
    table = torch.randn(size, size, generator=torch.Generator().manual_seed(1))
    table[PIECES.index("class:"), PIECES.index("blink")] += 20
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "o_proj" in name or "down_proj" in name:
                parameter.zero_()  # neither attention nor feed-forward adds to a token's embedding
        model.model.embed_tokens.weight.copy_(torch.eye(size, model.config.hidden_size))
        model.lm_head.weight.zero_()
        model.lm_head.weight[:, :size] = table.T / model.config.hidden_size**0.5  # what the norm makes of a one
    return saved(tmp_path_factory.mktemp("bigrams"), model), table


def test_log_likelihood_is_the_loss_that_transformers_computes(random_model):
    found = LanguageModel.open(str(random_model))
    assert found.name == str(random_model) and found.sha256 == weights_sha256(random_model)
    prompt, answers = "words: verb1 verb2\nclass:", [" slide\n", " blink slide fall\n"]
    for answer, said in zip(answers, found.log_likelihoods(prompt, answers), strict=True):
        ids = found.tokenizer("<start> " + prompt + answer, add_special_tokens=False, return_tensors="pt")["input_ids"]
        labels = ids.clone()
        labels[:, : 1 + 5] = -100  # the start mark and the prompt
        loss = found.model(input_ids=ids, labels=labels).loss.item()
        assert said == pytest.approx(-loss * (ids.shape[1] - 6), abs=1e-4)


def test_all_next_words_together_are_certain(random_model):
    model = LanguageModel.open(str(random_model))
    assert np.exp(model.log_likelihoods("words: verb1 class:", PIECES)).sum() == pytest.approx(1, abs=1e-4)


def test_a_model_of_known_answers(bigrams):
    folder, table = bigrams
    model = LanguageModel.open(str(folder))
    log_p = table.log_softmax(-1)
    at = {piece: place for place, piece in enumerate(PIECES)}
    answers = [f" {name}\n" for name in CLASSES]
    expected = [log_p[at["class:"], at[name]] + log_p[at[name], at["\n"]] for name in CLASSES]
    np.testing.assert_allclose(model.log_likelihoods("words: verb3\nclass:", answers), expected, atol=1e-3)
    labels = np.repeat(CLASSES, 4)
    accuracy = in_context_accuracy(model, ["verb1"] * 12, labels, ways=3, shots=2, episodes=5, seed=0)
    np.testing.assert_allclose(accuracy, 1 / 3)  # it always says "blink", which is one of the three


@dataclass
class Reader:
    """Answers with the class of the example that has the query's words, and keeps what it was asked."""

    asked: list

    def log_likelihoods(self, prompt, answers):
        self.asked.append(prompt)
        *examples, query = re.findall(r"words: (.*)\nclass:(.*\n)?", prompt)
        return np.array([-float((query[0], answer) not in examples) for answer in answers])


def test_the_prompt_shows_what_an_episode_needs():
    labels = np.repeat(CLASSES, 6)
    telling = Reader([])
    descriptions = [f"verb{CLASSES.index(name)}" for name in labels]
    accuracy = in_context_accuracy(telling, descriptions, labels, ways=2, shots=3, episodes=8, seed=0)
    assert accuracy.shape == (8,) and (accuracy == 1).all() and len(telling.asked) == 8 * 2
    for prompt in telling.asked:
        assert prompt.count("words: ") == 7 and prompt.endswith("\nclass:")
        shown = re.findall(r"class: (\w+)\n", prompt)
        assert len(set(shown[:2])) == 2 and shown == shown[:2] * 3  # classes take turns
    unlike = [f"clip{number}" for number in range(18)]  # a query shares its words with no shot
    assert in_context_accuracy(Reader([]), unlike, labels, 2, 3, 8, seed=0).mean() == 0.5
    again = Reader([])
    in_context_accuracy(again, descriptions, labels, ways=2, shots=3, episodes=8, seed=0)
    assert again.asked == telling.asked


SETTINGS = Semantics(
    ways=(2,), shots=(1, 2), episodes=1, language_model=None, language_model_episodes=3, probe_folds=2, permutations=1,
    seed=5,
)  # fmt: skip


class Store:
    import pandas

    split, frames = "test", 9
    labels = pandas.DataFrame({"class": list(CLASSES) * 4, "factor:shape": ["fall", "slide"] * 6})


@pytest.fixture
def tokens(make_model):
    model = make_model()
    generator = torch.Generator().manual_seed(0)
    sizes = {"spatial": (12, 4), "temporal": (12, 16)}
    return {name: torch.randint(model.quantizers[name].size, size, generator=generator) for name, size in sizes.items()}


def rows_with(make_model, tokens, folder, **overrides):
    settings = SETTINGS.model_copy(update={"language_model": str(folder) if folder else None})
    return in_context_rows(make_model(**overrides), tokens, Store(), settings)


def test_rows_name_the_model_and_its_weights(make_model, tokens, random_model):
    rows, skipped = rows_with(make_model, tokens, random_model)
    assert not skipped
    expected = {(task, 2, shots) for task in ("action", "image") for shots in (1, 2)}
    assert {(row["task"], row["ways"], row["shots"]) for row in rows} == expected
    for row in rows:
        facts = row["accuracy"]["protocol"]
        assert facts["language_model"] == str(random_model) and facts["weights_sha256"] == weights_sha256(random_model)
        assert row["accuracy"]["n"] == 3 and row["accuracy"]["seed"] == 5 and facts["chance"] == 0.5
    assert rows_with(make_model, tokens, random_model)[0] == rows


def test_what_cannot_be_asked_is_left_out_with_its_reason(make_model, tokens, random_model, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    assert rows_with(make_model, tokens, None) == ([], [])
    rows, (absent,) = rows_with(make_model, tokens, "some/model")
    assert not rows and re.search("language model some/model is neither.*hf download some/model.* null", absent.why)
    rows, (learned,) = rows_with(make_model, tokens, random_model, quantizer="learned")
    assert not rows and "tokens are no words" in learned.why
    pickled = shutil.copytree(random_model, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    rows, (refused,) = rows_with(make_model, tokens, pickled)
    assert not rows and "pytorch_model.bin is not opened" in refused.why


def test_a_prompt_longer_than_the_context_is_left_out_alone(make_model, tokens, tmp_path):
    short = saved(tmp_path / "short", causal(max_position_embeddings=80))
    rows, skipped = rows_with(make_model, tokens, short)  # temporal: 16 words a clip; spatial: 4
    assert {(row["task"], row["shots"]) for row in rows} == {("action", 1), ("image", 1), ("image", 2)}
    (long,) = skipped
    assert long.metric == "in context: action, 2-way 2-shot" and "reads 80" in long.why
    with pytest.raises(InputError, match=" 80; .*ways .*shots"):
        LanguageModel.open(str(short)).log_likelihoods("verb1 " * 90, [" slide\n"])


def test_an_answer_without_tokens_is_refused(random_model):
    with pytest.raises(InputError, match="tokens .*''"):
        LanguageModel.open(str(random_model)).log_likelihoods("verb1", [" slide", ""])


def test_a_folder_without_a_causal_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"model\.safetensors"):
        LanguageModel.open(str(tmp_path))
