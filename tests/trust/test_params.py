"""Any content of params.yaml: it loads, or one readable line says where it is wrong; never a traceback."""

import copy
import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweettok.errors import InputError
from sweettok.params import load_params, parse_params

ROOT = Path(__file__).parents[2]
CONTENT = yaml.safe_load((ROOT / "params.yaml").read_text())
EXAMPLES = [100, pytest.param(5000, marks=pytest.mark.slow)]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates()
    | st.sampled_from([0, -1, 1, 10**30, float("inf"), float("nan"), "", "../..", "; touch pwned", "$(id)", "x\ny", "\0"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=4,
)


def places(tree, path=()):
    """The paths of all keys."""
    for key, value in tree.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


PLACES = list(places(CONTENT))


def put(path, value):
    """The default params with one value replaced or added."""
    content = copy.deepcopy(CONTENT)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return content


def refusal(read):
    """The one line with which it is refused; None where it loads. Anything but an InputError fails the test."""
    try:
        read()
    except InputError as error:
        message = str(error)
        assert "\n" not in message and "Traceback" not in message and len(message) < 1000
        return message
    return None


def named(message, path):
    """Whether a message leads to a key: by its path or that of a part, or, of a rule between keys, by its name."""
    return any(".".join(map(str, path[:end])) in message for end in range(1, len(path) + 1)) or str(path[-1]) in message


@pytest.mark.parametrize("examples", EXAMPLES)
def test_any_value_at_any_place(record, examples):
    """Any value in the place of any key of params.yaml: it loads, or one line names the key."""
    seen = Counter()

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(PLACES), VALUES)
    def once(path, value):
        message = refusal(lambda: parse_params(put(path, value), "params.yaml"))
        seen["taken" if message is None else "refused"] += 1
        assert message is None or (message.startswith("params.yaml: ") and named(message, path)), (path, value, message)

    once()
    record(seen.total(), 0, **seen)


@pytest.mark.parametrize("path", PLACES, ids=".".join)
def test_a_key_that_is_gone_or_misspelt_is_named(path):
    content = put(path, None)
    place = content
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    gone = refusal(lambda: parse_params(content, "x"))
    # A section that a stage does not load, a key with a default, what a variant may leave as it is, a name of one's own
    of_variant = path[:2] == ("ablation", "variants") and len(path) > 3
    not_run = path[:-1] == ("ablation", "variants") and path[-1] not in CONTENT["ablation"]["matrix"]["variants"]
    beside = path[:-1] == ("tokenizers",) and path[-1] != "sweettok"
    own_name = path[:-1] == ("prior_scaling", "sizes") or not_run or beside
    option = path[0] == "tokenizers" and len(path) > 2  # which the factory itself refuses (tokenizers.registry)
    has_default = path[-1] in ("accumulate", "adam_lr", "probe_clips") or path[0] == "machine"
    free = len(path) == 1 or of_variant or own_name or has_default or option
    assert gone is None if free else named(gone or "", path)
    if own_name or option:
        return
    place[f"{path[-1]}_"] = 1
    misspelt = refusal(lambda: parse_params(content, "x"))
    assert named(misspelt, path)


@pytest.mark.parametrize("section", CONTENT)
def test_a_section_that_is_gone_is_named(tmp_path, section):
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump({name: content for name, content in CONTENT.items() if name != section}))
    assert section in refusal(lambda: load_params(file))


@pytest.mark.parametrize(
    "name, examples",
    [("sprites", 100), ("weizmann", 100), pytest.param("sprites", 5000, marks=pytest.mark.slow)],
)
def test_any_text_and_any_bytes(tmp_path, record, name, examples):
    """A profile, complete or with a base, with any bytes in it: it loads, or one line names the file."""
    seen = Counter()
    shutil.copytree(ROOT / "profiles", tmp_path, dirs_exist_ok=True)
    file = tmp_path / f"{name}.yaml"
    whole = file.read_bytes()

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )  # fmt: skip
    @given(st.binary(max_size=50), st.integers(0, len(whole)), st.integers(0, 50))
    def once(inserted, place, dropped):
        file.write_bytes(whole[:place] + inserted + whole[place + dropped :])
        message = refusal(lambda: load_params(file))
        seen["taken" if message is None else "refused"] += 1
        assert message is None or str(file) in message

    once()
    record(seen.total(), 0, **seen)


@pytest.mark.parametrize(
    "text",
    ["day: 2020-13-45", "a: 0b_", "a: 0x_", "[" * 2000, "a: &a [*a]", "!!python/object/apply:os.system [id]", "? [1]\n: 2",
     "a: !!binary x", "a: 1:99:99", "- 1", "", "%YAML 9.9\n---\na: 1", "\ufeffprofile: x", "1: 2", "a: .inf", "<<: 3"],
)  # fmt: skip
def test_traps_of_yaml(tmp_path, text):
    file = tmp_path / "params.yaml"
    file.write_text(text)
    assert str(file) in refusal(lambda: load_params(file))


@pytest.mark.parametrize("name", ["full; touch pwned", "$(id)", "a b", "../x", "-v", "full\n", "", "a/b"])
def test_a_variant_is_a_name(name):
    variants = CONTENT["ablation"]["variants"] | {name: CONTENT["ablation"]["variants"]["full"]}
    assert "ablation.variants" in refusal(lambda: parse_params(put(("ablation", "variants"), variants), "x"))
    assert "ablation.matrix.variants" in refusal(
        lambda: parse_params(put(("ablation", "matrix", "variants"), [name]), "x")
    )
