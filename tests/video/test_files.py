"""Clips of files: the right frames and labels, the same for any number of workers, losses counted and bounded."""

import os

import numpy as np
import pytest
from PIL import Image

from sweettok.errors import InputError
from sweettok.storage import read_json
from sweettok.video.files import FileClips
from sweettok.video.folders import list_folders
from sweettok.video.formats import IMAGES, VIDEOS
from sweettok.video.listing import SPLITS
from sweettok.video.prepare import prepare
from sweettok.video.resize_crop import resize_crop
from sweettok.video.store import ClipStore

EVERY = {"stride": 1, "every": 5, "start": "first"}
IN_TIME = {"by": "time", "val": 0.35, "test": 0.35, "gap": 2}


@pytest.fixture(scope="module")
def videos(tmp_path_factory, write_video, scene):
    """2 classes of 5 lossless clips, 16 x 16, of 20 to 29 frames; and the frames by file id."""
    root, frames = tmp_path_factory.mktemp("videos"), {}
    for number in range(10):
        name = f"{('RunFast', 'walk')[number % 2]}/clip{number}.mkv"
        frames[name] = scene(20 + number, 16, 16, seed=number)
        write_video(root / name, frames[name])
    return root, frames


def source_of(data, workers=2):
    return FileClips(data, list_folders(data, VIDEOS if hasattr(data, "windows") else IMAGES), workers=workers)


def all_clips(source):
    return [(frames, row, split) for split in SPLITS for frames, row in source.clips(split)]


