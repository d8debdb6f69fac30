"""The field's holistic design: learned queries that stand for no place and read all patches in one sequence with them.

TiTok (Yu et al. 2024, arXiv 2406.07550) codes images so, LARP (Wang et al. 2024, arXiv 2410.21264) videos. Both are plain
transformers: the encoder gets patches and queries and gives back the queries, the decoder gets tokens and the places of
patches and gives back the patches. Our clips keep one rule of this suite: an image is a clip of one frame, coded by the
first L_s queries alone.
"""

import torch
from torch import Tensor, nn

from sweettok.models.attention import AttentionLayer
from sweettok.models.patches import square_positions
from sweettok.models.queries import PLACE_SCALE, as_grid, as_sequence
from sweettok.models.refinement import Refinement
from sweettok.params import Tokenizer

QUERY_SCALE = 0.02  # of the queries' first values, LARP's


class Holistic(nn.Module):
    """Any number of tokens, each of which may tell anything of the clip: L_s + L_t of a clip, L_s of an image."""

    grows = False

    def __init__(self, tokenizer: Tokenizer, channels: int, frames: int, side: int) -> None:
        super().__init__()
        t, self.frames, self.side, self.times = tokenizer, frames, side, [0]
        block, depth = (t.width, t.heads, t.expansion), t.spatial_depth + t.temporal_depth
        self.spatial_tokens, tokens = t.spatial_tokens, t.spatial_tokens + (t.temporal_tokens if frames > 1 else 0)
        self.patch_to_width = nn.Linear(channels, t.width)
        self.queries = nn.Parameter(QUERY_SCALE * torch.randn(tokens, t.width))
        self.encoder = nn.Sequential(*(AttentionLayer(*block) for _ in range(depth)), nn.LayerNorm(t.width))
        self.token_codes = nn.Parameter(QUERY_SCALE * torch.randn(tokens, t.width))
        self.patch_code = nn.Parameter(torch.zeros(t.width))
        self.decoder = nn.Sequential(*(AttentionLayer(*block) for _ in range(depth)), nn.LayerNorm(t.width))
        self.refine = Refinement(t.width, t.decoder_blocks)

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """Tokens are of one kind, so there is no temporal part."""
        return {
            "spatial": [self.patch_to_width, self.queries, self.encoder],
            "temporal": [],
            "decoder": [self.token_codes, self.patch_code, self.decoder, self.refine],
        }

    def _places(self, frames: int, like: Tensor) -> Tensor:
        codes = square_positions(frames, self.side**2, self.queries.shape[1], self.frames, like.device)
        return PLACE_SCALE * codes.to(like.dtype).flatten(0, 1)  # (frames * h w, D)

    def encode(self, patches: Tensor) -> tuple[Tensor, Tensor | None]:
        frames = patches.shape[2]
        seen = self.patch_to_width(as_sequence(patches)) + self._places(frames, patches)  # (B, frames * h w, D)
        queries = self.queries if frames > 1 else self.queries[: self.spatial_tokens]
        both = torch.cat([queries.expand(len(seen), -1, -1), seen], dim=1)
        z = self.encoder(both)[:, : len(queries)]
        return z[:, : self.spatial_tokens], z[:, self.spatial_tokens :] if frames > 1 else None

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        tokens = zq_spatial if zq_temporal is None else torch.cat([zq_spatial, zq_temporal], dim=1)
        tokens = tokens + self.token_codes[: tokens.shape[1]]
        places = self.patch_code + self._places(frames, tokens)  # (frames * h w, D)
        both = torch.cat([tokens, places.expand(len(tokens), -1, -1)], dim=1)
        return self.refine(as_grid(self.decoder(both)[:, tokens.shape[1] :], frames))
