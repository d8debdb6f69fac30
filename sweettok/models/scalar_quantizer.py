"""FSQ inside our architecture: codes are the points of a grid (Mentzer et al. 2023, arXiv 2309.15505)."""

import math

from torch import Tensor, nn

from sweettok.models.proxy import FiniteScalarQuantizer
from sweettok.models.whitening import Whitening
from sweettok.models.wordless_quantizer import WordlessQuantizer
from sweettok.params import Tokenizer

LEVELS = range(3, 9)  # values that a digit may have; the paper's grids have 3 to 8


class ScalarQuantizer(WordlessQuantizer):
    """Each number of a latent is rounded to one of a few levels; nothing is learned, so no code can die.

    The number of digits follows from the size, not from `code_dim`: see `levels_for`.
    """

    def __init__(self, tokenizer: Tokenizer, size: int, tokens: int) -> None:
        levels = levels_for(size)
        to_code = nn.Sequential(Whitening(tokenizer.width, len(levels), tokens, unit=False), nn.Tanh())
        super().__init__(to_code, len(levels), tokenizer.width, (math.prod(levels),))
        self.grid = FiniteScalarQuantizer(levels)

    def choose(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        indices = self.grid.nearest(latent.detach())
        return indices, self.vectors_of(indices), latent.new_zeros(())

    def vectors_of(self, indices: Tensor) -> Tensor:
        return self.grid.value_of(self.grid.known_digits(indices))


def levels_for(size: int) -> tuple[int, ...]:
    """Levels of the largest grid of at most `size` codes; of several the one with the fewest digits, most levels first.

    142 codes: (7, 5, 4), 140 codes. Raises ValueError for fewer codes than a digit has.
    """
    if size < LEVELS.start:
        raise ValueError(f"finite scalar quantisation needs at least {LEVELS.start} codes, got {size}")
    return max(_grids(size, LEVELS.stop - 1), key=lambda levels: (math.prod(levels), -len(levels), levels[-1]))


def _grids(size: int, most: int) -> list[tuple[int, ...]]:
    """All grids of at most `size` codes whose digits have at most `most` levels, and no more than the one before."""
    grids = []
    for level in range(LEVELS.start, min(most, size) + 1):
        grids += [(level,), *((level, *rest) for rest in _grids(size // level, level))]
    return grids
