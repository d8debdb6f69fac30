"""Captions of files and of their names."""

from pathlib import Path

import pytest

from sweettok.errors import InputError
from sweettok.own_clips import words
from sweettok.own_clips.survey import OwnFile, Survey
from sweettok.video.listing import Item


def survey(root, *names):
    files = [OwnFile(Item(name, root / name, Path(name).parent.name), 30, 25.0, 64) for name in names]
    return Survey(root, False, ["a"], files, {})


def test_names_that_tell_clips_apart(tmp_path):
    found = survey(
        tmp_path, "a/clip_red-ball_01.mp4", "a/clip_blueCube_02.mp4", "a/clip_green.star_03.mp4", "a/clip_04.mp4"
    )
    assert words.captions_of_names(found) == {
        "a/clip_red-ball_01.mp4": "red ball",
        "a/clip_blueCube_02.mp4": "blue cube",
        "a/clip_green.star_03.mp4": "green star",
    }


@pytest.mark.parametrize("stem", ["IMG_", "VID_2024-05-0", "holiday film "])
def test_names_that_do_not(tmp_path, stem):
    assert words.captions_of_names(survey(tmp_path, *(f"a/{stem}{n}.mp4" for n in range(9)))) == {}


def test_a_table_in_the_folder_or_beside_it(tmp_path):
    root = tmp_path / "mine"
    root.mkdir()
    found = survey(root, "a/1.mp4", "a/2.mp4")
    assert words.captions_beside(found) is None
    (tmp_path / "mine.tsv").write_text("clip\tcaption\na/1\tA red ball.\n")
    assert words.captions_beside(found) == tmp_path / "mine.tsv"
    words.write_captions(root / "captions.tsv", {"b/1.mp4": "x"})
    assert words.captions_beside(found) == root / "captions.tsv"
    assert words.listed_captions(found, tmp_path / "mine.tsv") == {"a/1.mp4": "A red ball."}
    with pytest.raises(InputError, match=r"captions 'b/1\.mp4' and none of the clips, which are named 'a/1\.mp4'"):
        words.listed_captions(found, root / "captions.tsv")


def test_words_of_the_world_are_enough(tmp_path, monkeypatch):
    from sweettok.language.captions import read_captions

    monkeypatch.chdir(Path(__file__).parents[2])
    words.write_words(tmp_path / "words.txt.gz", ["a zebra gallops"])
    captions = read_captions(tmp_path / "words.txt.gz")
    assert captions[0] == "a zebra gallops" and words.enough_words(captions, min_count=3)
    assert not words.enough_words(["a zebra gallops"] * 9, min_count=3)
