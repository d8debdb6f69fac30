"""params.yaml: every profile loads; every mistake is one line with its path and what is allowed; a stage sees its own."""

import copy
import re
import shutil

import pytest
import yaml
from default_params import CONTENT, ROOT, changed
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import parse_yaml as as_dvc_reads

from sweettok.errors import InputError
from sweettok.params import Params, load_params, parse_params, resolved_yaml, stage_params
from sweettok.params.overrides import parse_yaml

PROFILES = [ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml"))]


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
        ("tokenizer.architecture", "magic", "'holistic' or 'hierarchical'; got 'magic'"),
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
        ("judge", 5, "judge: expected a mapping, got 5"),
        ("data.clips", [5], "data.clips: expected a mapping, got [5]"),
        ("tokenizers", {"a b": {}}, "tokenizers: name 'a b' may hold only letters, digits, _ and -"),
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
    line = file.read_text().splitlines().index("judge: {width: 8}") + 1
    with pytest.raises(InputError, match=rf"params\.yaml line {line} .*'judge' is given twice; remove one$"):
        load_params(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb:\n\tc: 1\n", "line 3 .*tab; indent with spaces"),
        ("a: 1\nb: [1, 2\nc: 3\n", "line 2 .*bracket"),
        ("a: {b: 1\n", "line 1 .*bracket"),
        ("a: 1\nb: 'x\nc: 2\n", "line 2 .*quotation mark"),
        ("a: 1\n  b: 2\n", "line 2 .*indentation"),
        ("lr 3\nb: 2\n", "line 2 .*no colon there"),
        ("a: 1\nb: @x\n", "line 2 .*special character; put it in quotes"),
        ("- a\nb: 1\n", "line 2 .*dashes"),
        ("a: 1\nb: !repalce {c: 1}\n", "line 2 .*unknown tag '!repalce'"),
        ("a: 2020-13-01\n", "month"),
        ("[" * 3000, "nested too deep"),
    ],
)
def test_what_is_no_yaml_is_said_in_our_words(text, words):
    with pytest.raises(InputError, match="^mine.yaml .*is not valid YAML: ") as refused:
        parse_yaml(text, "mine.yaml")
    assert re.search(words, str(refused.value)) and "while" not in str(refused.value)


def test_yaml_cannot_make_objects(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(f"profile: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    with pytest.raises(InputError, match=f"{file} .*YAML"):
        load_params(file)
    assert not (tmp_path / "made").exists()


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


def test_every_stage_may_read_how_the_machine_is_used():
    assert stage_params("train_joint", ROOT / "params.yaml", ROOT / "dvc.yaml").machine.processes == 1
