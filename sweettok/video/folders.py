"""Data sets laid out as <class>/<file>: video_folder, image_folder, imagenet."""

import re
from pathlib import Path

from sweettok import params
from sweettok.errors import InputError, counted
from sweettok.video.formats import IMAGES, VIDEOS
from sweettok.video.listing import (
    SPLITS,
    Item,
    Listing,
    class_folders,
    inside,
    printable,
    read_lines,
    root_folder,
    split_items,
    split_names,
)

AnyFolders = params.VideoFolderData | params.ImageFolderData | params.ImagenetData
_WORDNET_ID = re.compile(r"n\d{8}")


def list_videos(data: AnyFolders) -> Listing:
    """`list_folders` of all kinds of video files."""
    return list_folders(data, VIDEOS)


def list_images(data: AnyFolders) -> Listing:
    """`list_folders` of all kinds of image files."""
    return list_folders(data, IMAGES)


def list_folders(data: AnyFolders, endings: tuple[str, ...]) -> Listing:
    """The files of root/<class>/<file> by split, as data.split says.

    Raises InputError: no root, no class folder, files out of place or outside the root, an ImageNet folder that is no
    WordNet id; a split that names an unknown group or folder, takes all, or whose pattern does not fit a file.
    """
    root = root_folder(data.root)
    if isinstance(data.split, params.FolderSplit):
        listing = _by_folder(data, data.split, endings)
    else:
        classes, items = class_folders(root, root, endings)
        listing = Listing(classes, _divided(items, data), isinstance(data.split, params.TimeSplit))
    if isinstance(data, params.ImagenetData):
        for name in listing.classes:
            if not _WORDNET_ID.fullmatch(name):
                raise InputError(
                    f"{root / name} is not a WordNet id such as n01440764; for other class names set data.name to image_folder"
                )
    return listing


def _divided(items: list[Item], data: AnyFolders) -> dict[str, list[Item]]:
    split = data.split
    if isinstance(split, params.TimeSplit):
        if split.val + split.test >= 1:
            raise InputError(
                f"data.split: val {split.val} and test {split.test} leave nothing for train; lower one of them"
            )
        return {name: items for name in SPLITS}
    if isinstance(split, params.RandomSplit):
        return split_items(items, lambda item: item.id, split.val, split.test, data.seed)
    assert isinstance(split, params.GroupSplit)  # folders of splits are listed by `_by_folder`
    return _by_group(items, split, data.seed)


def _by_group(items: list[Item], split: params.GroupSplit, seed: int) -> dict[str, list[Item]]:
    found = {item.id: re.search(split.pattern, item.id) for item in items}
    if strangers := [name for name, match in found.items() if not match]:
        raise InputError(
            f"data.split.pattern {split.pattern!r} does not match {counted(len(strangers), 'file')}, first {strangers[0]}; correct the pattern"
        )
    groups = {name: match.group(1 if match.re.groups else 0) for name, match in found.items() if match}
    splits = split_names(groups.values(), split.val, split.test, seed)
    return {name: [item for item in items if splits[groups[item.id]] == name] for name in SPLITS}


def _by_folder(data: params.FileData, split: params.FolderSplit, endings: tuple[str, ...]) -> Listing:
    root = root_folder(data.root)
    folders = {name: getattr(split, name) for name in SPLITS if isinstance(getattr(split, name), str)}
    listed = {}
    for name, folder in folders.items():
        path = inside(root, folder, f"data.split.{name}")
        if not path.is_dir():
            raise InputError(f"data.split.{name} is {folder}, but {path} is not a folder; correct the name")
        listed[name] = class_folders(path, root, endings)
    classes = listed["train"][0]
    for name, (theirs, _) in listed.items():
        if unknown := sorted(set(theirs) - set(classes)):
            raise InputError(
                f"class {unknown[0]} of {name} has no folder in {split.train}, which defines the labels; add it there or remove the class"
            )
    shares = {name: 0.0 if name in folders else getattr(split, name) for name in ("val", "test")}
    carved = split_items(listed["train"][1], lambda item: item.id, shares["val"], shares["test"], data.seed)
    return Listing(classes, carved | {name: listed[name][1] for name in folders if name != "train"})


def class_names(path: str | None) -> dict[str, str]:
    """WordNet id -> names, of a file with `n01440764 tench, Tinca tinca` a line (LOC_synset_mapping.txt); null: none.

    Raises InputError: absent, empty, or a line without names.
    """
    if path is None:
        return {}
    pairs = [line.split(maxsplit=1) for line in read_lines(Path(path).expanduser())]
    if broken := [pair for pair in pairs if len(pair) < 2 or not _WORDNET_ID.fullmatch(pair[0])]:
        raise InputError(f"{path}: {' '.join(broken[0])!r} is not of the form `<WordNet id> <names>`; correct the line")
    return {wnid: printable(names) for wnid, names in pairs}
