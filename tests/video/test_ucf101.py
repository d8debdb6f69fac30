"""UCF-101: the official lists, performer groups never shared."""

import re

import pytest

from sweettok.errors import InputError
from sweettok.video.listing import SPLITS
from sweettok.video.ucf101 import list_ucf101


@pytest.fixture
def ucf(tmp_path):
    """Lists of 2 classes, groups 1, 2 test and 8, 9, 10 train, 2 clips each."""
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 Archery\r\n2 YoYo\r\n")

    def lines(groups, label):
        return "".join(
            f"{name}/v_{name}_g{group:02d}_c{clip:02d}.avi{f' {number}' if label else ''}\r\n"
            for number, name in enumerate(("Archery", "YoYo"), start=1) for group in groups for clip in (1, 2)
        )  # fmt: skip

    (lists / "trainlist01.txt").write_text(lines((8, 9, 10), True))
    (lists / "testlist01.txt").write_text(lines((1, 2), False))
    return tmp_path


def performers(items):
    return {(item.class_name, re.search(r"_g\d+", item.id).group()) for item in items}


def test_splits_follow_lists_and_groups(ucf, file_data):
    listing = list_ucf101(file_data("ucf101", ucf))
    assert listing.classes == ["Archery", "YoYo"]
    assert [len(listing.splits[split]) for split in SPLITS] == [8, 4, 8]
    assert performers(listing.splits["val"]) == {("Archery", "_g08"), ("YoYo", "_g08")}
    assert listing.splits["test"][0].file == ucf / "UCF-101" / "Archery" / "v_Archery_g01_c01.avi"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_official_lists_share_no_performer(real_samples, file_data, number):
    root = real_samples("ucf101")
    groups = {1: [8, 9], 2: [1, 2], 3: [1, 2]}[number]
    listing = list_ucf101(file_data("ucf101", root, split_list=number, val_groups=groups))
    train, val, test = (performers(listing.splits[split]) for split in SPLITS)
    assert not (train & val or train & test or val & test) and len(train | val | test) == 101 * 25
    assert sum(map(len, listing.splits.values())) == 13_320 and len(listing.classes) == 101
    assert len(listing.splits["test"]) == {1: 3783, 2: 3734, 3: 3696}[number]
    assert sum(item.file.is_file() for items in listing.splits.values() for item in items) == 2


def append(path, text):
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("testlist01.txt", "YoYo/v_YoYo_g09_c07.avi\n", "g09 .*YoYo .*train .*test"),
        (
            "testlist01.txt",
            "Flying/v_Flying_g01_c01.avi\n",
            r"testlist01\.txt: Flying/v_Flying_g01_c01\.avi .*classInd\.txt",
        ),
        ("testlist01.txt", "YoYo/clip.avi\n", r"testlist01\.txt: YoYo/clip\.avi "),
        ("trainlist01.txt", "../../YoYo/v_YoYo_g09_c07.avi 2\n", r"trainlist01\.txt .*\.\./\.\./YoYo.* data\.root"),
        ("trainlist01.txt", "/YoYo/v_YoYo_g09_c07.avi 2\n", r"trainlist01\.txt .* /YoYo.* data\.root"),
    ],
)
def test_bad_lists_are_refused(ucf, file_data, name, text, message):
    append(ucf / "ucfTrainTestlist" / name, text)
    with pytest.raises(InputError, match=message):
        list_ucf101(file_data("ucf101", ucf))


@pytest.mark.parametrize(
    ("groups", "message"),
    [([3], r"data\.val_groups .*3, .*list 1 .*\[8, 9, 10"), ([8, 9, 10], r"data\.val_groups .*train")],
)
def test_val_groups_must_leave_a_train_split(ucf, file_data, groups, message):
    with pytest.raises(InputError, match=message):
        list_ucf101(file_data("ucf101", ucf, val_groups=groups))


def test_absent_lists_are_refused(ucf, file_data):
    with pytest.raises(InputError, match=r"trainlist03\.txt: No such file"):
        list_ucf101(file_data("ucf101", ucf, split_list=3))
