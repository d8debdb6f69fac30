"""The field's patchwise designs: a code for each patch, attention in space, causal attention in time.

C-ViViT (Phenaki, Villegas et al. 2022, arXiv 2210.02399) attends over all of a frame; OmniTokenizer (Wang et al. 2024,
arXiv 2406.09399) encodes in windows of it. Both encode frame by frame first, then over time, and decode the other way
round. No frame sees a later one, so a clip may have any length, and every latent frame has as many tokens as patches.
"""

import torch
from einops import rearrange
from torch import Tensor, nn

from sweettok.models.attention import AttentionLayer
from sweettok.models.patches import square_positions
from sweettok.models.queries import PLACE_SCALE, as_grid
from sweettok.models.refinement import Refinement
from sweettok.params import Tokenizer

WINDOW = 8  # patches along a window's side, OmniTokenizer's at 32 x 32 patches; on small grids at most half the side


class SpaceAndTime(nn.Module):
    """Layers within frames, in windows of `window` x `window` patches, and causal layers over time at each place.

    (B, T, h w, D) -> the same. `time_first`: as decoders do.
    """

    def __init__(self, tokenizer: Tokenizer, side: int, window: int, time_first: bool) -> None:
        super().__init__()
        block = tokenizer.width, tokenizer.heads, tokenizer.expansion
        self.side, self.window, self.time_first = side, window, time_first
        self.space = nn.Sequential(*(AttentionLayer(*block) for _ in range(tokenizer.spatial_depth)))
        self.time = nn.Sequential(*(AttentionLayer(*block, causal=True) for _ in range(tokenizer.temporal_depth)))
        self.norm = nn.LayerNorm(tokenizer.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self._within_frames(self._over_time(x)) if self.time_first else self._over_time(self._within_frames(x))
        return self.norm(x)

    def _within_frames(self, x: Tensor) -> Tensor:
        count, size = self.side // self.window, self.window
        windows = rearrange(x, "b t (i p j q) d -> b t (i j) (p q) d", i=count, p=size, j=count, q=size)
        windows = self.space(windows)
        return rearrange(windows, "b t (i j) (p q) d -> b t (i p j q) d", i=count, p=size)

    def _over_time(self, x: Tensor) -> Tensor:
        return self.time(x.transpose(1, 2)).transpose(1, 2)


class Patchwise(nn.Module):
    """C-ViViT: attention over whole frames. Tokens of an image are its patches; a clip has those of every latent frame."""

    grows = True  # with the clip's length, in tokens
    windowed = False

    def __init__(self, tokenizer: Tokenizer, channels: int, frames: int, side: int) -> None:
        super().__init__()
        t, self.side, self.times = tokenizer, side, list(range(1, max(frames, 2)))
        expected = side**2, len(self.times) * side**2
        if t.spatial_tokens != expected[0] or frames > 1 and t.temporal_tokens != expected[1]:
            raise ValueError(
                f"{t.architecture} has a token for each patch: set spatial_tokens to {expected[0]} and temporal_tokens "
                f"to {expected[1]}, got {t.spatial_tokens} and {t.temporal_tokens}"
            )
        window = window_side(side) if self.windowed else side
        self.patch_to_width = nn.Linear(channels, t.width)
        self.encoder = SpaceAndTime(t, side, window, time_first=False)
        self.decoder = SpaceAndTime(t, side, side, time_first=True)
        self.refine = Refinement(t.width, t.decoder_blocks)

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """The encoder is one for images and clips; `temporal` adds its layers over time."""
        spatial = [self.patch_to_width, self.encoder.space, self.encoder.norm]
        return {"spatial": spatial, "temporal": [self.encoder.time], "decoder": [self.decoder, self.refine]}

    def _places(self, x: Tensor) -> Tensor:
        """Scaled position codes of frames 0, 1, 2, ..., whatever the length: (T, h w, D) for x (B, T, h w, D)."""
        return PLACE_SCALE * square_positions(x.shape[1], self.side**2, x.shape[-1], device=x.device).to(x.dtype)

    def encode(self, patches: Tensor) -> tuple[Tensor, Tensor | None]:
        x = self.patch_to_width(patches.flatten(3).permute(0, 2, 3, 1))  # (B, 1 + k, h w, D)
        x = self.encoder(x + self._places(x))
        return x[:, 0], x[:, 1:].flatten(1, 2) if x.shape[1] > 1 else None

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        tokens = zq_spatial if zq_temporal is None else torch.cat([zq_spatial, zq_temporal], dim=1)
        x = tokens.unflatten(1, (frames, -1))  # (B, 1 + k, h w, D)
        x = self.decoder(x + self._places(x))
        return self.refine(as_grid(x.flatten(1, 2), frames))


class WindowedPatchwise(Patchwise):
    """OmniTokenizer: the encoder's attention in space is within windows."""

    windowed = True


def window_side(side: int) -> int:
    """Patches along a window's side on a side x side grid: the largest divisor of it up to `WINDOW` and half of it."""
    return max(size for size in range(1, max(2, min(WINDOW, side // 2) + 1)) if side % size == 0)
