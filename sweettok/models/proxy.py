"""The proxy: a convolutional autoencoder with one factorised code a patch (docs/paper.md, Curriculum).

Its codes are what the first two trainings predict; its encoder gives the tokenizer its patch features, and its decoder
is where the third training starts.
"""

import math

import torch
from torch import Tensor, nn

from sweettok.models.convolution import blocks
from sweettok.models.patches import PatchEmbed, PatchToPixels
from sweettok.params import Patches, Proxy


class FiniteScalarQuantizer(nn.Module):
    """Finite scalar quantisation (Mentzer et al. 2023, arXiv 2309.15505): each number is rounded to one of a few levels.

    A code has a digit a number; digit i has levels[i] values, evenly spaced in [-1, 1]. Nothing is learned, so no code
    can die, and a code can be predicted digit by digit. A code's index counts its digits as a mixed radix number, the
    first digit most significant.
    """

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__()
        self.levels = levels
        self.register_buffer("reach", torch.tensor([(level - 1) / 2 for level in levels]), persistent=False)
        self.places = [math.prod(levels[place + 1 :]) for place in range(len(levels))]  # what a digit counts
        self.register_buffer("weights", torch.tensor(self.places), persistent=False)
        values = torch.cat([torch.linspace(-1, 1, level) for level in levels])
        self.register_buffer("values", values, persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """z (..., digits), any numbers -> digits' values in [-1, 1], (..., digits); the gradient goes straight through."""
        bounded = z.float().tanh()
        return bounded + (self.value_of(self._digits(bounded)) - bounded).detach()

    def _digits(self, bounded: Tensor) -> Tensor:
        return ((bounded + 1) * self.reach).round().long()

    def indices(self, z: Tensor) -> Tensor:
        """z (..., digits) -> index of the code that `forward` rounds to, int64 (...)."""
        return self.nearest(z.float().tanh())

    def nearest(self, bounded: Tensor) -> Tensor:
        """Numbers in [-1, 1], (..., digits) -> index of the code nearest to them, int64 (...)."""
        return (self._digits(bounded) * self.weights).sum(-1)

    def digits(self, indices: Tensor) -> Tensor:
        """Indices (...) -> digits int64 (..., digits). Raises ValueError for an index out of range."""
        if indices.numel() and not 0 <= indices.min() <= indices.max() < math.prod(self.levels):
            given = f"{indices.min().item()} to {indices.max().item()}"
            raise ValueError(f"expected code indices in [0, {math.prod(self.levels)}), got {given}")
        return self.known_digits(indices)

    def known_digits(self, indices: Tensor) -> Tensor:
        """`digits` of indices that are known to be in range, which nobody looks at."""
        places = zip(self.places, self.levels, strict=True)
        return torch.stack([indices // place % level for place, level in places], dim=-1)

    def value_of(self, digits: Tensor) -> Tensor:
        """Digits (..., digits) -> their values in [-1, 1]."""
        return digits / self.reach - 1

    def expected(self, logits: Tensor) -> Tensor:
        """Logits over all digits' levels, (..., sum of levels) -> expected values (..., digits), fp32."""
        parts = zip(logits.float().split(self.levels, dim=-1), self.values.split(self.levels), strict=True)
        # No matrix product: autocast would round it, and near levels differ by less than bf16 can tell.
        return torch.stack([(part.softmax(-1) * values).sum(-1) for part, values in parts], dim=-1)

    def cross_entropy(self, logits: Tensor, indices: Tensor) -> Tensor:
        """Mean over patches and digits of the nats of the right level: logits (..., sum of levels), indices (...),
        valid."""
        digits = self.known_digits(indices)
        parts = enumerate(logits.float().split(self.levels, dim=-1))
        losses = [nn.functional.cross_entropy(part.flatten(0, -2), digits[..., i].flatten()) for i, part in parts]
        return torch.stack(losses).mean()

    def accuracy(self, logits: Tensor, indices: Tensor) -> Tensor:
        """Share of the digits whose likeliest level is the right one, scalar; of valid indices."""
        likeliest = [part.argmax(-1) for part in logits.split(self.levels, dim=-1)]
        return (torch.stack(likeliest, dim=-1) == self.known_digits(indices)).float().mean()


class PatchEncoder(nn.Module):
    """clip (B, 3, 1 + k p_t, H, W) -> features of its patches (B, D, 1 + k, h, w), causal in time."""

    def __init__(self, proxy: Proxy, patches: Patches) -> None:
        super().__init__()
        self.embed = PatchEmbed(patches, proxy.width)
        self.blocks = blocks(proxy.encoder_blocks, proxy.width)

    def forward(self, clip: Tensor) -> Tensor:
        return self.blocks(self.embed(clip))


class PixelDecoder(nn.Module):
    """Values of codes (B, 1 + k, h w, digits) -> clip (B, 3, 1 + k p_t, H, W) in about [-1, 1] (not clamped)."""

    def __init__(self, proxy: Proxy, patches: Patches) -> None:
        super().__init__()
        self.expand = nn.Linear(len(proxy.levels), proxy.width)
        self.blocks = blocks(proxy.decoder_blocks, proxy.width)
        self.to_pixels = PatchToPixels(patches, proxy.width)

    def forward(self, codes: Tensor) -> Tensor:
        side = math.isqrt(codes.shape[2])
        grid = self.expand(codes).unflatten(2, (side, side)).permute(0, 4, 1, 2, 3)  # (B, D, 1 + k, h, w)
        return self.to_pixels(self.blocks(grid))


class ProxyTokenizer(nn.Module):
    """clip -> one code for each of (1 + k) h w patches -> clip. An image is coded as the first frame of a clip would be."""

    def __init__(self, proxy: Proxy, patches: Patches) -> None:
        super().__init__()
        self.proxy, self.patches = proxy, patches
        self.encoder = PatchEncoder(proxy, patches)
        self.to_code = nn.Linear(proxy.width, len(proxy.levels))
        self.quantizer = FiniteScalarQuantizer(proxy.levels)
        self.decoder = PixelDecoder(proxy, patches)

    @property
    def bits_per_patch(self) -> float:
        """log2 of the number of codes."""
        return sum(map(math.log2, self.proxy.levels))

    def latents(self, clip: Tensor) -> Tensor:
        """clip -> what is rounded to codes: (B, 1 + k, h w, digits)."""
        return self.to_code(self.encoder(clip).flatten(3).permute(0, 2, 3, 1))

    def forward(self, clip: Tensor) -> Tensor:
        """clip -> reconstruction, not clamped."""
        return self.decoder(self.quantizer(self.latents(clip)))

    @torch.no_grad()
    def encode(self, clip: Tensor) -> Tensor:
        """clip -> code indices int64 (B, 1 + k, h w)."""
        return self.quantizer.indices(self.latents(clip))

    @torch.no_grad()
    def decode(self, indices: Tensor) -> Tensor:
        """Code indices (B, 1 + k, h w) -> clip, clamped to [-1, 1]. Raises ValueError for an index out of range."""
        return self.decoder(self.quantizer.value_of(self.quantizer.digits(indices))).clamp(-1, 1)
