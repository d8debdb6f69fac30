"""LFQ and BSQ inside our architecture: a code is a sign for each number of a latent, so there is no table to look up."""

import math
from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from sweettok.models.language_quantizer import ENTROPY_SHARPNESS, assignment_entropy
from sweettok.models.processes import mean_over_processes
from sweettok.models.whitening import Whitening
from sweettok.models.wordless_quantizer import WordlessQuantizer
from sweettok.params import Tokenizer


class BinaryQuantizer(WordlessQuantizer):
    """Signs of the latents, the first the most significant bit of the index: 2^d codes, d the largest that `size` holds.

    Both kinds have the entropy term that keeps words in use (`usage_entropy`): sure of each token, even over the batch.
    """

    spherical: bool

    def __init__(self, tokenizer: Tokenizer, size: int, tokens: int) -> None:
        if size < 2:
            raise ValueError(f"binary codes need a codebook of at least 2, got {size}")
        bits = size.bit_length() - 1
        to_code = Whitening(tokenizer.width, bits, tokens, unit=self.spherical)
        super().__init__(to_code, bits, tokenizer.width, (2**bits,))
        self.commitment, self.usage_entropy = tokenizer.commitment, tokenizer.usage_entropy
        self.scale = bits**-0.5 if self.spherical else 1.0  # of a code's numbers: unit vectors, or signs
        self.register_buffer("places", torch.arange(bits - 1, -1, -1), persistent=False)

    def choose(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        indices = ((latent > 0).long() << self.places).sum(-1)
        vectors = self.vectors_of(indices)
        if not self.training:
            return indices, vectors, latent.new_zeros(())
        return indices, vectors, self.loss(latent, vectors)

    def vectors_of(self, indices: Tensor) -> Tensor:
        signs = (indices[..., None] >> self.places & 1) * 2 - 1  # (B, N, d)
        return self.scale * signs.float()

    @abstractmethod
    def loss(self, latent: Tensor, vectors: Tensor) -> Tensor:
        """What keeps codes in use: scalar."""


class LookupFreeQuantizer(BinaryQuantizer):
    """LFQ (MAGVIT-v2, Yu et al. 2023, arXiv 2310.05737): signs of unbounded latents, entropy over all codes, commitment."""

    spherical = False

    def loss(self, latent: Tensor, vectors: Tensor) -> Tensor:
        codes = self.vectors_of(torch.arange(self.size, device=latent.device))
        unit = latent.shape[-1] ** -0.5  # signs as unit vectors, to which the sharpness is fitted
        entropy = assignment_entropy(unit * latent, unit * codes)
        return self.commitment * (latent - vectors).square().mean() + self.usage_entropy * entropy


class BinarySphericalQuantizer(BinaryQuantizer):
    """BSQ (Zhao et al. 2024, arXiv 2406.07548): signs of unit vectors. The error is bounded, so there is no commitment.

    A token's assignment is independent bit by bit; the batch's is taken to be (the paper's approximation), so the
    entropy costs d sums instead of 2^d.
    """

    spherical = True

    def loss(self, latent: Tensor, vectors: Tensor) -> Tensor:
        logits = 2 * ENTROPY_SHARPNESS * self.scale * latent.flatten(0, 1)  # (B N, d), of the positive sign
        of_tokens = _bit_entropy(logits.sigmoid()).sum(-1).mean()
        of_batch = _bit_entropy(mean_over_processes(logits.sigmoid().mean(0))).sum()
        return self.usage_entropy * (of_tokens - of_batch) / (latent.shape[-1] * math.log(2))


def _bit_entropy(p: Tensor) -> Tensor:
    """Entropy in nats of bits that are set with probability p."""
    return F.binary_cross_entropy(p, p, reduction="none")
