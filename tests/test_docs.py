"""What the pages say can be done can be done: commands parse, Python runs, YAML is valid params, links lead somewhere."""

import ast
import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from sweettok import cli
from sweettok.metrics.protocol import PRESETS
from sweettok.params import load_params
from sweettok.training.cells import cell_tokenizer, cell_trainings

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
VARIABLES = set(re.findall(r"^([A-Z]+) [?:]=", (ROOT / "Makefile").read_text(), re.M))
OTHER_PROGRAMS = {"accelerate", "cd", "export", "git", "pip", "ray", "source", "torchrun"}  # not this project's, so not looked at
MADE_BY_MAKE_BENCH = "reports/bench/README.md"  # of a machine, not in git until someone measures there

name_of = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page, language):
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def commands(page):
    """Each command of the page's shell blocks, as words."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r'^eval "\$\((.*)\)"', r"\1", line)
            words = []
            for word in [*shlex.split(line, comments=True), "&&"]:
                if word not in ("&&", "||", "|", ";"):
                    words.append(word)
                elif words:
                    yield words
                    words = []


def options_of(subcommand):
    (action,) = (action for action in cli.build_parser()._actions if action.dest == "command")
    return action.choices[subcommand]._option_string_actions


@pytest.fixture(scope="module")
def check():
    """words of a command -> an AssertionError, a SystemExit or DVC's own error where it cannot be run."""
    from dvc.cli.parser import get_main_parser

    dvc, sections = get_main_parser(), load_params(ROOT / "params.yaml").flat()

    def check_dvc(words):
        chosen = dvc.parse_args(words)
        if chosen.cmd == "repro":
            unknown = [target for target in chosen.targets if target.partition("@")[0] not in STAGES]
            assert not unknown, f"no such stage: {unknown}"
        for setting in getattr(chosen, "set_param", []):
            assert setting.partition("=")[0] in sections, setting

    def check(words):
        program, *rest = words
        if program == "sweettok":
            cli.build_parser().parse_args(rest)
        elif program == "dvc":
            check_dvc(rest)
        elif program == "make":
            assert {word.partition("=")[0] for word in rest} <= TARGETS | VARIABLES, rest
        elif program == "python":
            assert find_spec(rest[1]) if rest[0] == "-m" else (ROOT / rest[0]).is_file(), rest
        else:
            assert program in OTHER_PROGRAMS, program

    return check


@name_of
def test_shell_commands_can_be_run(page, check):
    for words in commands(page):
        try:
            check(words)
        except SystemExit as ended:
            pytest.fail(f"{page.name}: {shlex.join(words)}: status {ended.code}")


@pytest.mark.parametrize(
    "wrong", ["sweettok encode a --nonsense", "dvc repro train_nothing", "dvc exp run -S joint.steps=1", "make coffee"]
)
def test_the_check_notices_what_cannot(check, wrong):
    with pytest.raises((AssertionError, SystemExit)):
        check(shlex.split(wrong))


@name_of
def test_commands_within_a_line_exist(page, check):
    """They may lack arguments, so that of `sweettok` the subcommand and its options are looked up."""
    for command in re.findall(r"`((?:sweettok|dvc|make) [^`\n]+)`", page.read_text()):
        words = shlex.split(command)
        if words[0] == "sweettok":
            options = options_of(words[1])
            assert all(word.partition("=")[0] in options for word in words[2:] if word.startswith("--")), command
        else:
            check(words)


@pytest.mark.parametrize("page", [page for page in DOCS if blocks(page, "python")], ids=lambda page: page.name)
def test_python_of_the_docs_runs(page, small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(small_run(tmp_path))
    (tmp_path / "reports").mkdir()
    for name in ("results.json", "metrics.json"):
        shutil.copy(ROOT / "reports" / name, tmp_path / "reports")
    names = {"__name__": "__main__"}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@name_of
def test_python_compiles_and_its_imports_resolve(page):
    """Of the README, whose blocks leave `clip` to the reader."""
    for block in blocks(page, "python"):
        tree = ast.parse(block)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(imports, []), str(page), "exec"), {})


def test_the_tokenizer_of_the_docs_is_the_example():
    (shown,) = blocks(ROOT / "docs" / "add-a-tokenizer.md", "python")
    assert shown == (ROOT / "examples" / "my_tokenizer.py").read_text()


@name_of
def test_yaml_is_valid_params(page, tmp_path):
    """A block is a profile, or what params.yaml says of some keys."""
    profiles = shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    for block in blocks(page, "yaml"):
        (profiles / "mine.yaml").write_text(block if "base: " in block else f"base: sprites\n{block}")
        params = load_params(profiles / "mine.yaml")
        for variant in params.ablation.matrix.variants:
            assert cell_tokenizer(params, variant, seed=0).seed == 0 and cell_trainings(params, variant, seed=0)


def anchors(page):
    """The ids that GitHub gives a page's headings, and those that the page gives itself."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    own = set(re.findall(r'<a id="(\w+)"></a>', page.read_text()))
    return own | {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@name_of
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        if "://" in link or path == MADE_BY_MAKE_BENCH:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_names_every_page():
    text = (ROOT / "README.md").read_text()
    assert all(f"](docs/{page.name})" in text for page in DOCS if page.parent.name == "docs")


def test_the_table_of_protocols_is_that_of_the_presets():
    rows = [
        [entry.strip() for entry in line.strip("|").split("|")]
        for line in (ROOT / "docs" / "protocols.md").read_text().splitlines()
        if line.startswith("|")
    ]
    columns, shown = rows[0], {row[0]: row for row in rows[2:]}
    words = {"True": "yes", "False": "no", "None": "all"}
    for name, preset in PRESETS.items():
        values = (str(getattr(preset, column)) for column in columns)
        assert shown.pop(name) == [words.get(value, value) for value in values]
    assert not shown


def test_the_citation_has_what_its_format_requires():
    """Citation File Format 1.2.0: required keys of the file, of persons and of references."""
    content = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert content["cff-version"] == "1.2.0" and content["type"] == "software" and content["message"]
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{content["version"]}"' in project and f'license = "{content["license"]}"' in project
    (paper,) = content["references"]
    assert paper["type"] == "conference-paper" and paper["conference"]["name"] and paper["year"] == 2025
    assert {"type": "other", "value": "arXiv:2412.10443"}.items() <= paper["identifiers"][0].items()
    for work in (content, paper):
        assert work["title"] and work["authors"]
        for author in work["authors"]:
            assert set(author) in ({"name"}, {"family-names", "given-names"}) and all(author.values())


def test_the_changelog_keeps_its_form():
    """keepachangelog.com 1.1.0: a title, versions newest first, and its six kinds of change."""
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    versions = [line for line in lines if line.startswith("## ")]
    kinds = [line.removeprefix("### ") for line in lines if line.startswith("### ")]
    assert lines[0] == "# Changelog" and versions[0] == "## [Unreleased]" and kinds
    assert all(re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions[1:])
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