def test_clips_are_the_files_frames(videos, file_data):
    root, frames = videos
    clips = all_clips(source_of(file_data("video_folder", root, windows=EVERY)))
    assert len(clips) == sum(len(whole) // 5 for whole in frames.values())
    for clip, row, _ in clips:
        start = row["start"]
        assert np.array_equal(clip, frames[row["file"]][start : start + 5])
        assert row["clip"] == f"{row['file']}@{start}" and row["class"] == row["file"].split("/")[0]
        assert row["label"] == ["RunFast", "walk"].index(row["class"])
        assert row["caption"] == {"RunFast": "run fast", "walk": "walk"}[row["class"]]
    assert len({row["clip"] for _, row, _ in clips}) == len(clips)


def test_splits_in_time_keep_their_distance(videos, file_data):
    root, frames = videos
    clips = all_clips(source_of(file_data("video_folder", root, windows=EVERY, split=IN_TIME)))
    spans = {
        name: {split: [r["start"] for _, r, s in clips if r["file"] == name and s == split] for split in SPLITS}
        for name in frames
    }
    for name, starts in spans.items():
        assert all(starts.values()), name
        assert max(starts["train"]) + 5 + 2 <= min(starts["val"]) and max(starts["val"]) + 5 + 2 <= min(starts["test"])


@pytest.mark.parametrize("count", [None, 7])
def test_the_clips_do_not_depend_on_the_workers(videos, file_data, count):
    counts = {"train": count, "val": None, "test": None}
    data = file_data(
        "video_folder",
        videos[0],
        windows=EVERY | {"start": "random"},
        crop="random",
        size=8,
        shorter_side=12,
        clips=counts,
    )
    runs = []
    for workers in (1, 4):
        source = source_of(data, workers)
        clips = [next_ for next_, _ in zip(source.clips("train"), range(count or 99), strict=False)]
        runs.append(([row for _, row in clips], np.stack([frames for frames, _ in clips])))
    assert runs[0][0] == runs[1][0] and np.array_equal(runs[0][1], runs[1][1])


def test_a_few_clips_come_from_many_files_and_more_from_the_same(videos, file_data):
    data = file_data("video_folder", videos[0], windows=EVERY, clips={"train": 6, "val": 1, "test": 1})
    names = [row["clip"] for _, row in source_of(data).clips("train")]
    files = [name.split("@")[0] for name in names]
    assert len(set(files[:6])) == 6 == len(set(files))  # each of the 6 train files once, before any a second time
    everything = source_of(data.model_copy(update={"clips": file_data("video_folder", videos[0]).clips}))
    assert sorted(names) == sorted(row["clip"] for _, row in everything.clips("train"))
    other = source_of(data.model_copy(update={"seed": 1}))
    assert [row["clip"] for _, row in other.clips("train")] != names


def test_random_crops_differ_between_clips_and_follow_the_seed(videos, file_data):
    root, frames = videos

    def corners(seed):
        split = {"by": "group", "pattern": r"clip(\d)", "val": ["0"], "test": ["1"]}
        data = file_data("video_folder", root, crop="random", size=8, shorter_side=16, seed=seed, split=split)
        found = []
        for clip, row in source_of(data).clips("train"):
            whole = frames[row["file"]][:5]
            places = [
                (y, x) for y in range(9) for x in range(9) if np.array_equal(whole[:, y : y + 8, x : x + 8], clip)
            ]
            assert len(places) == 1
            found += places
        return found

    assert corners(0) == corners(0) != corners(1) and len(set(corners(0))) > 4


def test_further_views_are_of_training_clips_only_and_show_parts_of_them(videos, file_data, tmp_path):
    (tmp_path / "captions.tsv").write_text("clip\tcaption\nwalk/clip1.mkv@5\tHe turns.\n")
    data = file_data("video_folder", videos[0], windows=EVERY, captions=str(tmp_path / "captions.tsv"))
    once, often = (all_clips(source_of(data.model_copy(update={"views": views}))) for views in (1, 4))
    assert [row["clip"] for _, row, _ in once] == [row["clip"] for _, row, _ in often if "#" not in row["clip"]]
    assert len(often) == len(once) + 3 * sum(split == "train" for *_, split in once)
    plain, mirrored, alike = {row["clip"]: frames for frames, row, _ in once}, 0, 0
    for frames, row, split in often:
        name, _, view = row["clip"].partition("#")
        same = np.array_equal(frames, plain[name])
        assert row["caption"] == "He turns." if name == "walk/clip1.mkv@5" else row["caption"] != "He turns."
        assert same or view
        if view:
            assert split == "train" and view in "123"
            alike += same  # a view may be hardly nearer
            mirrored += _nearness(frames[:, :, ::-1], plain[name]) > _nearness(frames, plain[name])
    further = len(often) - len(once)
    assert 0.2 < mirrored / further < 0.8 and alike / further < 0.2


def _nearness(view, clip):
    """The best correlation of a view with any part of the clip as near as it."""
    return max(
        np.corrcoef(resize_crop(clip[0], nearer, 16, (across, down)).ravel(), view[0].ravel())[0, 1]
        for nearer in range(16, 28)
        for across in (0, 0.25, 0.5, 0.75, 1)
        for down in (0, 0.25, 0.5, 0.75, 1)
    )


def test_images_are_clips_of_one_frame(tmp_path, file_data, scene):
    pictures = scene(10, 16, 16)
    for number, picture in enumerate(pictures):
        (tmp_path / f"c{number % 2}").mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / f"c{number % 2}" / f"{number}.png")
    clips = all_clips(source_of(file_data("image_folder", tmp_path)))
    assert len(clips) == 10
    for clip, row, _ in clips:
        assert clip.shape == (1, 16, 16, 3) and np.array_equal(clip[0], pictures[int(row["clip"][3])])
        assert row["clip"] == row["file"] and row["start"] == 0


def test_an_animation_is_no_image_of_a_set(tmp_path, file_data, scene):
    for number in range(10):
        (tmp_path / "set" / "a").mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(1, 16, 16, seed=number)[0]).save(tmp_path / "set" / "a" / f"{number}.png")
    still, *moving = map(Image.fromarray, scene(3, 16, 16))
    still.save(tmp_path / "set" / "a" / "moving.webp", save_all=True, append_images=moving)
    summary = prepare(file_data("image_folder", tmp_path / "set", max_skipped=0.9), tmp_path / "out")
    assert sum(summary["clips"].values()) == 10
    assert "a/moving.webp,is an animation; expected a still image" in (
        tmp_path / "out" / "skipped.csv"
    ).read_text().replace('"', "")


