"""Profiles as overrides: a file with `base: NAME` holds only what differs from the profile NAME beside it.

What it does not say of itself, it gets from its file's name: `profile`, and `report.folder`, so that no profile overwrites the
report of its base.

One rule merges them: mappings merge key by key; everything else (numbers, text, lists) replaces what the base says. A
mapping marked `!replace` also replaces, so the keys that the base has there are gone: for a data set of another kind,
or for fewer ablation variants.
"""

import io
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from sweettok.errors import InputError, on_one_line, refusal

REPLACE = "!replace"
BASE = re.compile(r"^base\s*:", re.M)
FIRST_COMMENTS = re.compile(r"\A(?:#.*\n)*")
SECTION = re.compile(r"\n+((?:#.*\n)*\w+:)")


def read_text(path: str | Path) -> str:
    """The text of a YAML file. Raises InputError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {refusal(error, 'run from the root of the project')}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not valid YAML: no text in UTF-8; save it as such") from error


def parse_yaml(text: str, source: str, yaml: YAML | None = None) -> Any:
    """What a YAML 1.2 text says, as DVC reads it: 1e-05 is a number, 010 is ten, `yes` is a word, no key comes twice.

    yaml: what reads it, by default as plain values. Raises InputError naming `source`.
    """
    try:
        return (yaml or YAML(typ="safe")).load(text)
    except MarkedYAMLError as error:
        raise InputError(f"{source} {_mistake(error)}") from error
    except RecursionError as error:
        raise InputError(f"{source} is not valid YAML: its brackets are nested too deep") from error
    except (YAMLError, ValueError, AttributeError) as error:  # ValueError: a date such as 2020-13-01
        raise InputError(f"{source} is not valid YAML: {on_one_line(error)}; correct or quote it") from error


def _mistake(error: MarkedYAMLError) -> str:
    """The line and what to look for there, in our words: the parser's are those of YAML's grammar."""
    problem, context, mark = error.problem or "", error.context or "", error.problem_mark or error.context_mark
    if twice := re.match(r'found duplicate key "([^"]*)"', problem):
        words = f"the key {twice[1]!r} is given twice; remove one"
    elif tag := re.search(r"constructor for the tag '(!\w+)'", problem):
        words = f"unknown tag {tag[1]!r}; a profile with a base knows {REPLACE}, before a mapping"
    elif r"'\t'" in problem:
        words = "a tab; indent with spaces"
    elif "quoted scalar" in context:
        words, mark = "a quotation mark without its partner", error.context_mark
    elif "flow" in context:
        words, mark = "a bracket without its partner, or a comma is missing", error.context_mark
    elif "mapping values" in problem:
        words = "a colon too many, an indentation that is not that of the line above, or no colon there"
    elif "character" in problem:
        words = "a value that begins with a special character; put it in quotes"
    else:
        words = "compare indentation, colons and dashes with the lines around"
    return f"line {mark.line + 1} is not valid YAML: {words}"


def has_base(path: str | Path) -> bool:
    """Whether a params file is complete only with its base. Raises InputError."""
    return BASE.search(read_text(path)) is not None


def resolved_yaml(path: str | Path) -> str:
    """A params file as YAML with all values: what its base says and it does not is filled in.

    A file without a base comes back as it is. Of the others, layout and comments are those of the last base, except
    for the first comments, which are the file's own. Raises InputError: no such base, a cycle of bases, not YAML, another
    tag than `!replace`, a profile that is not named as its file.
    """
    text = read_text(path)
    if not has_base(path):
        return text
    *overrides, whole = _file_and_bases(Path(path))
    for override in reversed(overrides):
        whole = _merged(whole, override)
    _name_after_file(whole, overrides[0], Path(path))
    stream = io.StringIO()
    _yaml().dump(whole, stream)
    body = FIRST_COMMENTS.sub("", stream.getvalue())
    body = SECTION.sub(r"\n\n\1", body)  # the blank line after a section went with a replaced value
    return "".join(FIRST_COMMENTS.findall(text)) + body


def _yaml() -> YAML:
    """YAML that keeps comments, layout and the way numbers are written."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 10**6
    yaml.representer.add_representer(type(None), lambda own, _: own.represent_scalar("tag:yaml.org,2002:null", "null"))
    return yaml


def _file_and_bases(path: Path) -> list[CommentedMap]:
    """What a file says, what its base says, and so on to the one without a base."""
    known = {file.stem: file for file in sorted(path.parent.glob("*.yaml"))}
    names, contents = [path.stem], [_load(path)]
    while "base" in contents[-1]:
        file, name = path.with_stem(names[-1]), str(contents[-1].pop("base"))
        if name not in known:
            raise InputError(f"{file}: base: no profile {name!r} beside it; known: {', '.join(known)}")
        if name in names:
            raise InputError(f"{file}: base: a cycle, {' -> '.join([*names, name])}")
        names.append(name)
        contents.append(_load(known[name]))
    return contents


def _load(path: Path) -> CommentedMap:
    content = parse_yaml(read_text(path), str(path), _yaml())
    if not isinstance(content, CommentedMap):
        raise InputError(f"{path}: expected a mapping of sections, got {type(content).__name__}")
    _check_tags(content, path)
    return content


def _check_tags(value: Any, path: Path, key: str = "") -> None:
    """Raises InputError for a tag that would go unheeded: one of an unknown name, or on a number, a text or a list."""
    tag = str(getattr(getattr(value, "tag", None), "value", None) or "")
    if tag.startswith("!") and tag != REPLACE:
        raise InputError(f"{path}: {key}: unknown tag {tag}; the only one is {REPLACE}, before a mapping")
    if tag == REPLACE and not isinstance(value, CommentedMap):
        raise InputError(f"{path}: {key}: {REPLACE} stands before a mapping only, all else replaces anyway; remove it")
    below = value.items() if isinstance(value, CommentedMap) else ()
    for name, part in [*below, *(enumerate(value) if isinstance(value, CommentedSeq) else ())]:
        _check_tags(part, path, f"{key}.{name}" if key else str(name))


def _name_after_file(whole: CommentedMap, own: CommentedMap, path: Path) -> None:
    """Fill in what a profile does not say of itself. Raises InputError where it gives itself another name."""
    said = own.get("profile", path.stem)
    if str(said) != path.stem:
        raise InputError(f"{path}: profile: {said!r} is not the file's name; write {path.stem}, or rename the file")
    if "profile" in whole and "profile" not in own:
        whole["profile"] = path.stem
    if "report" not in own and isinstance(whole.get("report"), CommentedMap):
        whole["report"]["folder"] = f"reports/{path.stem}"


def _merged(base: CommentedMap, override: CommentedMap) -> CommentedMap:
    merged = base.copy()
    for key, value in override.items():
        both = isinstance(value, CommentedMap) and isinstance(base.get(key), CommentedMap)
        merged[key] = _merged(base[key], value) if both and value.tag.value != REPLACE else _bare(value)
    return merged


def _bare(value: Any) -> Any:
    """A value without its comments, which may belong to what follows it in its file, and without `!replace`."""
    if isinstance(value, CommentedMap):
        bare: Any = CommentedMap((key, _bare(below)) for key, below in value.items())
    elif isinstance(value, CommentedSeq):
        bare = CommentedSeq(_bare(below) for below in value)
    else:
        return value
    if value.fa.flow_style():
        bare.fa.set_flow_style()
    return bare
