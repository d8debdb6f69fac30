"""The sprite world: reproducible, balanced, moving, and described in its own words."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from lemminflect import getAllLemmas
from sprite_data import sprites_data

from sweettok.errors import InputError
from sweettok.params import SpritesData, load_params
from sweettok.video import sprite_motions, sprite_shapes
from sweettok.video.sprite_words import DIRECTIONS, FACTORS, SYNONYMS, inflect
from sweettok.video.sprites import Sprites, draw_sprite

ROOT = Path(__file__).parents[2]


def world(**changes) -> SpritesData:
    """The richest world, unless changed."""
    rich = {"clips": (400, 20, 20), "frames": 17, "size": 32, "motions": 10, "two_objects": 0.25}
    return sprites_data(**(rich | changes))


@pytest.fixture(scope="module")
def sprites():
    return [draw_sprite(world(), "train", index) for index in range(400)]


@pytest.fixture(scope="module")
def captions():
    return [draw_sprite(world(frames=1, size=8), "train", index).caption for index in range(2048)]


def psnr(error: np.ndarray) -> np.ndarray:
    """Of (N, T, H, W, 3) errors in [-1, 1] units, per clip."""
    return 10 * np.log10(4 / np.maximum((error**2).mean(axis=(1, 2, 3, 4)), 1e-10))


def factor_words(factor: str, value: str) -> set[str]:
    """The forms in which a factor's value may stand in a caption."""
    groups = SYNONYMS[factor][value]
    verbs = {inflect(verb, tag) for verb in groups.get("verb", ()) for tag in ("VBZ", "VBG")}
    return verbs | {word for part, words in groups.items() if part != "verb" for word in words}


def test_a_clip_depends_only_on_seed_split_and_index():
    first, again = draw_sprite(world(), "train", 7), draw_sprite(world(), "train", 7)
    assert np.array_equal(first.frames, again.frames) and first.caption == again.caption
    others = [draw_sprite(world(), "val", 7), draw_sprite(world(), "train", 17), draw_sprite(world(seed=1), "train", 7)]
    assert all(not np.array_equal(first.frames, other.frames) for other in others)


@pytest.mark.parametrize(("frames", "size"), [(1, 8), (5, 16), (17, 32), (33, 20), (9, 64)])
def test_any_size_and_frame_count(frames, size):
    clip = draw_sprite(world(frames=frames, size=size), "test", 3).frames
    assert clip.shape == (frames, size, size, 3) and clip.dtype == np.uint8


def test_the_same_scene_at_twice_the_size_averages_to_the_small_one():
    for index in range(20):
        small = draw_sprite(world(size=32), "train", index).frames.astype(float)
        large = draw_sprite(world(size=64), "train", index).frames.astype(float)
        halved = large.reshape(17, 32, 2, 32, 2, 3).mean(axis=(2, 4))
        assert np.abs(halved - small).mean() < 6  # of 255; what is left are differently softened edges


@pytest.mark.parametrize("shape", list(FACTORS["shape"]))
def test_coverage_equals_the_shapes_area_counted_on_a_fine_grid(shape):
    x, y = sprite_shapes.frame_grid(512)
    fine = (sprite_shapes.SHAPES[shape](x / 0.6, y / 0.6) < 0).mean()
    grid, zero, radius = sprite_shapes.frame_grid(32), np.zeros(1, np.float32), np.full(1, 0.6, np.float32)
    colours = sprite_shapes.shades("red")
    _, coverage = sprite_shapes.render_object(grid, shape, "plain", colours, (0, 0), zero, zero, radius, zero)
    assert coverage.mean() == pytest.approx(fine, rel=0.05)
    assert 0.08 < fine < 0.3


def test_classes_are_balanced_and_limited():
    source = Sprites(world(motions=3))
    labels = Counter(row["label"] for _, row in source.clips("val"))
    assert source.classes == ["slide", "bounce", "rotate"]
    assert sorted(labels) == [0, 1, 2] and max(labels.values()) - min(labels.values()) <= 1


def test_every_factor_value_occurs(sprites):
    for factor, values in FACTORS.items():
        assert {sprite.factors[factor] for sprite in sprites} == set(values)


