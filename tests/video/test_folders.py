"""Folders of clips and images: each way to split them, and ImageNet's names."""

import re

import pytest

from sweettok.errors import InputError
from sweettok.video.folders import class_names, list_folders
from sweettok.video.formats import IMAGES, VIDEOS
from sweettok.video.listing import SPLITS


@pytest.fixture
def people(tmp_path):
    """2 classes, 5 performers, 2 clips of each."""
    for action in ("jump", "walk"):
        (tmp_path / action).mkdir()
        for person in range(1, 6):
            for take in range(2):
                (tmp_path / action / f"person{person}_{take}.mp4").write_text("")
    return tmp_path


def ids(listing):
    return {split: {item.id for item in items} for split, items in listing.splits.items()}


def disjoint(listing):
    return sum(map(len, ids(listing).values())) == len(set().union(*ids(listing).values()))


def test_groups_stay_together(people, file_data):
    for val, test in ((["person2"], ["person5"]), (0.2, 0.2), (["person2"], 0.4)):
        split = {"by": "group", "pattern": r"(person\d+)_", "val": val, "test": test}
        listing = list_folders(file_data("video_folder", people, split=split), VIDEOS)
        groups = [{re.search(r"person\d+", name).group() for name in names} for names in ids(listing).values()]
        assert listing.classes == ["jump", "walk"] and sum(map(len, groups)) == 5 == len(set().union(*groups))
        assert disjoint(listing) and sum(map(len, listing.splits.values())) == 20


def test_the_group_may_be_the_whole_match(people, file_data):
    split = {"by": "group", "pattern": r"person\d+", "val": ["person1"], "test": ["person3"]}
    listing = list_folders(file_data("video_folder", people, split=split), VIDEOS)
    assert {name[5:12] for name in ids(listing)["test"]} == {"person3"}


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            {"pattern": "actor", "val": 0.2, "test": 0.2},
            r"data\.split\.pattern 'actor' .*20 files.* jump/person1_0\.mp4",
        ),
        ({"pattern": r"person\d", "val": ["person9"], "test": 0.2}, "val .*'person9'.*person1"),
        ({"pattern": "person", "val": 0.2, "test": 0.2}, "val .*test .*train"),
    ],
)
def test_groups_that_do_not_fit_are_refused(people, file_data, split, message):
    with pytest.raises(InputError, match=message):
        list_folders(file_data("video_folder", people, split={"by": "group"} | split), VIDEOS)


def test_a_random_split_depends_on_the_seed_only(people, file_data):
    first, again, other = (list_folders(file_data("video_folder", people, seed=seed), VIDEOS) for seed in (0, 0, 1))
    assert ids(first) == ids(again) != ids(other) and disjoint(first)
    assert [len(first.splits[split]) for split in SPLITS] == [12, 4, 4]


def test_in_time_all_files_are_in_all_splits(people, file_data):
    split = {"by": "time", "val": 0.2, "test": 0.2, "gap": 0}
    listing = list_folders(file_data("video_folder", people, split=split), VIDEOS)
    assert listing.by_time and all(len(items) == 20 for items in listing.splits.values())
    with pytest.raises(InputError, match=r"data\.split: val 0\.8 .*test 0\.2 "):
        list_folders(file_data("video_folder", people, split=split | {"val": 0.8}), VIDEOS)


def test_splits_with_folders_of_their_own(people, file_data):
    (people / "training").mkdir()
    for name in ("jump", "walk"):
        (people / name).rename(people / "training" / name)
    (people / "testing" / "walk").mkdir(parents=True)
    (people / "testing" / "walk" / "x.mp4").write_text("")
    split = {"by": "folder", "train": "training", "val": 0.1, "test": "testing"}
    listing = list_folders(file_data("video_folder", people, split=split), VIDEOS)
    assert [len(listing.splits[name]) for name in SPLITS] == [18, 2, 1] and disjoint(listing)
    assert ids(listing)["test"] == {"testing/walk/x.mp4"} and listing.classes == ["jump", "walk"]
    (people / "testing" / "fly").mkdir()
    with pytest.raises(InputError, match="fly .*test .*training"):
        list_folders(file_data("video_folder", people, split=split), VIDEOS)
    for folder, message in (("absent", r"data\.split\.test .*absent"), ("../x", r"\.\./x.* data\.root")):
        with pytest.raises(InputError, match=message):
            list_folders(file_data("video_folder", people, split=split | {"test": folder}), VIDEOS)


def test_imagenet_folders_are_wordnet_ids(tmp_path, file_data):
    for name in ("n01440764", "n01443537"):
        (tmp_path / name).mkdir()
        for number in range(5):
            (tmp_path / name / f"{name}_{number}.JPEG").write_text("")
    listing = list_folders(file_data("imagenet", tmp_path), IMAGES)
    assert listing.classes == ["n01440764", "n01443537"] and sum(map(len, listing.splits.values())) == 10
    (tmp_path / "cats").mkdir()
    with pytest.raises(InputError, match="cats .*WordNet .*image_folder"):
        list_folders(file_data("imagenet", tmp_path), IMAGES)
    assert "cats" in list_folders(file_data("image_folder", tmp_path), IMAGES).classes


def test_class_names_of_imagenet(tmp_path):
    path = tmp_path / "map.txt"
    path.write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish\n")
    assert class_names(str(path)) == {"n01440764": "tench, Tinca tinca", "n01443537": "goldfish"}
    assert class_names(None) == {}
    path.write_text("tench\n")
    with pytest.raises(InputError, match=r"map\.txt: 'tench' .*WordNet"):
        class_names(str(path))
