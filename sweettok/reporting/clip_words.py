"""A clip's words over its frames: where each token lies, which word it is, and which words are near that one."""

from collections.abc import Iterable
from dataclasses import dataclass

from sweettok.reporting.collect import ListedCodebook, Results
from sweettok.reporting.embedded import Embedded, embed_frame, shrink_clips

CLIPS_SHOWN = 4
NEIGHBOURS = 5


@dataclass(frozen=True)
class LatentFrame:
    """The clip's last frame in a latent frame; name: all its frames, "frame 0" or "frames 1-4"."""

    picture: Embedded
    name: str


@dataclass(frozen=True)
class TokenGrid:
    """Tokens on a square grid of places, row by row: their words (composed tokens: three words each).

    first, last: the latent frames that the grid stands for; name: these in the clip's frames.
    """

    group: str
    side: int
    first: int
    last: int
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class ClipWords:
    """A test clip's latent frames in order, and the grids of its tokens."""

    clip: str
    caption: str
    frames: tuple[LatentFrame, ...]
    grids: tuple[TokenGrid, ...]


@dataclass(frozen=True)
class WordEntry:
    """A word of the codebook: its parts of speech, and the words nearest by vector with their cosines, best first."""

    word: str
    parts: tuple[str, ...]
    near: tuple[tuple[str, float], ...]


def clips_with_words(results: Results) -> tuple[ClipWords, ...]:
    """The first test clips; none for a run whose evaluation did not keep their words and places."""
    places = results.token_places
    if not (results.strips and results.clip_words and places):
        return ()
    originals = shrink_clips(results.strips)["original"]
    spans = [(first, end - 1) for first, end in places["frames"]]
    found = []
    for clip, entry in zip(originals[:CLIPS_SHOWN], results.clip_words, strict=False):
        frames = [LatentFrame(embed_frame(clip[last]), _frames(first, last)) for first, last in spans]
        grids = []
        for group, words in entry["words"].items():
            of_group = places["groups"][group]
            each = len(words) // sum(grid["side"] ** 2 for grid in of_group)  # words a token: 1 or 3
            tokens = [" ".join(words[start : start + each]) for start in range(0, len(words), each)]
            for grid in of_group:
                first, last = grid["latent_frames"][0], grid["latent_frames"][-1]
                count, name = grid["side"] ** 2, _frames(spans[first][0], spans[last][1])
                grids.append(TokenGrid(group, grid["side"], first, last, name, tuple(tokens[:count])))
                tokens = tokens[count:]
        found.append(ClipWords(entry["clip"], entry["caption"], tuple(frames), tuple(grids)))
    return tuple(found)


def word_entries(clips: Iterable[ClipWords], codebook: ListedCodebook | None) -> tuple[WordEntry, ...]:
    """The words of these clips, by alphabet; none of a learned codebook, whose codes are no words."""
    used = {word for clip in clips for grid in clip.grids for token in grid.words for word in token.split()}
    if codebook is None:
        return ()
    return tuple(
        WordEntry(word, codebook.parts[word], nearest(word, codebook)) for word in sorted(used & codebook.parts.keys())
    )


def nearest(word: str, codebook: ListedCodebook) -> tuple[tuple[str, float], ...]:
    """The other words whose vectors have the largest cosines with this word's, best first."""
    own = codebook.vectors[word]
    cosines = [(other, float(vector @ own)) for other, vector in codebook.vectors.items() if other != word]
    return tuple(sorted(cosines, key=lambda entry: -entry[1])[:NEIGHBOURS])


def _frames(first: int, last: int) -> str:
    return f"frame {first}" if first == last else f"frames {first}-{last}"
