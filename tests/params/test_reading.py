"""params.yaml: every profile loads; every mistake is one line with its path and what is allowed."""

import copy
import re
import shutil
from pathlib import Path
from typing import get_args

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import parse_yaml as as_dvc_reads

from sweettok.errors import InputError
from sweettok.params import Params, SpriteFactors, load_params, parse_params, resolved_yaml, stage_params
from sweettok.params.overrides import parse_yaml
from sweettok.video.sprite_words import SYNONYMS

ROOT = Path(__file__).parents[2]
PROFILES = [ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml"))]
CONTENT = yaml.safe_load((ROOT / "params.yaml").read_text())


def changed(path, value):
    """The default params with one value replaced (or added)."""
    content = copy.deepcopy(CONTENT)
    *sections, key = path.split(".")
    place = content
    for section in sections:
        place = place[section]
    place[key] = value
    return content


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.name)
def test_every_profile_loads_whole(path):
    params = load_params(path)
    assert params.data.frames == 1 + (params.data.frames - 1) // params.patches.temporal * params.patches.temporal
    assert set(params.ablation.matrix.variants) <= set(params.ablation.variants)
    assert params.train_spatial.clips == "images" and params.finetune_pixels.target == "pixels"
    assert ("temporal" in params.train_joint.trains) == (params.data.frames > 1)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.name)
def test_what_is_written_to_params_is_what_loads(path):
    content = yaml.safe_load(resolved_yaml(path))
    assert list(content) == list(CONTENT) and parse_params(content, "written") == load_params(path)


@pytest.mark.parametrize(
    "path, value, named",
    [
        ("nonsense", 1, ": profile, data, codebook"),
        ("tokenizer.nonsense", 1, ": architecture, width, heads"),
        ("data.clips.trian", 1, ": train, val, test"),
        ("train_joint.optimiser.learning_rate", 1, ": algorithm, steps, batch_size, lr"),
        ("tokenizer.width", "64", "got '64'"),
        ("tokenizer.width", 64.5, "got 64.5"),
        ("tokenizer.width", 0, "got 0"),
        ("tokenizer.width", True, "got True"),
        ("tokenizer.architecture", "magic", "'decoupled', 'coupled' or 'downsample'; got 'magic'"),
        ("proxy.optimiser.lr", -1.0, "got -1.0"),
        ("proxy.optimiser.algorithm", "sgd", "'muon' or 'adamw'; got 'sgd'"),
        ("proxy.optimiser.adam_lr", 0.0, "got 0.0"),
        ("proxy.levels", [], "got []"),
        ("proxy.levels", [4, 1], "got 1"),
        ("proxy.heads", 4, ": width, encoder_blocks, decoder_blocks, levels"),
        ("tokenizer.start", "zero", "'proxy' or 'random'; got 'zero'"),
        ("code_loss.expected_code", 1.0, ": cross_entropy, code_l2, l2, perceptual, picture_start"),
        ("data.two_objects", 1.5, "got 1.5"),
        ("sampling.top_p", 0.0, "got 0.0"),
        ("data.classes", 8, ": name, clips, frames, size, seed, clips_per_shard, two_objects"),
        ("data.factors.texture", ["plain", "furry"], "'dotted', 'checkered' or 'glossy'; got 'furry'"),
        ("data.factors.shape", ["ring", "cross", "ring"], "twice; got ['ring'"),
        ("data.factors.light", [], "got []"),
        ("data.factors.motion", ["fall"], "got ['fall']"),
        ("data.factors.speed", "slow", "got 'slow'"),
        ("data.factors.tint", [1], "'wine' or 'ocean'; got 1"),
        ("data.factors.weight", ["heavy"], ": shape, colour, size"),
        ("semantics.shots", ["x"], "got 'x'"),
        ("prior_scaling.sizes.small.depth", 1, ": layers, heads, width"),
        ("semantics.ways", [2, 1], "got 1"),
        ("semantics.ways", [], "got []"),
        (
            "train_joint.trains",
            ["spatial", "wings"],
            "'spatial', 'temporal', 'decoder' or 'pixel_decoder'; got 'wings'",
        ),
        ("train_joint.optimiser.betas", [0.9], "got [0.9]"),
        ("judge", None, "section"),
        ("report.folder", "elsewhere", "reports/<name>"),
        ("report.folder", "reports/../outputs", "reports/<name>"),
        ("report.folder", "reports/tables", "reports/<name>"),
        ("report.folder", "/reports", "reports/<name>"),
        ("report.folder", "reports/a/b", "reports/<name>"),
    ],
)
def test_mistakes_name_their_path_and_what_is_allowed(tmp_path, path, value, named):
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(changed(path, value)))
    with pytest.raises(InputError) as refused:
        load_params(file)
    message = str(refused.value)
    assert message.startswith(f"{file}: ") and path in message and named in message and "\n" not in message


