"""What quantisers without words share: latents before, vectors after, one way from indices to vectors."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from sweettok.models.quantized import Quantized, check_indices, usage_of


class WordlessQuantizer(nn.Module, ABC):
    """Codes that are no words. Around them all is as it is for words: whitened latents, straight-through, a projection.

    So that a comparison is one of codes, not of what keeps them in use. A kind of codes says which vectors there are
    (`vectors_of`) and which of them a latent becomes (`choose`).

    Args:
        to_code: latents (B, N, D) -> what is quantised (B, N, d).
        code_dim: d.
        sizes: codes that each index of a token may be; those of the second index are counted on from the first's.
    """

    words, folded_parameters = None, 0

    def __init__(self, to_code: nn.Module, code_dim: int, width: int, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.slots = [(sum(sizes[:place]), count) for place, count in enumerate(sizes)]
        self.size = sum(sizes)
        self.to_code, self.project_out = to_code, nn.Linear(code_dim, width)

    @abstractmethod
    def choose(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """latent (B, N, d) -> indices (B, N) or (B, N, slots), their vectors (B, N, d), loss (scalar)."""

    @abstractmethod
    def vectors_of(self, indices: Tensor) -> Tensor:
        """Indices within their slots -> vectors (B, N, d)."""

    def forward(self, z: Tensor) -> Quantized:
        """z (B, N, D) -> Quantized."""
        with torch.autocast(z.device.type, enabled=False):
            latent = self.to_code(z.float())
            indices, vectors, loss = self.choose(latent)
            usage = usage_of(indices, self.size)
            if not self.training:
                return Quantized(self.project_out(self.vectors_of(indices)), indices, z.new_zeros(()), usage)
            return Quantized(self.project_out(latent + (vectors - latent).detach()), indices, loss, usage)

    def lookup(self, indices: Tensor) -> Tensor:
        """Indices as `forward` gives them -> z_q (B, N, D). Raises ValueError."""
        with torch.autocast(indices.device.type, enabled=False):
            return self.project_out(self.code_vectors(indices))

    def code_vectors(self, indices: Tensor) -> Tensor:
        """The vector each token stands for: (B, N, d), fp32. Raises ValueError."""
        check_indices(indices, self.slots)
        return self.vectors_of(indices)
