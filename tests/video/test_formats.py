"""One list of endings, in any case of letters; what is left out is told."""

import re
from pathlib import Path

from sweettok.video.formats import IMAGES, VIDEOS, with_endings


def test_endings_count_in_any_case_and_others_are_told(tmp_path, caplog):
    for name in ("a.mp4", "b.MOV", "c.txt", "d.TXT", "e.docx", "none", "f.mov"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder.txt").mkdir()
    found = with_endings(sorted(tmp_path.iterdir()), (".mp4", ".mov"), "here")
    assert [path.name for path in found] == ["a.mp4", "b.MOV", "f.mov"]
    (record,) = caplog.records
    assert record.getMessage().startswith("here: 4 ") and "2 .txt, 1 .docx, 1 without an ending" in record.getMessage()


def test_all_that_is_left_out_is_in_the_breakdown(tmp_path, caplog):
    for name in ("a.1", "b.1", "c.2", "d.3", "e.4", "f.5", "g.6", "none"):
        (tmp_path / name).write_text("")
    with_endings(sorted(tmp_path.iterdir()), (".mp4",), "here")
    numbers = re.findall(r"[:,(] ?(\d+) ", caplog.records[0].getMessage())
    assert int(numbers[0]) == sum(map(int, numbers[1:])) == 8


def test_nothing_is_told_where_nothing_is_left_out(tmp_path, caplog):
    (tmp_path / "a.mp4").write_text("")
    assert with_endings([tmp_path / "a.mp4", tmp_path], (".mp4",), "here") and not caplog.records


def test_the_page_on_formats_lists_them():
    text = (Path(__file__).parents[2] / "docs" / "reading-files.md").read_text()
    rows = dict(re.findall(r"^\| (videos|images) .*? \| (.*?) \|$", text, re.M))
    assert {name: tuple(row.split()) for name, row in rows.items()} == {"videos": VIDEOS, "images": IMAGES}