@pytest.mark.parametrize("profile", ["sprites", "smoke", "sprites_easy", "sprites_hard"])
def test_all_listed_values_occur_and_no_other(profile):
    data = load_params(ROOT / "profiles" / f"{profile}.yaml").data.model_copy(update={"frames": 1, "size": 8})
    drawn = [draw_sprite(data, "train", index) for index in range(400)]
    for factor, listed in data.factors.model_dump().items():
        assert {sprite.factors[factor] for sprite in drawn} == set(listed)
    classes = Counter(sprite.factors["motion"] for sprite in drawn)
    assert list(classes) == Sprites(data).classes and max(classes.values()) - min(classes.values()) <= 1


def test_values_are_about_equally_frequent():
    """Of all factors but tint and light, which depend on the colour."""
    data = world(clips=(1, 1, 1), frames=1, size=8)
    drawn = [draw_sprite(data, "val", index) for index in range(1000)]
    for factor in set(FACTORS) - {"tint", "light"}:
        expected = len(drawn) / len(FACTORS[factor])
        counts = Counter(sprite.factors[factor] for sprite in drawn)
        assert all(abs(count - expected) < 4 * expected**0.5 for count in counts.values()), counts


def test_the_order_of_the_lists_changes_nothing():
    turned = world(factors={factor: values[::-1] for factor, values in FACTORS.items()})
    assert Sprites(turned).classes == Sprites(world()).classes
    for index in range(10):
        one, other = draw_sprite(world(), "train", index), draw_sprite(turned, "train", index)
        assert np.array_equal(one.frames, other.frames) and one.caption == other.caption


def test_a_world_of_one_value_a_factor():
    alone = {factor: values[:1] for factor, values in FACTORS.items()} | {"light": ["dim"], "motion": ["fall", "grow"]}
    source = Sprites(world(clips=(2, 2, 2), factors=alone, two_objects=0.0))
    rows = [row for _, row in source.clips("train")]
    assert [row["class"] for row in rows] == ["grow", "fall"] and [row["label"] for row in rows] == [0, 1]
    for factor in set(FACTORS) - {"motion"}:
        assert {row[f"factor:{factor}"] for row in rows} == {alone[factor][0]}


def test_a_colour_that_no_background_lets_show_is_refused():
    data = world(factors={"light": ["bright"], "tint": ["sand"], "colour": ["white", "blue", "yellow"]})
    for use in (Sprites, lambda data: draw_sprite(data, "train", 0)):
        with pytest.raises(InputError, match=r"data\.factors\.colour: yellow, white .*data\.factors\.tint") as refused:
            use(data)
        assert "\n" not in str(refused.value)


def test_objects_stand_out_from_their_background(sprites):
    for factors in (sprite.factors for sprite in sprites):
        assert sprite_shapes.contrast(factors["colour"], factors["tint"], factors["light"]) > 0.4


def test_trivial_predictions_are_weak_and_every_clip_moves(sprites):
    clips = np.stack([sprite.frames for sprite in sprites]).astype(np.float32) / 127.5 - 1
    mean_colour = psnr(clips - clips.mean(axis=(1, 2, 3), keepdims=True))
    copy_first_frame = psnr(clips - clips[:, :1])
    assert mean_colour.mean() < 17 and copy_first_frame.mean() < 17
    assert (copy_first_frame > 22).mean() < 0.03 and copy_first_frame.max() < 30
    for motion in FACTORS["motion"]:
        members = [sprite.factors["motion"] == motion for sprite in sprites]
        assert copy_first_frame[members].mean() < 19


def test_faster_means_more_change_between_frames():
    steps = {}
    for speed in FACTORS["speed"]:
        path, _ = sprite_motions.draw_path(np.random.default_rng(0), 4, "slide", speed, "smooth", 0.4)
        steps[speed] = np.hypot(np.diff(path.x), np.diff(path.y)).mean()
    assert steps["slow"] < steps["medium"] < steps["fast"]


@pytest.mark.parametrize("motion", list(FACTORS["motion"]))
@pytest.mark.parametrize("manner", list(FACTORS["manner"]))
def test_a_longer_path_never_leaves_the_scene_for_good(motion, manner):
    path, _ = sprite_motions.draw_path(np.random.default_rng(1), 400, motion, "fast", manner, 0.4)
    reach = 1.5 + 0.3
    assert np.abs(path.x).max() < reach and np.abs(path.y).max() < reach and path.scale.min() > 0.2
    seen = (np.abs(path.x) < 1) & (np.abs(path.y) < 1) & (path.visible > 0)
    assert seen[-100:].mean() > 0.2


