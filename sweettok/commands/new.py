"""`sweettok new`: a profile for a folder of your own clips."""

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.files import check_free
from sweettok.commands.profiles import PROFILES
from sweettok.errors import InputError, counted

if TYPE_CHECKING:
    from sweettok.own_clips.survey import Survey
    from sweettok.params import Params

BASE = "sprites"
MIN_COUNT = 3  # codebook.min_count of the base


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    new = commands.add_parser(
        "new",
        help="make a profile for a folder of your own clips or images",
        description="Look at every file of FOLDER/<class>/<file>, or of FOLDER itself, choose frames, size, splits and "
        "captions, and write profiles/NAME.yaml. Captions come from captions.tsv in the folder (columns clip and caption), "
        "or from the file names where their words tell clips apart, or from the names of the classes.",
    )
    new.add_argument("folder", metavar="FOLDER", help="folder of videos or images")
    new.add_argument("--profile", metavar="NAME", help="name of the profile (default: the folder's name)")
    new.add_argument("--fast", action="store_true", help="a first look: 32 x 32 pixels and few steps")
    new.add_argument("--captions", metavar="FILE", help=".tsv or .jsonl file with the columns clip and caption")
    new.add_argument("--force", action="store_true", help="overwrite a profile of this name")
    new.set_defaults(run=_new)


def _new(chosen: argparse.Namespace) -> None:
    from sweettok.own_clips.choices import choose
    from sweettok.own_clips.survey import survey
    from sweettok.own_clips.text import next_step, profile_text
    from sweettok.storage import atomic_file

    folder = Path(chosen.folder).expanduser()
    name = _name(chosen.profile, folder)
    path = PROFILES / f"{name}.yaml"
    check_free(path, "overwrite" if chosen.force else "refuse", fix="--force to overwrite it")
    found = survey(folder)
    choices = choose(found, chosen.fast)
    with _unchanged_on_error(path, *_caption_files(name)):
        captions, words, said = _captions(found, name, Path(chosen.captions) if chosen.captions else None)
        with atomic_file(path) as file:
            file.write_text(profile_text(name, found, choices, captions, words, chosen.fast), encoding="utf-8")
        params = _checked(path)
    kind = "image" if found.images else "video"
    print(
        f"{folder}: {counted(len(found.files), kind)} in {counted(len(found.classes), 'class')} ({_few(found.classes)})"
    )
    if found.unusable:
        first, reason = next(iter(found.unusable.items()))
        print(f"left out: {len(found.unusable)}, first {first}: {reason}")
    print(f"clips: {', '.join(f'{count:,} {split}' for split, count in choices.clips.items())}", end="")
    if choices.views > 1:
        print(f", those of train in {choices.views} views", end="")
    print(
        f", {counted(params.data.frames, 'frame')} of {params.data.size} x {params.data.size}; split {choices.split_reason}"
    )
    print(f"captions: {said}")
    print(f"{path} is written and valid; an estimate of its time on this machine: {_time(params)}")
    print(f"next:\n  sweettok profile {name}\n  {next_step(found)}")


def _name(given: str | None, folder: Path) -> str:
    """Of the profile. Raises InputError: a name that is no plain file name, the base's, no project here."""
    if not (PROFILES / f"{BASE}.yaml").is_file():
        raise InputError(f"there is no {PROFILES}/{BASE}.yaml here; run from the root of the project")
    name = given or re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise InputError(f"{name!r} cannot name a profile; give --profile with letters, digits, _ and -")
    if name == BASE:
        raise InputError(f"{BASE} is the base of all profiles; give --profile another name")
    return name


def _caption_files(name: str) -> tuple[Path, Path]:
    """Beside a profile, where they are needed: its captions, and the captions that its codebook is built from."""
    return PROFILES / f"{name}.captions.tsv", PROFILES / f"{name}.words.txt.gz"


@contextmanager
def _unchanged_on_error(*paths: Path) -> Iterator[None]:
    """Leave these files as they were where the block fails or is stopped."""
    before = {path: path.read_bytes() if path.is_file() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        raise


def _captions(found: "Survey", name: str, given: Path | None) -> tuple[Path | None, Path | None, str]:
    """(data.captions, codebook.captions, what was found in words); writes those of file names beside the profile."""
    from sweettok.own_clips import words

    own, vocabulary = _caption_files(name)
    source = given or words.captions_beside(found)
    if source:
        captions, path = words.listed_captions(found, source), source
        said = f"{source}, of {len(captions):,} of {len(found.files):,} files"
    elif captions := words.captions_of_names(found):
        path, said = own, f"the words of {len(captions):,} file names"
        words.write_captions(path, captions)
    else:
        path, said = None, "the names of the classes"
    texts = [captions.get(file.item.id, file.item.class_name) for file in found.files]
    if words.enough_words(texts, MIN_COUNT):
        return path, None, said
    words.write_words(vocabulary, texts)
    return path, vocabulary, f"{said}; too few words for a codebook, so those of the procedural world are added"


def _checked(path: Path) -> "Params":
    """The profile as the pipeline will read it, its files listed once as there. Raises InputError."""
    from sweettok.params import FileData, load_params
    from sweettok.video.files import FileClips
    from sweettok.video.list_files import list_files

    params = load_params(path)
    assert isinstance(params.data, FileData)
    FileClips(params.data, list_files(params.data), workers=1)
    return params


def _time(params: "Params") -> str:
    from sweettok.own_clips.duration import minutes, proxy_step

    about = minutes(params, proxy_step(params))
    return f"about {about:.0f} minutes" if about < 120 else f"about {about / 60:.0f} hours"


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
