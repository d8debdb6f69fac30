"""Clips that play side by side on the web page: what the tokenizers make of test clips, and what the prior samples."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from sweettok.reporting.collect import SHORT_VARIANTS, Results
from sweettok.reporting.embedded import Embedded, embed_film, shrink_clips
from sweettok.reporting.names import method_title
from sweettok.reporting.pictures import CLIPS_SHOWN, GIF_ROWS, sample_clips

ABLATION = tuple(f"{variant} (ablation)" for variant in SHORT_VARIANTS)  # trained for a fraction of the others' steps


@dataclass(frozen=True)
class Tile:
    """A film under its name. facts: e.g. "480 bits, 8-bit grid values"."""

    name: str
    facts: str
    film: Embedded


@dataclass(frozen=True)
class Player:
    """Films of the same length: all show the same frame of the same clip. clips: what these are called."""

    tiles: tuple[Tile, ...]
    clips: tuple[str, ...]
    frames: int


def tokenizer_player(results: Results) -> Player | None:
    """The first test clips, and what each tokenizer and codec of the run makes of them; None: not run."""
    if not results.strips:
        return None
    _, frames, height, width, _ = results.strips["original"].shape
    sizes = {"original": f"{frames * height * width * 24:,} bits"}
    sizes |= {name: f"{method['bits']:,.0f} bits" for name, method in results.methods.items() if method.get("bits")}
    shown = {name: clips[:CLIPS_SHOWN] for name, clips in results.strips.items() if name not in ABLATION}
    captions = [entry["caption"] for entry in results.clip_words or []]
    clips = [captions[place] if place < len(captions) else "" for place in range(len(shown["original"]))]
    return _player(shown, sizes, clips)


def sample_player(results: Results) -> Player | None:
    """Generated clips, a tile a class; None: not run."""
    if not results.samples:
        return None
    shown = {name: np.stack(clips) for name, clips in sample_clips(results.samples).items()}
    return _player(shown, {}, [""] * GIF_ROWS)


def _player(shown: Mapping[str, np.ndarray], sizes: Mapping[str, str], clips: Iterable[str]) -> Player:
    """shown: name -> uint8 (n, T, H, W, 3); a codec's name ends in its size."""
    tiles = []
    for name, films in shrink_clips(shown).items():
        title, _, more = method_title(name).removesuffix(")").partition(" (")
        size = sizes.get(name, "")
        if name.endswith(" bits"):
            title, _, size = name.rpartition(", ")
        tiles.append(Tile(title, ", ".join(filter(None, (size, more))), embed_film(list(films))))
    return Player(tuple(tiles), tuple(clips), len(next(iter(shown.values()))[0]))
