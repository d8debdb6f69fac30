"""From latents to words (or learned codes) and back.

Both quantisers work on unit vectors of `code_dim` numbers: the nearest code by distance is then the one of largest
cosine, which keeps codes in use where plain VQ collapses (docs/design.md, Quantisers). Always fp32, whatever the
autocast.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sweettok.language.codebook import Codebook
from sweettok.language.controls import controlled
from sweettok.language.graph import normalised_adjacency
from sweettok.models.processes import add_over_processes, broadcast, gathered, mean_over_processes, process_count
from sweettok.params import Lookup, Tokenizer

PARTS_OF_SPEECH = {"spatial": ("adjective", "noun"), "temporal": ("adverb", "verb")}
ENTROPY_SHARPNESS = 10.0  # inverse temperature of the soft assignment whose entropy is measured
SCORES_AT_ONCE = 2**22  # scores of tokens with words in memory at a time (16 MB): beyond it tokens come in chunks


@dataclass(frozen=True)
class Quantized:
    """z_q (B, N, D) for the decoder, indices (B, N) or (B, N, 3), loss (scalar), usage: share of words in this batch."""

    z_q: Tensor
    indices: Tensor
    loss: Tensor
    usage: float


class ToCode(nn.Module):
    """Latents (B, N, D) -> unit vectors of `code_dim`, (B, N, d), centred for each token and whitened over all.

    A query's latent is at first nearly the same for every clip, so that each token has one word for all of them and the
    decoder learns to do without tokens. Taking away what is constant, and giving all directions the same spread, leaves
    what tells clips apart and puts most words in reach. The moving statistics change in training mode only and pass
    no gradient, so training and evaluation see the same function. They are those of all processes' batches together.
    """

    MOMENTUM = 0.05

    def __init__(self, width: int, code_dim: int, tokens: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, code_dim, bias=False)
        self.register_buffer("mean", torch.zeros(tokens, code_dim))
        self.register_buffer("covariance", torch.eye(code_dim))
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def forward(self, z: Tensor) -> Tensor:
        latent = self.project(z.float())
        if self.training:
            self._update(latent.detach())
        return F.normalize((latent - self.mean) @ whitening(self.covariance), dim=-1)

    @torch.no_grad()
    def _update(self, latent: Tensor) -> None:
        momentum = max(self.MOMENTUM, 1 / (1 + self.updates.item()))  # a plain mean of the first batches
        self.mean.lerp_(mean_over_processes(latent.mean(0)), momentum)
        spread = (latent - self.mean).flatten(0, 1)
        self.covariance.lerp_(mean_over_processes(spread.T @ spread / len(spread)), momentum)
        self.updates += 1


def whitening(covariance: Tensor) -> Tensor:
    """The symmetric matrix W with W C W = I (directions of next to no spread are left small): (d, d)."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ torch.diag((values + 1e-4 * values.max() + 1e-12).rsqrt()) @ vectors.T


