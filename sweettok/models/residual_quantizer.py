"""Residual VQ inside our architecture: the second code tells what the first one missed (RQ-VAE, arXiv 2203.01941)."""

import torch
from torch import Tensor, nn

from sweettok.models.learned_quantizer import ema_codes, of_all_processes
from sweettok.models.whitening import Whitening
from sweettok.models.wordless_quantizer import WordlessQuantizer
from sweettok.params import Tokenizer


class ResidualQuantizer(WordlessQuantizer):
    """Two learned codes a token, whose sum is the token's vector: two indices, together at most `size` combinations."""

    def __init__(self, tokenizer: Tokenizer, size: int, tokens: int) -> None:
        sizes, dim = two_sizes(size), tokenizer.code_dim
        super().__init__(Whitening(tokenizer.width, dim, tokens), dim, tokenizer.width, sizes)
        # By distance, not by cosine: a residual's length matters.
        self.stages = nn.ModuleList(ema_codes(dim, count, tokenizer.commitment, cosine=False) for count in sizes)

    def choose(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        indices, loss, rest = [], latent.new_zeros(()), latent
        for (first, _), stage in zip(self.slots, self.stages, strict=True):
            vectors, index, commitment = of_all_processes(stage)(rest)
            indices.append(first + index)
            loss, rest = loss + commitment.sum(), rest - vectors.detach()
        return torch.stack(indices, dim=-1), latent - rest, loss

    def vectors_of(self, indices: Tensor) -> Tensor:
        parts = zip(self.slots, self.stages, indices.unbind(-1), strict=True)
        return sum(stage.get_codes_from_indices(index - first) for (first, _), stage, index in parts)


def two_sizes(size: int) -> tuple[int, int]:
    """Sizes of two codebooks that have at most `size` combinations, about equal, the larger first: 142 -> (12, 11)."""
    if size < 4:
        raise ValueError(f"two codes a token need a codebook of at least 4, got {size}")
    smaller = int(size**0.5)
    return size // smaller, smaller
