"""The codebook file: words, their part of speech, their vectors and the graph between them."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sweettok.errors import InputError
from sweettok.language.graph import cooccurrence_edges
from sweettok.language.providers import open_word_vectors
from sweettok.language.tagging import PARTS, tag_captions
from sweettok.language.vocabulary import build_vocabulary
from sweettok.params import Codebook as CodebookParams
from sweettok.storage import atomic_directory, read_json, read_sealed, sha256_of, write_sealed

_SCHEMA = 2
_TENSORS = "codebook.safetensors"
_DESCRIPTION = "codebook.json"


@dataclass(frozen=True, eq=False)
class Codebook:
    """Frozen words as codes (docs/paper.md, Codebook). Word i of V is described by entry i of every field.

    words: lemmas, adjectives first, then nouns, adverbs, verbs; within a part by falling count, then alphabetically.
    part_of_speech: "adjective", "noun", "adverb" or "verb" of each position.
    vectors: float32 (V, dim), length 1, not trained.
    counts: int64 (V,), occurrences in the captions.
    edges: int64 (E, 2), pairs of positions whose words share a caption; edge_counts: int64 (E,), in how many captions.
    provider, fingerprint: what made the vectors (see WordVectors).
    min_count, max_words: the thresholds by part of speech (max_words None: no limit).
    captions: their number, repeats included.
    """

    words: list[str]
    part_of_speech: list[str]
    vectors: torch.Tensor
    counts: torch.Tensor
    edges: torch.Tensor
    edge_counts: torch.Tensor
    provider: str
    fingerprint: str
    min_count: dict[str, int]
    max_words: dict[str, int] | None
    captions: int

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dim(self) -> int:
        """Size of a word vector."""
        return self.vectors.shape[1]

    def group(self, parts: Collection[str]) -> torch.Tensor:
        """Positions of the given parts of speech, ascending, int64. Raises ValueError for an unknown part."""
        unknown = set(parts) - set(PARTS)
        if unknown:
            raise ValueError(f"expected parts of speech from {PARTS}, got {sorted(unknown)}")
        return torch.tensor([i for i, part in enumerate(self.part_of_speech) if part in parts], dtype=torch.int64)

    def nearest(self, word: str, k: int) -> list[tuple[str, float]]:
        """The k other words most similar to `word`, with their cosines, best first. Raises InputError if absent."""
        if word not in self.words:
            raise InputError(
                f"{word!r} is not among the codebook's {len(self)} words; ask for one such as {self.words[0]!r}"
            )
        at = self.words.index(word)
        cosine = torch.nn.functional.cosine_similarity(self.vectors, self.vectors[at], dim=-1)  # (V,)
        cosine[at] = -torch.inf
        best = cosine.topk(min(k, len(self) - 1))
        return [(self.words[i], value) for i, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)]

    def save(self, folder: str | Path) -> None:
        """Write codebook.safetensors and codebook.json; replaces the folder whole. Raises InputError (not writable)."""
        tensors = {name: getattr(self, name).contiguous() for name in ("vectors", "counts", "edges", "edge_counts")}
        with atomic_directory(folder) as temporary:
            save_file(tensors, temporary / _TENSORS)
            description = {
                "schema": _SCHEMA,
                "provider": self.provider,
                "weights_sha256": self.fingerprint,
                "min_count": self.min_count,
                "max_words": self.max_words,
                "captions": self.captions,
                "tensors_sha256": sha256_of(temporary / _TENSORS),
                "words": self.words,
                "part_of_speech": self.part_of_speech,
            }
            write_sealed(temporary / _DESCRIPTION, description)

    @classmethod
    def load(cls, folder: str | Path) -> "Codebook":
        """Read what `save` wrote. Raises InputError naming the file that is absent, damaged or of another schema."""
        description_file, tensors_file = Path(folder) / _DESCRIPTION, Path(folder) / _TENSORS
        remedy = "run `dvc repro build_codebook`"
        description = read_json(description_file)
        if not isinstance(description, dict) or description.get("schema") != _SCHEMA:
            raise InputError(f"{description_file} is not a codebook of schema {_SCHEMA}; {remedy}")
        description = read_sealed(description_file, remedy)
        if not tensors_file.is_file():
            raise InputError(f"{tensors_file} does not exist; {remedy}")
        if sha256_of(tensors_file) != description.get("tensors_sha256"):
            raise InputError(f"{tensors_file} is damaged: its sha256 is not the one in {description_file}; {remedy}")
        try:
            codebook = cls(
                words=description["words"],
                part_of_speech=description["part_of_speech"],
                provider=description["provider"],
                fingerprint=description["weights_sha256"],
                min_count=description["min_count"],
                max_words=description["max_words"],
                captions=description["captions"],
                **load_file(tensors_file),
            )
            lengths = {len(codebook.words), len(codebook.part_of_speech), len(codebook.vectors), len(codebook.counts)}
        except (KeyError, TypeError, SafetensorError) as error:
            raise InputError(f"{description_file} and {tensors_file} are incomplete ({error}); {remedy}") from error
        if len(lengths) > 1 or len(codebook.edges) != len(codebook.edge_counts):
            raise InputError(f"{description_file} disagrees with {tensors_file} on the number of words; {remedy}")
        return codebook


def build_codebook(captions: list[str], settings: CodebookParams) -> Codebook:
    """Captions -> vocabulary by part of speech -> co-occurrence edges -> frozen word vectors.

    Raises InputError (a part of speech without words, provider weights absent or wrong).
    """
    provider = open_word_vectors(settings.provider, settings.provider_path)
    min_count = settings.min_count.model_dump()
    max_words = settings.max_words.model_dump() if settings.max_words else None
    tagged = tag_captions(captions)
    vocabulary = build_vocabulary(tagged, min_count, max_words)
    edges, edge_counts = cooccurrence_edges(tagged, vocabulary)
    counts = [count for part in PARTS for count in vocabulary.counts[part].values()]
    vectors = provider.learn(tagged).embed(vocabulary.words)
    return Codebook(
        words=vocabulary.words,
        part_of_speech=vocabulary.part_of_speech,
        vectors=vectors,
        counts=torch.tensor(counts, dtype=torch.int64),
        edges=edges,
        edge_counts=edge_counts,
        provider=provider.name,
        fingerprint=provider.fingerprint,
        min_count=min_count,
        max_words=max_words,
        captions=len(captions),
    )