def test_a_missing_key_is_named():
    content = copy.deepcopy(CONTENT)
    del content["tokenizer"]["heads"]
    with pytest.raises(InputError, match=r"^here: tokenizer\.heads: .*required"):
        parse_params(content, "here")


def test_more_mistakes_are_counted():
    content = changed("tokenizer.width", "a")
    content["tokenizer"]["heads"] = "b"
    with pytest.raises(InputError, match=r"tokenizer\.width: .*\(and 1 more\)"):
        parse_params(content, "here")


@pytest.mark.parametrize(
    "path, value, named",
    [
        ("proxy.levels", [16] * 8, r"proxy: levels .*2\^31"),
        ("data.size", 30, "data.size 30 .*patches.spatial 4"),
        ("data.frames", 16, "data.frames 16 .*patches.temporal 4"),
        (
            "tokenizer",
            CONTENT["tokenizer"] | {"temporal_queries": "per_location", "temporal_tokens": 16},
            "tokenizer.temporal_tokens .*16, .*per_location .*64",
        ),
        ("tokenizer.temporal_tokens", 63, "tokenizer.temporal_tokens .*63, .*8 x 8 .*1, 4, 16, 64"),
        ("tokenizer.spatial_tokens", 9, "tokenizer.spatial_tokens .*9, .*8 x 8 .*1, 4, 16, 64"),
        ("tokenizer.spatial_tokens", 256, "tokenizer.spatial_tokens .*256, .*8 x 8 .*1, 4, 16, 64"),
        ("ablation.matrix.variants", ["full", "fool"], "matrix.variants .*fool, .*full"),
        ("prior_scaling.matrix.sizes", ["small", "smal"], "matrix.sizes .*smal, .*small, base, large"),
        ("prior_scaling.matrix.seeds", [], "prior_scaling.matrix.seeds: "),
    ],
)
def test_geometry_and_names_must_agree(path, value, named):
    with pytest.raises(InputError, match=f"^here: .*{named}") as refused:
        parse_params(changed(path, value), "here")
    assert "\n" not in str(refused.value)


FOLDER = {
    "name": "video_folder", "clips": {"train": 9, "val": None, "test": None}, "frames": 17, "size": 32, "seed": 0,
    "clips_per_shard": None, "root": "clips", "shorter_side": None, "crop": "centre", "captions": None, "max_skipped": 0.1,
    "windows": {"stride": 1, "every": None, "start": "centre"},
    "split": {"by": "group", "pattern": "p[0-9]", "val": ["p1"], "test": 0.2},
}  # fmt: skip


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


@pytest.mark.parametrize("folder", ["reports", "reports/weizmann"])
def test_a_report_folder_lies_in_reports(folder):
    assert parse_params(changed("report.folder", folder), "here").report.folder == folder


def test_indices_of_the_most_codes_still_fit_int32():
    assert len(parse_params(changed("proxy.levels", [2] * 31), "here").proxy.levels) == 31
    with pytest.raises(InputError, match=r"proxy: levels .*2\^31"):
        parse_params(changed("proxy.levels", [2] * 32), "here")


@pytest.mark.parametrize("count", [1, 4, 16, 64])
def test_tokens_may_lie_on_any_grid_that_divides_that_of_the_patches(count):
    content = changed("tokenizer.temporal_tokens", count)
    content["tokenizer"] |= {"temporal_queries": "global", "spatial_tokens": count}
    assert parse_params(content, "here").tokenizer.temporal_tokens == count


def test_files_that_are_no_params(tmp_path):
    file = tmp_path / "params.yaml"
    with pytest.raises(InputError, match=f"{file}"):
        load_params(file)
    for content, named in (
        ("a: [", "YAML"),
        ("- 1\n- 2\n", "mapping .*list"),
        ("", "mapping .*NoneType"),
    ):
        file.write_text(content)
        with pytest.raises(InputError, match=f"{file}.*{named}") as refused:
            load_params(file)
        assert "\n" not in str(refused.value)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=f"{file} .*YAML"):
        load_params(file)


