"""Two codebooks with one index, for what a token means and for how it looks (TokenFlow, Qu et al. 2024, arXiv 2412.03069)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sweettok.models.factorised_quantizer import TwoHeads
from sweettok.models.language_quantizer import LanguageQuantizer


class DualQuantizer(LanguageQuantizer):
    """Each word has a second, learned code: (semantic, pixel), unit vectors of code_dim / 2 numbers, one behind the other.
    A token has a head for each.

    The index is that of the least sum of both squared distances, weighted alike as in the authors' code. Of unit vectors
    that is the largest cosine of the two together, so all else is as it is for words.

    TokenFlow learns its semantic codes from a second encoder that starts as CLIP and a decoder that predicts CLIP's features.
    Here words are what gives meaning, through their frozen vectors and graph; both latents come of one encoder, and
    the pixel decoder reads both codes. TokenFlow also codes a picture's residuals at several scales; here there is one.
    """

    def __init__(self, *, width: int, code_dim: int, tokens: int, **of_words: Any) -> None:
        half = code_dim // 2
        super().__init__(width=width, code_dim=half, tokens=tokens, **of_words)
        if self.lookup_mode != "union" or code_dim % 2:
            raise ValueError("dual codes need tokenizer.lookup union and an even tokenizer.code_dim")
        self.to_code = TwoHeads(width, half, tokens)  # (B, N, D) -> (B, N, code_dim)
        # Short at first, so that a step turns them far: their direction alone counts.
        self.pixel_codes = nn.Parameter(0.1 * F.normalize(torch.randn(self.size, half), dim=-1))
        self.project_out = nn.Linear(code_dim, width)

    def codes(self) -> Tensor:
        """Both codes of all words: (V, code_dim), each half of unit length."""
        return torch.cat([super().codes(), F.normalize(self.pixel_codes.float(), dim=-1)], dim=-1)