def test_captions_are_joined_by_clip_or_file(videos, file_data, tmp_path):
    (tmp_path / "captions.tsv").write_text("clip\tcaption\nwalk/clip1.mkv\tA man walks.\nwalk/clip3.mkv@5\tHe turns.\n")
    data = file_data("video_folder", videos[0], windows=EVERY, captions=str(tmp_path / "captions.tsv"))
    captions = {row["clip"]: row["caption"] for _, row, _ in all_clips(source_of(data))}
    assert captions["walk/clip1.mkv@0"] == captions["walk/clip1.mkv@10"] == "A man walks."
    assert captions["walk/clip3.mkv@5"] == "He turns." and captions["walk/clip3.mkv@0"] == "walk"
    (tmp_path / "captions.tsv").write_text("clip\tcaption\nclip1\tA man walks.\n")
    with pytest.raises(InputError, match=r"data\.captions .*captions\.tsv .*'clip1'"):
        source_of(data)


@pytest.fixture
def damaged(tmp_path, write_video, scene):
    """12 good files and 6 that cannot be used, in one class; their reasons by name."""
    for number in range(12):
        write_video(tmp_path / "set" / "a" / f"good{number:02d}.mkv", scene(12, 16, 16, seed=number))
    folder = tmp_path / "set" / "a"
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "notes.txt").write_text("text")
    (folder / "noise.avi").write_bytes(b"noise" * 100)
    (folder / "folder.mp4").mkdir()
    write_video(folder / "short.mkv", scene(1))
    (folder / os.fsdecode(b"caf\xe9.mkv")).symlink_to("absent.mkv")
    reasons = {
        "a/empty.mp4": "is empty (0 bytes)", "a/notes.txt": "has the ending .txt; expected one of", "a/noise.avi": "cannot be decoded",
        "a/folder.mp4": "is a folder", "a/short.mkv": "has 1 frame for", r"a/caf\xe9.mkv": "does not exist",
    }  # fmt: skip
    return tmp_path / "set", reasons


def test_what_cannot_be_read_is_listed_with_its_reason(damaged, file_data, tmp_path):
    root, reasons = damaged
    summary = prepare(file_data("video_folder", root, max_skipped=0.9), tmp_path / "out")
    assert sum(summary["clips"].values()) == 12 and sum(summary["skipped"].values()) == 6
    assert sum(summary["files"].values()) == 18
    description = read_json(tmp_path / "out" / "store.json")
    assert description["skipped"] == summary["skipped"] and description["files"] == summary["files"]
    header, *lines = (tmp_path / "out" / "skipped.csv").read_text(encoding="utf-8").splitlines()
    assert header == "split,file,reason" and len(lines) == 6
    for file, reason in reasons.items():
        assert sum(f",{file}," in line and reason in line for line in lines) == 1, file
    for split in SPLITS:
        store = ClipStore.open(tmp_path / "out", split).expect(5, 16, "the test")
        store.verify()
        assert len(store.labels) == len(store) == summary["clips"][split]


def test_too_many_losses_stop_the_preparation(damaged, file_data, tmp_path):
    root, _ = damaged
    with pytest.raises(InputError, match=r"data\.max_skipped 0\.0 .*train .* a/") as raised:
        prepare(file_data("video_folder", root, max_skipped=0.0), tmp_path / "out")
    assert not (tmp_path / "out").exists() and "\n" not in str(raised.value)


def test_a_file_that_is_lost_is_replaced_where_a_number_is_asked(damaged, file_data):
    root, _ = damaged
    clips = {"train": 3, "val": 1, "test": 1}
    data = file_data(
        "video_folder", root, max_skipped=0.9, clips=clips, split={"by": "random", "val": 0.1, "test": 0.1}
    )
    source = source_of(data)
    assert len([row for _, row in zip(range(3), source.clips("train"), strict=False)]) == 3


