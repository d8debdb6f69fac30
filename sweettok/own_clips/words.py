"""Captions of a folder's clips, and the captions that the codebook's words are taken from."""

import gzip
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sweettok.errors import InputError
from sweettok.own_clips.survey import OwnFile, Survey
from sweettok.video.clip_captions import caption_of, in_words, read_clip_captions

CAPTION_FILES = ("captions.tsv", "captions.jsonl", "captions.tsv.gz", "captions.jsonl.gz")
ENOUGH_WORDS = 24  # of each part of speech: fewer make a codebook that says little
WORLD_CAPTIONS = 4096  # of the procedural world, where the clips' own words are too few
_WORD = re.compile(r"[^\W\d_]{3,}")


def captions_beside(survey: Survey) -> Path | None:
    """The caption file in the folder of clips, or beside it as <folder>.tsv."""
    root = survey.root
    names = [root / name for name in CAPTION_FILES] + [root.resolve().with_name(root.resolve().name + ".tsv")]
    return next((path for path in names if path.is_file()), None)


def listed_captions(survey: Survey, path: Path) -> dict[str, str]:
    """File id -> caption, of those that the file captions. Raises InputError where it captions none, as for bad files."""
    captions = read_clip_captions(path)
    ids = [file.item.id for file in survey.files]
    found = {name: text for name in ids if (text := caption_of(captions, name, name))}
    if not found:
        raise InputError(
            f"{path} captions {next(iter(captions))!r} and none of the clips, which are named {ids[0]!r}; name them so"
        )
    return found


def captions_of_names(survey: Survey) -> dict[str, str]:
    """File id -> the words of its name: red_car-turning_02.mov -> red car turning. Empty where names say nothing.

    A first word that more than half of the names begin with (IMG, clip) says nothing of a file, nor does a single word.
    """
    words = {file.item.id: _words_of(file) for file in survey.files}
    first = Counter(found[0] for found in words.values() if found)
    usual = {word for word, count in first.items() if count > len(words) / 2}
    rest = {name: found[1:] if found[:1] and found[0] in usual else found for name, found in words.items()}
    captions = {name: " ".join(found) for name, found in rest.items() if len(found) > 1}
    return captions if len(captions) > len(words) / 2 and len(set(captions.values())) > 1 else {}


def _words_of(file: OwnFile) -> list[str]:
    return _WORD.findall(in_words(Path(file.item.id).stem.replace("-", " ").replace(".", " ")))


def enough_words(captions: Sequence[str], min_count: int) -> bool:
    """Whether these captions alone give a codebook with words of every part of speech."""
    from sweettok.language.tagging import PARTS, tag_captions

    times = Counter[tuple[str, str]]()
    for caption in tag_captions(captions):
        times.update(dict.fromkeys(set(caption.mentions), caption.times))
    parts = Counter(part for (_, part), count in times.items() if count >= min_count)
    return all(parts[part] >= ENOUGH_WORDS for part in PARTS)


def write_words(path: Path, captions: Sequence[str]) -> None:
    """The clips' captions and those of the procedural world, one a line: plain words of look and motion."""
    from sweettok.params import SpritesData, load_params
    from sweettok.storage import atomic_file
    from sweettok.video.sprites import draw_sprite

    data = load_params(Path("profiles/sprites.yaml")).data
    assert isinstance(data, SpritesData)
    small = data.model_copy(update={"frames": 2, "size": 8})  # only their captions are wanted
    lines = [*captions, *(draw_sprite(small, "train", index).caption for index in range(WORLD_CAPTIONS))]
    with atomic_file(path) as file:
        file.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def write_captions(path: Path, captions: dict[str, str]) -> None:
    """The fields `clip` and `caption`, as data.captions reads them."""
    from sweettok.storage import atomic_file

    rows = [f"{name}\t{caption}" for name, caption in captions.items()]
    with atomic_file(path) as file:
        file.write_text("\n".join(["clip\tcaption", *rows]) + "\n", encoding="utf-8")
