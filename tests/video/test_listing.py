"""Listings: nothing outside the root, no file in two splits, shares that add up."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sweettok.errors import InputError
from sweettok.video.listing import (
    SPLITS,
    Item,
    Listing,
    check_disjoint,
    class_folders,
    inside,
    listed_videos,
    printable,
    read_lines,
    root_folder,
    split_items,
    split_line,
    split_names,
)  # fmt: skip


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "outside.mp4").write_text("secret")
    return root_folder(str(tmp_path / "root"))


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../outside.mp4", "a/../../outside.mp4", "link.mp4", "folder/x.mp4", "a/../a/x.mp4"]
)
def test_paths_that_leave_the_root_are_refused(root, name):
    (root / "link.mp4").symlink_to(root.parent / "outside.mp4")
    (root / "folder").symlink_to(root.parent)
    with pytest.raises(InputError, match=r"list\.txt .* data\.root "):
        inside(root, name, "list.txt")


def test_zero_bytes_are_refused(root):
    with pytest.raises(InputError, match=r"list\.txt .*zero byte"):
        inside(root, "a/\0.mp4", "list.txt")


def test_paths_and_links_below_the_root_are_fine(root):
    (root / "link.mp4").symlink_to(root / "a" / "x.mp4")
    for name in ("a/x.mp4", "link.mp4", "a/absent ..mp4"):
        assert inside(root, name, "list.txt") == root / name


def test_the_root_may_be_a_link_but_must_exist(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert root_folder(str(tmp_path / "link")) == root
    with pytest.raises(InputError, match=r"data\.root .*absent "):
        root_folder(str(tmp_path / "absent"))


def test_class_folders_list_all_but_hidden_files(root):
    for name in ("b/2.mp4", "b/1.txt", "b/.hidden", "a/x.mp4", ".git/y.mp4"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("")
    (root / "b" / "folder").mkdir()
    (root / "README").write_text("")
    classes, items = class_folders(root, root, (".mp4",))
    assert classes == ["a", "b"]
    assert [item.id for item in items] == ["a/x.mp4", "b/1.txt", "b/2.mp4", "b/folder"]
    assert [item.class_name for item in items] == ["a", "b", "b", "b"]


def test_files_out_of_place_are_refused(root):
    (root / "x.MP4").write_text("")
    with pytest.raises(InputError, match=r"x\.MP4 .*<class>/"):
        class_folders(root, root, (".mp4",))
    (root / "x.MP4").unlink()
    with pytest.raises(InputError, match="files"):
        class_folders(root, root, (".mp4",))
    (root / "a").rmdir()
    with pytest.raises(InputError, match="<class>/<file>"):
        class_folders(root, root, (".mp4",))


def test_links_in_a_class_folder_may_not_leave_the_root(root):
    (root / "a" / "x.mp4").symlink_to(root.parent / "outside.mp4")
    with pytest.raises(InputError, match=r"a/x\.mp4.* data\.root"):
        class_folders(root, root, (".mp4",))


def test_names_that_are_not_utf8_become_printable(root):
    (root / "a" / os.fsdecode(b"caf\xe9.mp4")).write_text("")
    (item,) = class_folders(root, root, (".mp4",))[1]
    assert item.id == r"a/caf\xe9.mp4" and item.file.exists()
    assert printable("plain é.mp4") == "plain é.mp4"


@given(
    some.sets(some.text("abcdef", min_size=3), min_size=5, max_size=40),
    some.floats(0, 0.4),
    some.floats(0, 0.4),
    some.integers(0, 9),
)
def test_every_name_gets_one_split_and_shares_hold(names, val, test, seed):
    splits = split_names(names, val, test, seed)
    assert set(splits) == names and splits == split_names(sorted(names), val, test, seed)
    counts = {split: list(splits.values()).count(split) for split in SPLITS}
    for split, share in (("val", val), ("test", test)):
        assert counts[split] == (max(round(share * len(names)), 1) if share else 0)


def test_listed_names_and_shares_mix():
    names = [f"person{number}" for number in range(1, 11)]
    splits = split_names(names, 0.2, ("person3", "person4"), seed=0)
    assert splits["person3"] == splits["person4"] == "test"
    assert list(splits.values()).count("val") == 2 and list(splits.values()).count("train") == 6


@pytest.mark.parametrize(
    ("val", "test", "message"),
    [
        (("c",), ("a",), "val .*'c'"),
        (("a",), ("a",), "test .*'a'.* b$"),
        (("a",), ("b",), "val .*test .*2 .*train"),
        (0.5, 0.5, "val .*test .*2 .*train"),
    ],
)
def test_senseless_allotments_are_refused(val, test, message):
    with pytest.raises(InputError, match=message):
        split_names(["a", "b"], val, test, 0)


def test_carving_keeps_keys_together_and_order(tmp_path):
    items = [Item(f"{group}/{number}", tmp_path, "x") for group in "abcdefgh" for number in range(3)]
    parts = split_items(items, lambda item: item.id[0], 0.25, 0.25, seed=1)
    assert [len(parts[split]) for split in SPLITS] == [12, 6, 6]
    groups = [{item.id[0] for item in part} for part in parts.values()]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert all(part == sorted(part, key=items.index) for part in parts.values())


def test_overlap_and_repeats_are_refused(tmp_path):
    one, two = (Item(f"a/{number}.mp4", tmp_path / f"{number}.mp4", "a") for number in (1, 2))
    check_disjoint(Listing(["a"], {"train": [one], "val": [two], "test": []}))
    check_disjoint(Listing(["a"], {"train": [one], "val": [one], "test": [one]}, by_time=True))
    with pytest.raises(InputError, match=r"a/1\.mp4 .*test .*train"):
        check_disjoint(Listing(["a"], {"train": [one], "val": [two], "test": [one]}))
    with pytest.raises(InputError, match=r"a/1\.mp4 .*twice .*train"):
        check_disjoint(Listing(["a"], {"train": [one, one], "val": [], "test": []}, by_time=True))


@pytest.mark.parametrize("spelling", ["a/./1.mp4", "a//1.mp4", "a/../a/1.mp4", "a/link.mp4", "folder/1.mp4"])
def test_a_file_under_two_spellings_is_one(tmp_path, spelling):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.mp4").write_text("")
    (tmp_path / "a" / "link.mp4").symlink_to("1.mp4")
    (tmp_path / "folder").symlink_to("a")
    one, same = Item("a/1.mp4", tmp_path / "a/1.mp4", "a"), Item("other", f"{tmp_path}/{spelling}", "a")
    with pytest.raises(InputError, match=r"other .*a/1\.mp4.*test .*train"):
        check_disjoint(Listing(["a"], {"train": [one], "val": [], "test": [same]}))
    with pytest.raises(InputError, match=r"other .*a/1\.mp4.*twice .*train"):
        check_disjoint(Listing(["a"], {"train": [one, same], "val": [], "test": []}))


@pytest.mark.parametrize(
    ("line", "path", "number"),
    [
        ("a/x.mp4", "a/x.mp4", ""),
        ("a/x.mp4 12", "a/x.mp4", "12"),
        ("a/x.mp4\t12", "a/x.mp4", "12"),
        ("two words/x 1.mp4\t  0", "two words/x 1.mp4", "0"),
        ('"two words/x.mp4" 3', "two words/x.mp4", "3"),
        ("'two words/x.mp4'", "two words/x.mp4", ""),
        ('"it\'s/x 7"', "it's/x 7", ""),
        ("it's/x.mp4 5", "it's/x.mp4", "5"),
        ("./a//x.mp4 5", "a/x.mp4", "5"),
        ("7", "7", ""),
        ('"two words/x.mp4"\t"3"', "two words/x.mp4", "3"),
        ("'a/x.mp4' '3'", "a/x.mp4", "3"),
        ("a/x.mp4,3", "a/x.mp4", "3"),
        ('"a, b/x.mp4", 3', "a, b/x.mp4", "3"),
        ("a/x.mp4;3", "a/x.mp4", "3"),
    ],
)
def test_lines_are_a_path_and_maybe_a_number(line, path, number):
    assert split_line(line) == (path, number)


@pytest.mark.parametrize(
    "line",
    [
        "a/x.mp4\tjumping",
        "a/x.mp4,0,10",
        '"a/x.mp4" "jumping"',
        '"a/x.mp4',
        "a/x.mp4 300 5",
        "path,label",
        "a/x.mp4;jumping",
    ],
)
def test_a_line_that_is_no_video_is_refused_by_its_number(tmp_path, line):
    (tmp_path / "list.txt").write_bytes(f"a/1.MP4 0\r\n\r\na/2.avi;1\n{line}\n".encode())
    with pytest.raises(InputError, match=rf"list\.txt line 4: {re.escape(repr(line))} .*path of a video.*; correct"):
        listed_videos(tmp_path / "list.txt")


def test_lists_are_read_line_by_line(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa b\r\n\n  c\xff \n")
    assert read_lines(tmp_path / "list.txt") == ["a b", os.fsdecode(b"c\xff")]
    (tmp_path / "list.txt").write_text("\n \n")
    with pytest.raises(InputError, match="empty"):
        read_lines(tmp_path / "list.txt")
    with pytest.raises(InputError, match="No such file"):
        read_lines(tmp_path / "absent.txt")
