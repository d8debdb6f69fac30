"""Factorised codes with disentanglement inside our architecture (FQGAN, Bai et al. 2024, arXiv 2411.16681)."""

import torch
from torch import Tensor, nn

from sweettok.models.learned_quantizer import ema_codes, of_all_processes
from sweettok.models.residual_quantizer import two_sizes
from sweettok.models.whitening import Whitening
from sweettok.models.wordless_quantizer import WordlessQuantizer
from sweettok.params import Tokenizer

DISENTANGLEMENT = 0.1  # weight of the squared cosine between a token's two codes


class TwoHeads(nn.Module):
    """Latents (B, N, D) -> two unit vectors each, one behind the other: (B, N, 2 d)."""

    def __init__(self, width: int, code_dim: int, tokens: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Whitening(width, code_dim, tokens) for _ in range(2))

    def forward(self, z: Tensor) -> Tensor:
        return torch.cat([head(z) for head in self.heads], dim=-1)


class FactorisedQuantizer(WordlessQuantizer):
    """Two learned codes a token, each of a head and a codebook of its own: two indices, at most `size` combinations.

    The penalty on the cosine of the two keeps the codebooks from telling the same. The paper also has its codes predict
    features of CLIP and DINO, which nothing here stands for.
    """

    def __init__(self, tokenizer: Tokenizer, size: int, tokens: int) -> None:
        sizes, dim = two_sizes(size), tokenizer.code_dim
        super().__init__(TwoHeads(tokenizer.width, dim, tokens), 2 * dim, tokenizer.width, sizes)
        self.parts = nn.ModuleList(ema_codes(dim, count, tokenizer.commitment) for count in sizes)

    def choose(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heads = zip(self.parts, latent.chunk(2, dim=-1), strict=True)
        (left, first, of_first), (right, second, of_second) = [of_all_processes(part)(half) for part, half in heads]
        overlap = (left * right).sum(-1).square().mean()  # straight-through: its gradient reaches both heads
        indices = torch.stack([first, second + self.slots[1][0]], dim=-1)  # (B, N, 2)
        return indices, torch.cat([left, right], dim=-1), of_first.sum() + of_second.sum() + DISENTANGLEMENT * overlap

    def vectors_of(self, indices: Tensor) -> Tensor:
        first, second = indices.unbind(-1)
        of_both = zip(self.parts, (first, second - self.slots[1][0]), strict=True)
        return torch.cat([part.get_codes_from_indices(index) for part, index in of_both], dim=-1)