class LanguageQuantizer(nn.Module):
    """Codes are words: frozen vectors, moved into latent space by a 2-layer graph network (docs/paper.md, Codebook).

    F(c) = A relu(A c W1 + c V1) W2 + c V2, then whitened over the vocabulary and scaled to unit length. The terms
    with V are skips: where almost every adjective meets almost every noun, A alone would smooth all words into one.

    Args:
        codebook: words, their vectors and their graph.
        words: indices into the codebook of the words this quantiser may use.
        lookup: "union": nearest word. "composed" (docs/paper.md, C11): the mean of the two nearest of the first part of
            speech in one half of the vector, the nearest of the second in the other half: three indices a token.
        commitment: weight of the pull of latents towards words.
        usage_entropy: weight of (entropy of one token's assignment - entropy of the batch's), keeps words in use.
    """

    def __init__(
        self,
        codebook: Codebook,
        words: list[int],
        parts: tuple[str, str],
        width: int,
        code_dim: int,
        tokens: int,
        lookup: Lookup,
        commitment: float,
        usage_entropy: float,
    ) -> None:
        super().__init__()
        self.lookup_mode, self.commitment, self.usage_entropy = lookup, commitment, usage_entropy
        self.words = [codebook.words[index] for index in words]
        vectors = codebook.vectors[torch.tensor(words)]  # (V, W)
        # Sentence encoders put all words into a narrow cone; what tells words apart is left after standardising.
        vectors = (vectors - vectors.mean(0)) / vectors.std(0).clamp_min(1e-6)
        self.register_buffer("vectors", vectors)
        adjacency = _subgraph(codebook, words).coalesce()
        self.register_buffer("edges", adjacency.indices())
        self.register_buffer("edge_weights", adjacency.values())
        hidden = max(64, 2 * code_dim)
        self.graph_in = nn.Linear(vectors.shape[1], hidden)
        self.skip_in = nn.Linear(vectors.shape[1], hidden, bias=False)
        self.graph_out, self.skip_out = nn.Linear(hidden, code_dim), nn.Linear(vectors.shape[1], code_dim, bias=False)
        self.to_code = ToCode(width, code_dim, tokens)
        self.project_out = nn.Linear(code_dim, width)
        self.slots = self._slots([codebook.part_of_speech[index] for index in words], parts)
        self._cache: Tensor | None = None

    def _slots(self, parts_of_words: list[str], parts: tuple[str, str]) -> list[tuple[int, int]]:
        """Per index of a token: (first word, number of words) it can take."""
        if self.lookup_mode == "union":
            return [(0, len(parts_of_words))]
        first = sum(part == parts[0] for part in parts_of_words)
        if parts_of_words != [parts[0]] * first + [parts[1]] * (len(parts_of_words) - first):
            raise ValueError(
                f"composed lookup needs words of {parts[0]} then {parts[1]} only; set tokenizer.words to by_part_of_speech"
            )
        if self.project_out.in_features % 2 or first < 2:
            raise ValueError(f"composed lookup needs an even code_dim and at least two words of {parts[0]}")
        return [(0, first), (0, first), (first, len(parts_of_words) - first)]

    @property
    def size(self) -> int:
        """Number of words a token may be."""
        return len(self.words)

    @property
    def folded_parameters(self) -> int:
        """Parameters that training has and use has not: the graph convolution, of which the table of codes is left."""
        layers = (self.graph_in, self.skip_in, self.graph_out, self.skip_out)
        trained = sum(parameter.numel() for layer in layers for parameter in layer.parameters())
        return trained - self.size * self.project_out.in_features

    def codes(self) -> Tensor:
        """F(c) of all words: (V, code_dim), unit length. Computed once a step in training, cached in eval."""
        if not self.training and self._cache is not None and self._cache.device == self.vectors.device:
            return self._cache
        with torch.autocast(self.vectors.device.type, enabled=False):
            adjacency = torch.sparse_coo_tensor(self.edges, self.edge_weights, 2 * (self.size,), check_invariants=False)
            hidden = F.relu(torch.sparse.mm(adjacency, self.graph_in(self.vectors)) + self.skip_in(self.vectors))
            codes = torch.sparse.mm(adjacency, self.graph_out(hidden)) + self.skip_out(self.vectors)
            codes = codes - codes.mean(0)
            codes = F.normalize(codes @ whitening((codes.T @ codes).detach() / self.size), dim=-1)
        if not self.training:
            self._cache = codes.detach()
        return codes

    def train(self, mode: bool = True) -> "LanguageQuantizer":
        self._cache = None
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:  # new weights make the cached codes stale
        self._cache = None
        super()._load_from_state_dict(*args, **kwargs)

    def forward(self, z: Tensor) -> Quantized:
        """z (B, N, D) -> Quantized."""
        with torch.autocast(z.device.type, enabled=False):
            latent = self.to_code(z)  # (B, N, d)
            codes = self.codes()
            indices = self._nearest(latent, codes)
            target = self._compose(indices, codes)
            if not self.training:  # exactly what decoding from indices gives
                return Quantized(self.project_out(target), indices, z.new_zeros(()), _usage(indices, self.size))
            loss = (latent.detach() - target).pow(2).sum(-1).mean()
            loss = loss + self.commitment * (latent - target.detach()).pow(2).sum(-1).mean()
            if self.usage_entropy:
                loss = loss + self.usage_entropy * _assignment_entropy(latent, codes)
            straight_through = latent + (target - latent).detach()
            return Quantized(self.project_out(straight_through), indices, loss, _usage(indices, self.size))

    @torch.no_grad()
    def _nearest(self, latent: Tensor, codes: Tensor) -> Tensor:
        chosen = [self._nearest_of(tokens, codes) for tokens in in_chunks(latent.flatten(0, 1), self.size)]
        return torch.cat(chosen).unflatten(0, latent.shape[:2])  # (B, N) or (B, N, 3)

    def _nearest_of(self, latent: Tensor, codes: Tensor) -> Tensor:
        """latent (M, d) -> (M,) or (M, 3)."""
        if self.lookup_mode == "union":
            return (latent @ codes.T).argmax(-1)
        (_, first), _, (start, _) = self.slots
        left, right = latent.chunk(2, dim=-1)  # halves are no unit vectors: by distance, not by cosine
        code_left, code_right = codes.chunk(2, dim=-1)
        two = torch.cdist(left, code_left[:first]).topk(2, dim=-1, largest=False).indices
        one = torch.cdist(right, code_right[start:]).argmin(-1, keepdim=True) + start
        return torch.cat([two, one], dim=-1)

    def _compose(self, indices: Tensor, codes: Tensor) -> Tensor:
        if self.lookup_mode == "union":
            return codes[indices]
        left, right = codes.chunk(2, dim=-1)
        return torch.cat([left[indices[..., :2]].mean(-2), right[indices[..., 2]]], dim=-1)

    def lookup(self, indices: Tensor) -> Tensor:
        """Inverse of `forward` for decoding: indices (B, N) or (B, N, 3) -> z_q (B, N, D)."""
        with torch.autocast(self.vectors.device.type, enabled=False):
            return self.project_out(self.code_vectors(indices))

    def code_vectors(self, indices: Tensor) -> Tensor:
        """The code each token stands for: indices (B, N) or (B, N, 3) -> (B, N, code_dim), fp32. Raises ValueError."""
        _check_indices(indices, self.slots)
        return self._compose(indices, self.codes())


