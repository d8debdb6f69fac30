"""The section `data`: each data set has keys of its own, and images have no time."""

import copy
from typing import get_args

import pytest
from default_params import CONTENT, changed

from sweettok.errors import InputError
from sweettok.params import SpriteFactors, parse_params
from sweettok.video.sprite_words import SYNONYMS

FOLDER = {
    "name": "video_folder", "clips": {"train": 9, "val": None, "test": None}, "frames": 17, "size": 32, "seed": 0,
    "clips_per_shard": None, "root": "clips", "shorter_side": None, "crop": "centre", "captions": None, "max_skipped": 0.1,
    "windows": {"stride": 1, "every": None, "start": "centre"},
    "split": {"by": "group", "pattern": "p[0-9]", "val": ["p1"], "test": 0.2},
}  # fmt: skip  # fmt: skip


def test_each_data_set_has_keys_of_its_own():
    params = parse_params(CONTENT | {"data": FOLDER}, "here")
    assert params.data.split.val == ("p1",) and params.data.clips.val is None
    assert params.flat()["data.split.pattern"] == "p[0-9]"


@pytest.mark.parametrize(
    "path, value, named",
    [
        ("two_objects", 0.5, "data.two_objects: .*: name, clips, frames"),
        ("split.gap", 1, "data.split.gap: .*: by, pattern, val, test"),
        ("split.val", 1.5, "data.split.val: .*got 1.5"),
        ("split.pattern", "(", "data.split.pattern: .*regular"),
        ("split.by", "colour", "data.split: .*'colour' .*'by'"),
        ("name", "vhs", "data: .*'vhs' .*'name' .*'sprites'"),
        ("windows.every", 0, "data.windows.every: .*got 0"),
        ("shorter_side", 31, "data: shorter_side 31 .*size 32"),
        ("clips.train", 0, "data.clips.train: .*got 0"),
    ],
)
def test_mistakes_in_a_data_set_name_their_path(path, value, named):
    data = copy.deepcopy(FOLDER)
    *sections, key = path.split(".")
    place = data
    for section in sections:
        place = place[section]
    place[key] = value
    with pytest.raises(InputError, match=named) as refused:
        parse_params(CONTENT | {"data": data}, "here")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("factor", "value"), [("shape", "heart"), ("colour", "red")])
def test_a_second_object_needs_another_shape_and_colour(factor, value):
    content = changed(f"data.factors.{factor}", [value])
    assert getattr(parse_params(content, "here").data.factors, factor) == (value,)
    content["data"]["two_objects"] = 0.1
    with pytest.raises(InputError, match=rf"^here: data: two_objects 0\.1 .*factors\.{factor} .*{value}") as refused:
        parse_params(content, "here")
    assert "\n" not in str(refused.value)


def test_the_factors_of_the_sprites_are_those_they_have_words_for():
    """Not imported by params, which would then need numpy; so the two lists could drift."""
    fields = SpriteFactors.model_fields
    assert list(fields) == list(SYNONYMS)
    for factor, field in fields.items():
        assert get_args(get_args(field.annotation)[0]) == tuple(SYNONYMS[factor])


def test_images_have_one_frame():
    data = {key: value for key, value in FOLDER.items() if key != "windows"} | {"name": "image_folder"}
    still = {"clips": "images", "trains": ["spatial", "decoder"]}
    images = {name: CONTENT[name] | still for name in ("train_spatial", "train_joint", "finetune_pixels")}
    assert parse_params(CONTENT | images | {"data": data | {"frames": 1}}, "here").data.frames == 1
    with pytest.raises(InputError, match="data.frames: .* 1; got 17"):
        parse_params(CONTENT | images | {"data": data}, "here")


@pytest.mark.parametrize("name", ["train_joint", "finetune_pixels"])
@pytest.mark.parametrize("moving", [{"clips": "videos"}, {"trains": ["temporal"]}])
def test_images_cannot_train_what_needs_time(name, moving):
    data = {key: value for key, value in FOLDER.items() if key != "windows"} | {"name": "image_folder", "frames": 1}
    still = {"clips": "images", "trains": ["spatial", "decoder"]}
    stages = {stage: CONTENT[stage] | still for stage in ("train_spatial", "train_joint", "finetune_pixels")}
    stages[name] = stages[name] | moving
    with pytest.raises(InputError, match=f"{name} .*data.frames .*{name}.clips .*{name}.trains"):
        parse_params(CONTENT | stages | {"data": data}, "here")