def test_identical_files_in_two_splits_are_refused(tmp_path, file_data, write_video, scene):
    for number in range(10):
        write_video(tmp_path / "set" / "a" / f"{number}.mkv", scene(5, 16, 16))
    with pytest.raises(InputError, match=r"\.mkv.* a/.* train"):
        prepare(file_data("video_folder", tmp_path / "set"), tmp_path / "out")


def test_a_split_without_a_clip_is_refused(videos, file_data, tmp_path):
    split = {"by": "random", "val": 0.0, "test": 0.2}
    with pytest.raises(InputError, match=r"video_folder .*val .*data\.split"):
        prepare(file_data("video_folder", videos[0], split=split), tmp_path / "out")


def test_numeric_class_names_stay_text(tmp_path, file_data, write_video, scene):
    for number in range(10):
        write_video(tmp_path / "set" / f"{number % 2:03d}" / f"{number}.mkv", scene(5, 16, 16, seed=number))
    prepare(file_data("video_folder", tmp_path / "set"), tmp_path / "out")
    store = ClipStore.open(tmp_path / "out", "train")
    assert set(store.labels["class"]) <= {"000", "001"} == set(store.classes)
    assert all(isinstance(caption, str) for caption in store.captions)


def test_ucf101_and_kinetics_are_prepared_by_name(tmp_path, file_data, write_video, scene):
    lists = tmp_path / "ucf" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text("1 YoYo\n")
    (lists / "trainlist01.txt").write_text(
        "YoYo/v_YoYo_g08_c01.avi 1\nYoYo/v_YoYo_g09_c01.avi 1\nYoYo/v_YoYo_g10_c01.avi 1\n"
    )
    (lists / "testlist01.txt").write_text("YoYo/v_YoYo_g01_c01.avi\n")
    for group in (1, 8, 9):
        write_video(
            tmp_path / "ucf" / "UCF-101" / "YoYo" / f"v_YoYo_g{group:02d}_c01.avi", scene(9, 18, 24, seed=group)
        )
    summary = prepare(file_data("ucf101", tmp_path / "ucf", max_skipped=0.5), tmp_path / "out")
    assert summary["clips"] == {"train": 1, "val": 1, "test": 1} and summary["skipped"] == {
        "train": 1,
        "val": 0,
        "test": 0,
    }
    assert "train,UCF" not in (tmp_path / "out" / "skipped.csv").read_text()
    assert "train,YoYo/v_YoYo_g10_c01.avi,does not exist" in (tmp_path / "out" / "skipped.csv").read_text()

    for split in SPLITS:
        (tmp_path / "ucf" / f"{split}.csv").write_text(f"label,youtube_id,time_start,time_end\nyo yo,{split}_id,0,10\n")
        write_video(tmp_path / "ucf" / "clips" / f"{split}_id_000000_000010.mkv", scene(9, 18, 24, seed=len(split)))
    assert prepare(file_data("kinetics", tmp_path / "ucf"), tmp_path / "out")["classes"] == ["yo yo"]
    assert ClipStore.open(tmp_path / "out", "val").captions == ["yo yo"]


@pytest.mark.parametrize(
    ("name", "kind", "changes", "clips"),
    [
        ("weizmann", "video_folder", {"split": {"by": "group", "pattern": r"(person\d+)_", "val": ["person6"], "test": ["person7"]}, "windows": EVERY}, [20, 4, 4]),
        ("cctv", "video_folder", {"split": {"by": "random", "val": 0.1, "test": 0.2}}, [84, 12, 24]),
        ("imagenet-sample", "imagenet", {"split": {"by": "random", "val": 0.1, "test": 0.2}}, [560, 80, 160]),
    ],
)  # fmt: skip
def test_real_samples_are_prepared_without_a_loss(real_samples, file_data, tmp_path, name, kind, changes, clips):
    summary = prepare(file_data(kind, real_samples(name), **changes), tmp_path / "out")
    assert list(summary["files"].values()) == clips and not any(summary["skipped"].values())
    assert all(count >= files for count, files in zip(summary["clips"].values(), clips, strict=True))
