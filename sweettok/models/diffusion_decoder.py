"""A diffusion decoder: the clip is found under noise, step by step (CDT, Yang et al. 2025, arXiv 2503.03708)."""

import math
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor, nn

from sweettok.models.convolution import blocks
from sweettok.models.patches import PatchEmbed, PatchToPixels
from sweettok.params import Patches, Proxy

SEED = 0  # of the noise that every clip is decoded from


class DiffusionDecoder(nn.Module):
    """The pixel decoder's picture (B, 3, T, H, W) -> clip: `steps` steps from noise, guided by the picture.

    As in CDT a causal denoiser reads what a deterministic decoder makes of the tokens, predicts the clean clip, is
    trained by the losses of other decoders' pictures, and steps without chance (DDIM). Noise of angle a is
    cos(a) clip + sin(a) noise, CDT's cosine schedule. All clips are decoded from the same noise, so that a decoded clip
    depends on its tokens alone.

    CDT's denoiser is a U-Net over pixels that reads the decoder's features at every scale. This one works on patches and
    predicts what the picture lacks; it starts at nothing, so that codes are first trained as without it.
    """

    def __init__(self, proxy: Proxy, patches: Patches, steps: int) -> None:
        super().__init__()
        width, self.steps = proxy.width, steps
        self.embed_noised, self.embed_picture = PatchEmbed(patches, width), PatchEmbed(patches, width)
        self.embed_angle = nn.Sequential(nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = blocks(proxy.decoder_blocks, width)
        self.to_pixels = PatchToPixels(patches, width)
        for parameter in self.to_pixels.parameters():
            nn.init.zeros_(parameter)

    def clean(self, noised: Tensor, angle: Tensor, picture: Tensor) -> Tensor:
        """The clean clip as guessed from a noised one of angle (B,) in [0, pi / 2] and the picture; not clamped."""
        level = self.embed_angle(torch.stack([angle.cos(), angle.sin()], dim=-1))  # (B, D)
        grid = self.embed_noised(noised) + self.embed_picture(picture)  # (B, D, 1 + k, h, w)
        return picture + self.to_pixels(self.blocks(grid + level[:, :, None, None, None]))

    def denoise(self, clip: Tensor, picture: Tensor) -> Tensor:
        """For training: the clip as guessed from itself under noise, of an angle drawn for each clip."""
        angle = torch.rand(len(clip), device=clip.device) * math.pi / 2
        signal, noise = (part.view(-1, 1, 1, 1, 1) for part in (angle.cos(), angle.sin()))
        return self.clean(signal * clip + noise * torch.randn_like(clip), angle, picture)

    def forward(self, picture: Tensor) -> Tensor:
        """picture -> clip, not clamped."""
        noised = fixed_noise(picture.shape[2], picture.shape[3]).to(picture).expand_as(picture)
        for angle, following in pairwise(torch.linspace(math.pi / 2, 0, self.steps + 1).to(picture)):
            guess = self.clean(noised, angle.expand(len(picture)), picture)
            noise = (noised - angle.cos() * guess) / angle.sin()
            noised = following.cos() * guess + following.sin() * noise
        return noised


@lru_cache(maxsize=4)
def fixed_noise(frames: int, size: int) -> Tensor:
    """The same normal numbers in every process and on every device, of longer clips those of shorter ones and more:
    (3, frames, size, size)."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.stack([torch.randn(3, size, size, generator=generator) for _ in range(frames)], dim=1)