def test_jerky_paths_stand_still_between_jumps():
    path, _ = sprite_motions.draw_path(np.random.default_rng(2), 17, "slide", "slow", "jerky", 0.4)
    smooth, _ = sprite_motions.draw_path(np.random.default_rng(2), 17, "slide", "slow", "smooth", 0.4)
    standing = (np.diff(path.x) == 0) & (np.diff(path.y) == 0)
    assert 8 <= standing.sum() < 16
    assert not ((np.diff(smooth.x) == 0) & (np.diff(smooth.y) == 0)).any()


def test_blink_is_fully_on_and_fully_off():
    path, _ = sprite_motions.draw_path(np.random.default_rng(0), 17, "blink", "medium", "smooth", 0.4)
    assert set(path.visible) == {0.0, 1.0} and path.visible[0] == 1


def test_a_word_belongs_to_one_value_of_one_factor():
    values = [groups for factor in SYNONYMS.values() for groups in factor.values()]
    words = [word for groups in values for group in groups.values() for word in group]
    words += [word for group in DIRECTIONS.values() for word in group]
    assert max(Counter(words).values()) == 1


def test_verbs_inflect_and_lemmatise_back():
    for groups in SYNONYMS["motion"].values():
        for verb in groups["verb"]:
            for tag in ("VBZ", "VBG"):
                assert verb in getAllLemmas(inflect(verb, tag), "VERB")["VERB"]
    assert inflect("slide", "VBG") == "sliding" and inflect("spin", "VBG") == "spinning"


def test_captions_say_every_factor_in_its_own_words(sprites):
    for sprite in sprites:
        words = set(re.findall(r"[a-z]+", sprite.caption.lower()))
        for factor, value in sprite.factors.items():
            assert words & factor_words(factor, value), (sprite.caption, factor, value)


def test_only_clips_with_a_second_object_mention_one():
    alone = [draw_sprite(world(two_objects=0.0), "train", index) for index in range(30)]
    pairs = [draw_sprite(world(two_objects=1.0), "train", index) for index in range(30)]
    nouns = {noun for groups in SYNONYMS["shape"].values() for noun in groups["noun"]}

    def mentioned(sprite):
        return sum(word in nouns for word in re.findall(r"[a-z]+", sprite.caption.lower()))

    assert {mentioned(sprite) for sprite in alone} == {1} and {mentioned(sprite) for sprite in pairs} == {2}
    assert [sprite.factors for sprite in alone] == [sprite.factors for sprite in pairs]
    assert all(not np.array_equal(a.frames, b.frames) for a, b in zip(alone, pairs, strict=True))


def test_a_second_object_differs_and_has_listed_values_but_for_its_size():
    factors = {"shape": ["ring", "heart"], "colour": ["red", "black"], "size": ["large"], "speed": ["fast"]}
    data = world(factors=factors, two_objects=1.0)
    for index in range(30):
        words = re.findall(r"[a-z]+", draw_sprite(data, "test", index).caption.lower())

        def said(factor, words=words):
            return sorted(value for value in SYNONYMS[factor] for word in words if word in factor_words(factor, value))

        assert said("shape") == ["heart", "ring"] and said("colour") == ["black", "red"]
        assert said("size") == ["large", "small"] and set(said("speed")) == {"fast"}


def test_the_vocabulary_is_rich_and_every_word_recurs(captions):
    counts = Counter(word for caption in captions for word in re.findall(r"[a-z]+", caption.lower()))
    sizes = Counter()
    for values in SYNONYMS.values():
        for groups in values.values():
            for part, words in groups.items():
                sizes["spatial" if part in ("noun", "adjective") else "temporal"] += len(words)
                for word in words:
                    forms = {inflect(word, "VBZ"), inflect(word, "VBG")} if part == "verb" else {word}
                    assert sum(counts[form] for form in forms) >= 3, word
    assert 150 <= sizes["spatial"] <= 250 and 100 <= sizes["temporal"] <= 150


def test_articles_fit_the_next_word(captions):
    text = " ".join(captions).lower()
    assert not re.search(r"\ba [aeiou]", text) and not re.search(r"\ban [^aeiou]", text)
    assert "an unmarked" in text and "a tiny" in text
