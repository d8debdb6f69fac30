"""The proxy: a patchwise VQ autoencoder, one code a patch (PAPER.md 1, curriculum; the row SweetTok* of T1).

Its codes are what the first two trainings predict; its decoder is where the third starts.
"""

import torch
from torch import Tensor, nn

from sweettok.models.attention import GridBlock
from sweettok.models.patches import PatchEmbed, PatchToPixels, with_positions
from sweettok.models.quantizers import LearnedQuantizer, Quantized
from sweettok.params import Patches, Proxy


class PixelDecoder(nn.Module):
    """Code vectors (B, 1 + k, h w, code_dim) -> clip (B, 3, 1 + k p_t, H, W) in about [-1, 1] (not clamped)."""

    def __init__(self, proxy: Proxy, patches: Patches) -> None:
        super().__init__()
        self.expand = nn.Linear(proxy.code_dim, proxy.width)
        self.blocks = nn.Sequential(*(GridBlock(proxy.width, proxy.heads, proxy.expansion) for _ in range(proxy.depth)))
        self.norm = nn.LayerNorm(proxy.width)
        self.to_pixels = PatchToPixels(patches, proxy.width)

    def forward(self, codes: Tensor) -> Tensor:
        return self.to_pixels(self.norm(self.blocks(self.expand(codes))))


class ProxyTokenizer(nn.Module):
    """clip -> one of `codes` codes for each of (1 + k) h w patches -> clip. An image is coded as the first frame of
    a clip would be: attention over time is causal."""

    def __init__(self, proxy: Proxy, patches: Patches) -> None:
        super().__init__()
        self.proxy, self.patches = proxy, patches
        self.embed = PatchEmbed(patches, proxy.width)
        self.blocks = nn.Sequential(*(GridBlock(proxy.width, proxy.heads, proxy.expansion) for _ in range(proxy.depth)))
        self.to_code = nn.Sequential(nn.LayerNorm(proxy.width), nn.Linear(proxy.width, proxy.code_dim))
        self.quantizer = LearnedQuantizer(proxy.codes, proxy.code_dim, proxy.code_dim, tokens=None, commitment=0.25)
        self.decoder = PixelDecoder(proxy, patches)

    def forward(self, clip: Tensor) -> tuple[Tensor, Quantized]:
        """clip -> (reconstruction, quantisation with indices (B, 1 + k, hw))."""
        latent = self.to_code(self.blocks(with_positions(self.embed(clip))))  # (B, 1 + k, hw, code_dim)
        quantized = self.quantizer(latent.flatten(1, 2))
        codes = quantized.z_q.unflatten(1, latent.shape[1:3])
        indices = quantized.indices.unflatten(1, latent.shape[1:3])
        return self.decoder(codes), Quantized(codes, indices, quantized.loss, quantized.usage)

    def codebook(self) -> Tensor:
        """The code vectors as the decoder reads them: (codes, code_dim)."""
        return self.quantizer.lookup(torch.arange(self.proxy.codes, device=self.embed.first.weight.device)[None])[0]

    @torch.no_grad()
    def encode(self, clip: Tensor) -> Tensor:
        """clip -> code indices (B, 1 + k, hw)."""
        return self(clip)[1].indices

    @torch.no_grad()
    def decode(self, indices: Tensor) -> Tensor:
        """Code indices (B, 1 + k, hw) -> clip, clamped to [-1, 1]."""
        return self.decoder(self.quantizer.lookup(indices.flatten(1)).unflatten(1, indices.shape[1:])).clamp(-1, 1)
