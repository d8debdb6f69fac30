"""UCF-101 as published: split lists 01 to 03, and a validation split of whole performer groups.

The lists keep the clips of one performer (gNN, within a class) together in train or in test; val is carved from train
by group numbers, so that no performer group is in two splits.
"""

import re
from pathlib import Path

from sweettok import params
from sweettok.errors import InputError
from sweettok.video.listing import Item, Listing, inside, listed_videos, printable, read_lines, root_folder

_GROUP = re.compile(r"_g(\d+)_c\d+\.")


def list_ucf101(data: params.Ucf101Data) -> Listing:
    """The clips of the official lists by split, absent ones included (they are counted when opened).

    Raises InputError: a list absent or malformed, a class not in classInd.txt, a performer group on both sides, a
    val group that the train list does not have, a path outside the root.
    """
    root = root_folder(data.root)
    lists = root / "ucfTrainTestlist"
    classes = [line.split()[-1] for line in read_lines(lists / "classInd.txt")]
    train = _listed(root, lists / f"trainlist{data.split_list:02d}.txt", classes)
    test = _listed(root, lists / f"testlist{data.split_list:02d}.txt", classes)
    if shared := {(item.class_name, _group(item)) for item in train} & {
        (item.class_name, _group(item)) for item in test
    }:
        name, group = min(shared)
        raise InputError(
            f"{lists}: group g{group:02d} of {name} is in both the train and the test list; get the lists again"
        )
    groups = {_group(item) for item in train}
    if unknown := set(data.val_groups) - groups:
        raise InputError(
            f"data.val_groups has {min(unknown)}, which train list {data.split_list} lacks; choose from {sorted(groups)}"
        )
    if groups <= set(data.val_groups):
        raise InputError("data.val_groups takes all groups of the train list; leave some for train")
    return Listing(
        classes,
        {
            "train": [item for item in train if _group(item) not in data.val_groups],
            "val": [item for item in train if _group(item) in data.val_groups],
            "test": test,
        },
    )


def _group(item: Item) -> int:
    found = _GROUP.search(item.id)
    assert found  # the lists were checked on reading
    return int(found.group(1))


def _listed(root: Path, path: Path, classes: list[str]) -> list[Item]:
    """Items of a list: `Class/v_Class_gNN_cNN.avi`, in train lists followed by the class number."""
    items = []
    for name, _ in listed_videos(path):
        file = inside(root, Path("UCF-101") / name, str(path))
        class_name = Path(name).parent.name
        if class_name not in classes or not _GROUP.search(name):
            raise InputError(
                f"{path}: {name} is not of the form <class of classInd.txt>/v_<class>_gNN_cNN.avi; get the lists again"
            )
        items.append(Item(printable(name), file, class_name))
    return items
