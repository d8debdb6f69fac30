"""Codes that are words, and how words come into the latent space."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sweettok.language.codebook import Codebook
from sweettok.language.graph import normalised_adjacency
from sweettok.models import devices
from sweettok.models.processes import mean_over_processes
from sweettok.models.quantized import Quantized, check_indices, in_chunks, usage_of
from sweettok.models.whitening import Whitening, whitening_matrix
from sweettok.params import Lookup

ENTROPY_SHARPNESS = 10.0  # inverse temperature of the soft assignment whose entropy is measured


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
        self.register_buffer("edges", adjacency.indices().clone())  # views of a sparse tensor do not compile
        self.register_buffer("edge_weights", adjacency.values().clone())
        hidden = max(64, 2 * code_dim)
        self.graph_in = nn.Linear(vectors.shape[1], hidden)
        self.skip_in = nn.Linear(vectors.shape[1], hidden, bias=False)
        self.graph_out, self.skip_out = nn.Linear(hidden, code_dim), nn.Linear(vectors.shape[1], code_dim, bias=False)
        self.to_code = Whitening(width, code_dim, tokens)
        self.project_out = nn.Linear(code_dim, width)
        self.slots = self._slots([codebook.part_of_speech[index] for index in words], parts)
        self._cache: tuple[list[tuple[int, int]], Tensor] | None = None  # what codes were made from, the codes

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
        return trained - self.size * self.graph_out.out_features

    def codes(self) -> Tensor:
        """F(c) of all words: (V, code_dim), unit length. Computed each time in training, in eval after weights changed."""
        if self.training or torch.compiler.is_compiling():
            return self._projected()
        layers = (self.graph_in, self.skip_in, self.graph_out, self.skip_out)
        made_from = [(weight.data_ptr(), weight._version) for layer in layers for weight in layer.parameters()]
        if self._cache is None or self._cache[0] != made_from:
            self._cache = made_from, self._projected().detach()
        return self._cache[1]

    def _projected(self) -> Tensor:
        with torch.autocast(self.vectors.device.type, enabled=False):
            hidden = F.relu(self._of_neighbours(self.graph_in(self.vectors)) + self.skip_in(self.vectors))
            codes = self._of_neighbours(self.graph_out(hidden)) + self.skip_out(self.vectors)
            codes = codes - codes.mean(0)
            return F.normalize(codes @ whitening_matrix((codes.T @ codes).detach() / self.size), dim=-1)

    def _of_neighbours(self, x: Tensor) -> Tensor:
        """A x: (V, d) -> (V, d). Sparse products do not compile; on a GPU they sort edges each time, and wait."""
        if devices.waits(x.device) or torch.compiler.is_compiling():
            to, origin = self.edges
            return torch.zeros_like(x).index_add(0, to, self.edge_weights[:, None] * x[origin])
        adjacency = torch.sparse_coo_tensor(self.edges, self.edge_weights, 2 * (self.size,), check_invariants=False)
        return torch.sparse.mm(adjacency, x)

    def forward(self, z: Tensor) -> Quantized:
        """z (B, N, D) -> Quantized."""
        with torch.autocast(z.device.type, enabled=False):
            latent = self.to_code(z)  # (B, N, d)
            codes = self.codes()
            indices = self._nearest(latent, codes)
            target = self._compose(indices, codes)
            if not self.training:  # exactly what decoding from indices gives
                return Quantized(self.project_out(target), indices, z.new_zeros(()), usage_of(indices, self.size))
            loss = (latent.detach() - target).pow(2).sum(-1).mean()
            loss = loss + self.commitment * (latent - target.detach()).pow(2).sum(-1).mean()
            if self.usage_entropy:
                loss = loss + self.usage_entropy * assignment_entropy(latent, codes)
            straight_through = latent + (target - latent).detach()
            return Quantized(self.project_out(straight_through), indices, loss, usage_of(indices, self.size))

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
        check_indices(indices, self.slots)
        return self._compose(indices, self.codes())


def _subgraph(codebook: Codebook, words: list[int]) -> Tensor:
    """Normalised adjacency of the edges both of whose ends are among `words`: sparse (V, V)."""
    place = torch.full((len(codebook.words),), -1)
    place[torch.tensor(words)] = torch.arange(len(words))
    edges = place[codebook.edges]  # (E, 2)
    inside = (edges >= 0).all(dim=1)
    return normalised_adjacency(len(words), edges[inside], codebook.edge_counts[inside].float())


def assignment_entropy(latent: Tensor, codes: Tensor) -> Tensor:
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
