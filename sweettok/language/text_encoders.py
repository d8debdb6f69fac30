"""Word vectors from pretrained text encoders: MiniLM, CLIP, Qwen-2.5 and any other transformers model."""

from abc import abstractmethod
from pathlib import Path

import torch
import torch.nn.functional as F

from sweettok.errors import InputError
from sweettok.language.model_folder import (
    HOW_TO_GET_MINILM,
    given_or_usual,
    minilm_folder,
    model_folder,
    open_model,
    weights_sha256,
)
from sweettok.language.word_vectors import WordVectors

# sentence-transformers/all-MiniLM-L6-v2 at revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41, model.safetensors
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class TextEncoder(WordVectors):
    """A frozen transformers model that reads words in batches. Nothing is downloaded, no pickle is opened."""

    _architecture = "AutoModel"
    _keep: tuple[str, ...] = ()
    _batch_size = 64  # fixed: the last bits of a vector depend on the batch it was computed in

    def __init__(self, folder: Path):
        """Raises InputError where the folder's weights are absent, incomplete or of another architecture."""
        self.folder = folder
        self.fingerprint = weights_sha256(folder)
        self._tokenizer, self._model = open_model(folder, self._architecture, self._keep)
        self._tokenizer.padding_side = "right"

    @torch.inference_mode()
    def embed(self, words: list[str]) -> torch.Tensor:
        if not words:
            return torch.empty(0, self.dim)
        lengths = torch.tensor([len(ids) for ids in self._tokenizer(words)["input_ids"]])
        order = lengths.argsort(stable=True)  # words of one length share a batch: a third less time than with padding
        batches = [[words[i] for i in batch] for batch in order.split(self._batch_size)]
        vectors = torch.cat([F.normalize(self._read(batch), dim=-1) for batch in batches])  # (W, dim), by length
        return vectors[order.argsort()]

    @abstractmethod
    def _read(self, words: list[str]) -> torch.Tensor:
        """Vectors of any length, float32 (B, dim)."""


class MiniLM(TextEncoder):
    """Sentence encoder all-MiniLM-L6-v2: mean of the last hidden states over a word's tokens, scaled to length 1.

    Takes the place of the paper's CLIP or Qwen text encoder. The weights' sha256 is checked. As the model was trained,
    the mean takes in the marks of start and end.
    """

    name = "minilm"
    dim = 384

    def __init__(self, path: str | Path | None = None):
        """path: folder of the model; None takes the installed weights package.

        Raises InputError where the weights are absent, incomplete or not the ones expected.
        """
        folder = minilm_folder(path)
        found = weights_sha256(folder)
        if found != MINILM_SHA256:
            raise InputError(
                f"{folder / 'model.safetensors'} is not all-MiniLM-L6-v2 (sha256 {found[:12]}...); {HOW_TO_GET_MINILM}"
            )
        super().__init__(folder)

    def _read(self, words: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(words, padding=True, truncation=True, return_tensors="pt")
        hidden = self._model(**tokens).last_hidden_state  # (B, L, 384)
        return _mean(hidden, tokens["attention_mask"])  # (B, 384)


class CLIPText(TextEncoder):
    """CLIP's text tower (paper v3): a word's projected embedding, the one that images are compared with."""

    name = "clip"
    _architecture = "CLIPTextModelWithProjection"
    _keep = ("projection_dim",)  # a whole CLIP's own; that of its text part is a default in some

    def __init__(self, path: str | Path | None = None):
        """path: folder or hub name of a CLIP model, whole or its text tower alone; None takes the usual one."""
        super().__init__(model_folder(given_or_usual(self.name, path)))
        self.dim = self._model.config.projection_dim

    def _read(self, words: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(words, padding=True, truncation=True, return_tensors="pt")
        return self._model(tokens["input_ids"], tokens["attention_mask"]).text_embeds  # (B, dim)


class Transformer(TextEncoder):
    """Any text model of transformers: mean of the last hidden states over a word's own tokens.

    Of an encoder-decoder the encoder is read. Marks the tokenizer adds are left out of the mean. Where it adds none, as
    that of Qwen and GPT-2, a start or end mark is set before the word and left out too: the first position of such a
    model serves as attention sink and looks alike for every word, which would be all there is of a one-token word
    (Xiao et al. 2024, "Efficient streaming language models with attention sinks"). The word then gets a space before
    it, the form it has within a sentence.
    """

    name = "transformers"

    def __init__(self, path: str | Path | None = None):
        """path: folder or hub name of the model; None takes the usual one. Raises InputError where there is none."""
        super().__init__(model_folder(given_or_usual(self.name, path)))
        if not hasattr(self._model.config, "hidden_size"):
            raise InputError(
                f"{self.folder} does not hold a model of text alone; for a CLIP set codebook.provider clip"
            )
        self.dim = self._model.config.hidden_size
        if self._model.config.is_encoder_decoder:
            self._model = self._model.get_encoder()
        marks = self._tokenizer
        self._start = marks.eos_token_id if marks.bos_token_id is None else marks.bos_token_id
        if marks.num_special_tokens_to_add():
            self._start = None
        if marks.pad_token is None:
            marks.pad_token = marks.eos_token  # masked, so that any token serves

    def _read(self, words: list[str]) -> torch.Tensor:
        spaced = words if self._start is None else [f" {word}" for word in words]
        tokens = self._tokenizer(
            spaced, padding=True, truncation=True, return_special_tokens_mask=True, return_tensors="pt"
        )
        ids, attended = tokens["input_ids"], tokens["attention_mask"]  # (B, L)
        own = attended * (1 - tokens["special_tokens_mask"])  # (B, L)
        if self._start is not None:
            ids, attended, own = (F.pad(x, (1, 0), value=v) for x, v in ((ids, self._start), (attended, 1), (own, 0)))
        return _mean(self._model(input_ids=ids, attention_mask=attended).last_hidden_state, own)  # (B, dim)


class Qwen(Transformer):
    """Qwen-2.5 (paper v2), read as `Transformer` says. The paper does not say which size; the smallest is usual."""

    name = "qwen"


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of (B, L, dim) over the positions where mask (B, L) is 1."""
    mask = mask.unsqueeze(-1).to(hidden.dtype)  # (B, L, 1)
    return (hidden * mask).sum(1) / mask.sum(1)
