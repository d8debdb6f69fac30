"""Kinetics: official csv lists, path lists, files in any folder, videos never shared between splits."""

import pytest

from sweettok.errors import InputError
from sweettok.video.kinetics import list_kinetics
from sweettok.video.listing import SPLITS, check_disjoint

HEADER = "label,youtube_id,time_start,time_end,split\n"
TXT = {"train": "train.txt", "val": 0.25, "test": "test.txt"}


@pytest.fixture
def kinetics(tmp_path):
    """3 lists; of the train videos one lies in a folder of its class, one flat, one is absent."""
    (tmp_path / "train.csv").write_text(
        HEADER + 'abseiling,-abcDEF_123,10,20,train\n"air drumming",vid2,0.0,10.0,train\nabseiling,gone,5,15,train\n'
    )
    (tmp_path / "val.csv").write_text(HEADER + "abseiling,vid4,1,11,val\n")
    (tmp_path / "test.csv").write_text(HEADER + "air drumming,vid5,1,11,test\n")
    for name in ("train/abseiling/-abcDEF_123_000010_000020.mp4", "vid2_000000_000010.mkv", "v/vid4.mp4", "note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


def test_rows_find_their_files_wherever_they_lie(kinetics, file_data):
    listing = list_kinetics(file_data("kinetics", kinetics))
    assert listing.classes == ["abseiling", "air drumming"]
    files = [item.file.relative_to(kinetics).as_posix() for item in listing.splits["train"]]
    assert files == [
        "train/abseiling/-abcDEF_123_000010_000020.mp4",
        "vid2_000000_000010.mkv",
        "gone_000005_000015.mp4",
    ]
    assert listing.splits["val"][0].file == kinetics / "v" / "vid4.mp4"  # the bare id
    assert listing.splits["train"][1].id == "air drumming/vid2_000000_000010"


def test_paths_with_and_without_numbers(kinetics, file_data):
    (kinetics / "train.txt").write_text("".join(f"air drumming/v{n}.mp4 1\nabseiling/v{n}.mp4 0\n" for n in range(4)))
    (kinetics / "test.txt").write_text("air drumming/x.mp4\n")
    listing = list_kinetics(file_data("kinetics", kinetics, lists=TXT))
    assert listing.classes == ["abseiling", "air drumming"]
    assert [len(listing.splits[split]) for split in SPLITS] == [6, 2, 1]
    assert listing.splits["test"][0].class_name == "air drumming"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_lists_may_be_apart_by_other_marks(kinetics, file_data, delimiter):
    (kinetics / "test.csv").write_text(HEADER + '"air, drumming",vid5,1,11,test\n')
    (kinetics / "train.csv").write_text(HEADER + 'abseiling,gone,5,15,train\n"air, drumming",vid2,0,10,train\n')
    expected = list_kinetics(file_data("kinetics", kinetics))
    rows = (
        "label|youtube_id|time_start|time_end|split",
        "abseiling|gone|5|15|train",
        '"air, drumming"|"vid2"|0|10|train',
    )
    (kinetics / "train.csv").write_text("".join(f"{row}\n" for row in rows).replace("|", delimiter))
    assert list_kinetics(file_data("kinetics", kinetics)) == expected


def test_labels_keep_a_line_break_within_quotes(kinetics, file_data):
    (kinetics / "train.csv").write_bytes(
        b'label,youtube_id,time_start,time_end \r\n"air\ndrumming",vid2,0,10\r\n  \r\nabseiling, gone,5,15 \r\n'
    )
    (kinetics / "test.csv").write_text(HEADER + '"air\ndrumming",vid5,1,11,test\n')
    listing = list_kinetics(file_data("kinetics", kinetics))
    assert listing.classes == ["abseiling", "air\ndrumming"]
    assert [item.id for item in listing.splits["train"]] == [
        "air\ndrumming/vid2_000000_000010",
        "abseiling/gone_000005_000015",
    ]


def test_a_file_for_two_rows_is_refused(kinetics, file_data):
    (kinetics / "train.csv").write_text(HEADER + "abseiling,vid9,0,10,train\nabseiling,vid9,20,30,train\n")
    (kinetics / "test.csv").write_text(HEADER + "abseiling,vid5,1,11,test\n")
    (kinetics / "vid9.mp4").write_text("")
    with pytest.raises(InputError, match="vid9_000020_000030 .*twice .*train"):
        check_disjoint(list_kinetics(file_data("kinetics", kinetics)))


def test_paths_in_quotes_or_before_a_tab(kinetics, file_data):
    (kinetics / "train.txt").write_text(
        '"air drumming/v0.mp4" 1\nair drumming/v1.mp4\t1\nabseiling//v2.mp4\t0\n./a/v3.mp4\n'
    )
    (kinetics / "test.txt").write_text("'air drumming/x.mp4'\n")
    listing = list_kinetics(file_data("kinetics", kinetics, lists=TXT | {"val": 0.0}))
    assert [item.id for item in listing.splits["train"]] == [
        "air drumming/v0.mp4", "air drumming/v1.mp4", "abseiling/v2.mp4", "a/v3.mp4",
    ]  # fmt: skip
    assert listing.splits["test"][0].file == kinetics / "air drumming" / "x.mp4"


def test_carving_keeps_the_clips_of_a_video_together(kinetics, file_data):
    rows = "".join(f"abseiling,vid{n},{t},{t + 10},train\n" for n in range(10, 30) for t in (0, 20))
    (kinetics / "train.csv").write_text(HEADER + "air drumming,vid5,1,11,train\n" + rows)
    lists = {"train": "train.csv", "val": 0.2, "test": 0.2}
    parts = list_kinetics(file_data("kinetics", kinetics, lists=lists)).splits
    videos = [{item.id.split("/")[1][:5] for item in parts[split] if "vid5" not in item.id} for split in SPLITS]
    assert len(set().union(*videos)) == sum(map(len, videos)) == 20 and all(videos)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("val.csv", HEADER + "abseiling,gone,30,40,val\n", "gone .*train .*val"),
        ("val.csv", HEADER + "flying,vid9,30,40,val\n", "'flying' .*val .*train"),
        ("val.csv", "label,time_start\nx,1\n", r"val\.csv .*youtube_id, time_end; .*label, time_start"),
        ("val.csv", HEADER + "abseiling,vid9,soon,40,val\n", r"val\.csv line 2: time_start .*time_end"),
        ("val.csv", HEADER + "abseiling,../vid9,1,40,val\n", r"val\.csv line 2: '\.\./vid9' .*YouTube"),
        ("val.csv", "", r"val\.csv .*empty"),
        ("val.csv", HEADER + '"' + "abseiling,vid9,1,40,val\n" * 9000, r"val\.csv line \d+: .*quotation mark"),
    ],
)
def test_bad_lists_are_refused(kinetics, file_data, name, text, message):
    (kinetics / name).write_text(text)
    with pytest.raises(InputError, match=message):
        list_kinetics(file_data("kinetics", kinetics))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("../outside/a.mp4 0\n", r"train\.txt .*\.\./outside/a\.mp4.* data\.root"),
        ("/outside/a.mp4 0\n", r"train\.txt .*/outside/a\.mp4.* data\.root"),
        ("a/x.mp4 jumping\n", r"train\.txt line 1: .*jumping.*number.*; correct"),
        ("a/x.mp4 0\na/y.mp4 1\n", r"train\.txt: .* a .*0 .*1"),
        ("x.mp4\n", r"train\.txt: x\.mp4 .*class"),
    ],
)
def test_bad_path_lists_are_refused(kinetics, file_data, text, message):
    (kinetics / "train.txt").write_text(text)
    (kinetics / "test.txt").write_text("a/z.mp4\n")
    with pytest.raises(InputError, match=message):
        list_kinetics(file_data("kinetics", kinetics, lists=TXT))


def test_two_files_for_one_clip_are_refused(kinetics, file_data):
    (kinetics / "vid4.mp4").write_text("")
    with pytest.raises(InputError, match=r"vid4\."):
        list_kinetics(file_data("kinetics", kinetics))


def test_lists_of_another_kind_are_refused(kinetics, file_data):
    (kinetics / "train.json").write_text("{}")
    lists = {"train": "train.json", "val": "val.csv", "test": "test.csv"}
    with pytest.raises(InputError, match=r"train\.json .*\.csv .*\.txt"):
        list_kinetics(file_data("kinetics", kinetics, lists=lists))