class LearnedQuantizer(nn.Module):
    """Learned codes without words (T5 "no language codebook"): vector-quantize-pytorch with cosine codes, k-means start,
    EMA updates and revival of dead codes. Same interface as LanguageQuantizer."""

    def __init__(self, size: int, width: int, code_dim: int, tokens: int, commitment: float) -> None:
        super().__init__()
        from vector_quantize_pytorch import VectorQuantize  # slow to import

        self.size, self.slots, self.words, self.folded_parameters = size, [(0, size)], None, 0
        self.to_code = ToCode(width, code_dim, tokens)
        self.project_out = nn.Linear(code_dim, width)
        self.quantize = VectorQuantize(
            dim=code_dim,
            codebook_size=size,
            use_cosine_sim=True,
            kmeans_init=True,
            threshold_ema_dead_code=0.05,  # of the moving count a step: an unused code is replaced after some 50 steps
            decay=0.95,
            commitment_weight=commitment,
            rotation_trick=False,  # the straight-through gradient of the paper
            sync_codebook=False,  # `_join_processes` does it, with the draws of one process
        )

    def forward(self, z: Tensor) -> Quantized:
        """z (B, N, D) -> Quantized."""
        if self.training and process_count() > 1:
            _join_processes(self.quantize._codebook)
        with torch.autocast(z.device.type, enabled=False):
            latent = self.to_code(z.float())
            if self.training:  # the codes' statistics need the whole batch at once
                z_q, indices, loss = self.quantize(latent)
                return Quantized(self.project_out(z_q), indices, loss.sum(), _usage(indices, self.size))
            chunks = in_chunks(latent.flatten(0, 1), self.size)
            indices = torch.cat([self.quantize(tokens[None])[1][0] for tokens in chunks]).unflatten(0, latent.shape[:2])
            return Quantized(self.lookup(indices), indices, z.new_zeros(()), _usage(indices, self.size))

    def lookup(self, indices: Tensor) -> Tensor:
        """indices (B, N) -> z_q (B, N, D)."""
        with torch.autocast(indices.device.type, enabled=False):
            return self.project_out(self.code_vectors(indices))

    def code_vectors(self, indices: Tensor) -> Tensor:
        """indices (B, N) -> (B, N, code_dim). Raises ValueError."""
        _check_indices(indices, self.slots)
        return self.quantize.get_codes_from_indices(indices)


def _join_processes(codebook: nn.Module) -> None:
    """Let the codebook of vector-quantize-pytorch count, start and revive its codes from all processes' latents."""
    codebook.all_reduce_fn = codebook.kmeans_all_reduce_fn = add_over_processes
    codebook.sample_fn = codebook.replace_sample_fn = _draw_from_all


def _draw_from_all(latents: Tensor, count: int) -> Tensor:
    """`count` latents out of all processes' (1, n, d), the same in each: what one process draws from the whole batch."""
    from vector_quantize_pytorch.vector_quantize_pytorch import batched_sample_vectors

    return broadcast(batched_sample_vectors(gathered(latents[0])[None], count))