def with_rate(tmp_path, text):
    """The default params, with the rate of the generator as one writes it."""
    lines = (ROOT / "params.yaml").read_text().split("\n")
    at = next(number for number, line in enumerate(lines) if line == "generator:")
    at = next(number for number in range(at, len(lines)) if "lr: " in lines[number])
    lines[at] = re.sub(r"(?<= lr: )[^,]+", text, lines[at])
    file = tmp_path / "params.yaml"
    file.write_text("\n".join(lines))
    return file


@pytest.mark.parametrize("text", ["1e-05", "1e-5", "1E-5", "+1e-5", "1.e-5", ".1e-4", "1.0e-05", "0.00001"])
def test_small_numbers_in_every_spelling(tmp_path, text):
    """DVC writes 1e-05 whatever `dvc exp run -S` was given."""
    assert load_params(with_rate(tmp_path, text)).generator.optimiser.lr == 1e-5


def test_what_dvc_exp_run_writes(tmp_path):
    file = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", file)
    apply_overrides(file, ["generator.optimiser.lr=1e-5", "generator.optimiser.weight_decay=3E-7"])
    optimiser = load_params(file).generator.optimiser
    assert "lr: 1e-05" in file.read_text() and (optimiser.lr, optimiser.weight_decay) == (1e-5, 3e-7)


def test_params_are_read_as_dvc_reads_them():
    text = "a: [010, 0o10, 0x1F, 1_000, 1:30, yes, off, ~, .inf, -.5, 1e5, '1e5', 2020-01-01, 0b1]\nb: &x {c: 1}\nd: {<<: *x}\n"
    assert parse_yaml(text, "here") == as_dvc_reads(text, "here")
    assert parse_yaml(text, "here")["a"][:2] == [10, 8]


def test_a_section_given_twice_is_refused(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text((ROOT / "params.yaml").read_text() + "\njudge: {width: 8}\n")
    with pytest.raises(InputError, match=r'not valid YAML: .*found duplicate key "judge"') as refused:
        load_params(file)
    assert "\n" not in str(refused.value) and "suppress" not in str(refused.value)


def test_yaml_cannot_make_objects(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(f"profile: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    with pytest.raises(InputError, match=f"{file} .*YAML"):
        load_params(file)
    assert not (tmp_path / "made").exists()


def test_params_are_frozen():
    params = parse_params(CONTENT, "here")
    with pytest.raises(ValueError, match="frozen"):
        params.tokenizer.width = 1
    with pytest.raises(ValueError, match="frozen"):
        params.tokenizer = None


def test_a_stage_sees_only_what_it_declares():
    params = stage_params("train_spatial", ROOT / "params.yaml", ROOT / "dvc.yaml")
    assert params.tokenizer.width > 0 and params.train_spatial.clips == "images"
    listed = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train_spatial"]["params"]
    declared = {key.split(".")[0] for key in listed}
    for name in set(Params.model_fields) - set(declared) - {"machine"}:
        with pytest.raises(InputError, match=f"`{name}` .*dvc.yaml"):
            getattr(params, name)


def test_every_stage_of_the_pipeline_loads():
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        params = stage_params(name, ROOT / "params.yaml", ROOT / "dvc.yaml")
        for section in {str(key).split(".")[0] for key in stage.get("params", ())}:
            assert getattr(params, section) is not None


def test_a_mistake_in_any_section_stops_every_stage(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(changed("sampling.top_k", -1)))
    with pytest.raises(InputError, match="sampling.top_k"):
        stage_params("prepare_data", file, ROOT / "dvc.yaml")


def test_unknown_stage():
    with pytest.raises(InputError, match="'fly'; .*prepare_data, build_codebook"):
        stage_params("fly", ROOT / "params.yaml", ROOT / "dvc.yaml")


def test_flat_names_every_value_once():
    flat = stage_params("prepare_data", ROOT / "params.yaml", ROOT / "dvc.yaml").flat()
    data = CONTENT["data"]
    values = {f"data.{name}": value for name, value in data.items() if name not in ("clips", "factors")}
    values |= {f"data.factors.{name}": value for name, value in data["factors"].items()}
    values |= {f"machine.{name}": value for name, value in CONTENT["machine"].items()}
    assert flat == values | {f"data.clips.{split}": count for split, count in data["clips"].items()}


def test_every_stage_may_read_how_the_machine_is_used():
    assert stage_params("train_joint", ROOT / "params.yaml", ROOT / "dvc.yaml").machine.processes == 1
