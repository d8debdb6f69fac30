"""The same bytes twice: refused in two splits, told of in one, whatever the names."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from sweettok.errors import InputError
from sweettok.video.copies import check_copies, copies
from sweettok.video.files import FileClips
from sweettok.video.folders import list_images
from sweettok.video.listing import Item, Listing


@pytest.fixture
def files(tmp_path):
    """Four files: one of another size, two that differ in one early byte, one that differs at the end."""
    content = np.random.default_rng(0).bytes(10_000)
    for name, own in (
        ("a", content),
        ("longer", content + b"1"),
        ("early", b"1" + content[1:]),
        ("late", content[:-1] + b"1"),
    ):
        (tmp_path / name).write_bytes(own)
    return tmp_path


def listing(folder, by_time=False, **splits):
    items = {split: [Item(name, folder / name, "x") for name in names] for split, names in splits.items()}
    return Listing(["x"], {"train": [], "val": [], "test": []} | items, by_time)


@pytest.fixture(params=[shutil.copy, os.link], ids=["copy", "hard link"])
def twin(request, files):
    request.param(files / "a", files / "twin")
    return "twin"


def test_the_same_bytes_are_found_and_no_others(files, twin):
    paths = [files / name for name in ("early", "a", "longer", "late", twin, "absent")]
    assert copies(paths) == [(files / twin, files / "a")]


def test_empty_files_are_no_copies(tmp_path):
    for name in "ab":
        (tmp_path / name).touch()
    assert copies([tmp_path / "a", tmp_path / "b"]) == []


def test_copies_in_two_splits_are_refused(files, twin):
    check_copies(listing(files, train=["a", "early"], val=["longer"], test=["late"]))
    with pytest.raises(InputError, match="twin in test is a copy of a in train: .*disjoint; remove one"):
        check_copies(listing(files, train=["early", "a"], test=["late", twin]))


def test_copies_in_one_split_are_told_of_in_one_line(files, twin, caplog):
    check_copies(listing(files, train=["a", "early"], test=["late"]))
    assert not caplog.records
    check_copies(listing(files, train=["a", "early", twin]))
    (entry,) = caplog.records
    assert entry.getMessage().startswith("1 file listed twice as copies, first twin of train (a again); remove")


def test_a_set_divided_in_time_may_hold_copies(files, twin, caplog):
    names = ["a", twin]
    check_copies(listing(files, by_time=True, train=names, val=names, test=names))
    assert len(caplog.records) == 1


def test_a_data_set_is_looked_through(tmp_path, file_data, scene):
    for number, frame in enumerate(scene(10, 16, 16)):
        (tmp_path / f"{number % 2}").mkdir(exist_ok=True)
        Image.fromarray(frame).save(tmp_path / f"{number % 2}" / f"{number}.png")
    for number in range(10):
        shutil.copy(tmp_path / "0" / "0.png", tmp_path / "0" / f"copy{number}.png")
    data = file_data("image_folder", tmp_path)
    with pytest.raises(InputError, match=r"\.png in \w+ is a copy of 0/\w+\.png in \w+"):
        FileClips(data, list_images(data))