Quantizer = LanguageQuantizer | LearnedQuantizer


def build_quantizers(tokenizer: Tokenizer, codebook: Codebook) -> nn.ModuleDict:
    """One quantiser for the spatial and one for the temporal tokens, as `tokenizer.quantizer`, `.words` and `.graph` say.

    Learned codebooks get as many codes as the language ones have words, so that bits are equal.
    """
    codebook = controlled(codebook, tokenizer.words, tokenizer.graph)
    quantizers = nn.ModuleDict()
    tokens = {"spatial": tokenizer.spatial_tokens, "temporal": tokenizer.temporal_tokens}
    for group, parts in PARTS_OF_SPEECH.items():
        words = [i for i, part in enumerate(codebook.part_of_speech) if tokenizer.words == "all" or part in parts]
        if tokenizer.quantizer == "learned":
            quantizers[group] = LearnedQuantizer(
                len(words), tokenizer.width, tokenizer.code_dim, tokens[group], tokenizer.commitment
            )
        else:
            quantizers[group] = LanguageQuantizer(
                codebook, words, parts, tokenizer.width, tokenizer.code_dim, tokens[group],
                tokenizer.lookup, tokenizer.commitment, tokenizer.usage_entropy,
            )  # fmt: skip
    return quantizers


def _subgraph(codebook: Codebook, words: list[int]) -> Tensor:
    """Normalised adjacency of the edges both of whose ends are among `words`: sparse (V, V)."""
    place = torch.full((len(codebook.words),), -1)
    place[torch.tensor(words)] = torch.arange(len(words))
    edges = place[codebook.edges]  # (E, 2)
    inside = (edges >= 0).all(dim=1)
    return normalised_adjacency(len(words), edges[inside], codebook.edge_counts[inside].float())


def in_chunks(tokens: Tensor, words: int) -> tuple[Tensor, ...]:
    """Tokens (M, d) in chunks whose scores with `words` words are at most SCORES_AT_ONCE, or one token's."""
    return tokens.split(max(1, SCORES_AT_ONCE // words))


def _assignment_entropy(latent: Tensor, codes: Tensor) -> Tensor:
    """Mean entropy of each token's soft assignment minus the entropy of the batch's mean assignment, over log V.

    Both are sums over tokens, so chunks add up to the same; the backward pass computes each chunk's scores again
    instead of keeping those of all. The batch is that of all processes: the few clips of one are far from even use.
    """
    tokens, entropy, assigned = latent.flatten(0, 1), 0.0, 0.0
    chunks = in_chunks(tokens, len(codes))
    sums_of = _assignment_sums if len(chunks) == 1 else partial(checkpoint, _assignment_sums, use_reentrant=False)
    for chunk in chunks:
        of_chunk, assigned_of_chunk = sums_of(chunk, codes)
        entropy, assigned = entropy + of_chunk, assigned + assigned_of_chunk
    mean = mean_over_processes(assigned / len(tokens))
    batch = -(mean * mean.clamp_min(1e-9).log()).sum()
    return (entropy / len(tokens) - batch) / math.log(max(2, len(codes)))


def _assignment_sums(latent: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """latent (M, d) -> summed entropy of the tokens' soft assignments (scalar), summed assignments (V,)."""
    log_p = (ENTROPY_SHARPNESS * latent @ codes.T).log_softmax(-1)  # (M, V)
    p = log_p.exp()
    return -(p * log_p).sum(-1).sum(), p.sum(0)


def _usage(indices: Tensor, size: int) -> float:
    return indices.unique().numel() / size


def _check_indices(indices: Tensor, slots: list[tuple[int, int]]) -> None:
    """Each index of a token must be a word that its slot allows. Raises ValueError."""
    columns = indices[..., None] if len(slots) == 1 else indices  # (B, N, slots)
    if columns.shape[-1] != len(slots):
        raise ValueError(f"expected (B, N, {len(slots)}) indices, got {tuple(indices.shape)}")
    for place, (start, count) in enumerate(slots):
        column = columns[..., place]
        if column.numel() and not (start <= column.min() and column.max() < start + count):
            allowed, given = f"[{start}, {start + count})", [column.min().item(), column.max().item()]
            raise ValueError(f"expected indices in {allowed} at place {place} of each token, got {given}")
