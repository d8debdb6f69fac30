"""A quantiser of your own in a trained model: signs of the latent's projections (LFQ, Yu et al. 2023), untrained.

python examples/plug_your_own_quantiser.py [MODEL]
"""

import sys

import torch
from torch import Tensor, nn

from sweettok import SweetTok
from sweettok.models.quantized import Quantized


class Signs(nn.Module):
    """Latents (B, N, width) -> one of 2^bits codes: what a model asks of its quantisers."""

    def __init__(self, width: int, bits: int) -> None:
        super().__init__()
        self.size, self.words, self.slots = 2**bits, None, [(0, 2**bits)]
        self.directions = nn.Parameter(torch.linalg.qr(torch.randn(width, width)).Q[:bits])  # (bits, width)

    def forward(self, z: Tensor) -> Quantized:
        indices = ((z @ self.directions.T > 0) << torch.arange(len(self.directions))).sum(-1)
        return Quantized(self.lookup(indices), indices, z.new_zeros(()), indices.unique().numel() / self.size)

    def lookup(self, indices: Tensor) -> Tensor:
        return ((indices[..., None] >> torch.arange(len(self.directions)) & 1) * 2.0 - 1) @ self.directions


tok = SweetTok.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else "outputs/model")
tok.model.quantizers["spatial"] = Signs(tok.model.config.width, bits=8)
clip = torch.zeros(1, 3, tok.frames, tok.size, tok.size)
print(f"spatial tokens of a grey clip: {tok.encode(clip)[0, : tok.model.config.spatial_tokens].tolist()}")
print(f"decoded: {tuple(tok.reconstruct(clip).shape)}; train it as `sweettok/training` trains the others")
