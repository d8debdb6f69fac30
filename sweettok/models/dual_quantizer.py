"""Two codebooks with one index, for what a token means and for how it looks (TokenFlow, Qu et al. 2024, arXiv 2412.03069)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sweettok.models.factorised_quantizer import TwoHeads
from sweettok.models.language_quantizer import LanguageQuantizer


class DualQuantizer(LanguageQuantizer):
    """Each word has a second, learned code: (semantic, pixel), unit vectors one behind the other. A token has a head for each.

    The index is that of the least sum of both squared distances, weighted alike as in the authors' code. Of unit vectors
    that is the largest cosine of the two together, so all else is as it is for words.

    TokenFlow learns its semantic codes from a second encoder that starts as CLIP and a decoder that predicts CLIP's features.
    Here words are what gives meaning, through their frozen vectors and graph; both latents come of one encoder, and
    the pixel decoder reads both codes. TokenFlow also codes a picture's residuals at several scales; here there is one.
    """

    def __init__(self, *args: Any, width: int, code_dim: int, tokens: int, **kwargs: Any) -> None:
        super().__init__(*args, width=width, code_dim=code_dim, tokens=tokens, **kwargs)
        if self.lookup_mode != "union":
            raise ValueError("dual codes are of one word a token: set tokenizer.lookup to union")
        self.to_code = TwoHeads(width, code_dim, tokens)  # (B, N, D) -> (B, N, 2 d)
        self.pixel_codes = nn.Parameter(F.normalize(torch.randn(self.size, code_dim), dim=-1))  # (V, d)
        self.project_out = nn.Linear(2 * code_dim, width)

    def codes(self) -> Tensor:
        """Both codes of all words: (V, 2 code_dim), each half of unit length."""
        return torch.cat([super().codes(), F.normalize(self.pixel_codes.float(), dim=-1)], dim=-1)
