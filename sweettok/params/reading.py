"""Read and validate params files; every mistake is one line with its path and what is allowed there."""

import reprlib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic

from sweettok.errors import InputError
from sweettok.params.overrides import has_base, parse_yaml, read_text, resolved_yaml
from sweettok.params.section import Section
from sweettok.params.whole import UNWATCHED, Params


def _models(annotation: Any) -> list[Any]:
    """The section classes that a field's annotation names, at any depth (optional, union, dict of ...)."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]


def _tags(model: Any) -> set[str]:
    """The strings that a section's Literal fields may be: what tells it from the others of its union."""
    return {value for field in model.model_fields.values() for value in typing.get_args(field.annotation)
            if isinstance(value, str)}  # fmt: skip


def _place(location: tuple[str | int, ...]) -> tuple[str, Any]:
    """Of a pydantic error: the path as written in the YAML (without the union's tag), and the section it lies in."""
    path: list[str] = []
    model: Any = Params
    choices: list[Any] = []
    scalar = False
    for key in location:
        if scalar and isinstance(key, str):  # below a field without sections: the alternative of its union, no key
            continue
        chosen = [choice for choice in choices if key in _tags(choice)]
        if len(choices) > 1 and chosen:  # pydantic inserts the tag of the class it chose
            model, choices = chosen[0], []
            continue
        model = choices[0] if choices else model
        field = getattr(model, "model_fields", {}).get(key)
        choices = _models(field.annotation) if field else []
        scalar = bool(field) and not choices
        path.append(str(key))
    return ".".join(path), model


def _allowed(error: Mapping[str, Any], model: Any) -> str:
    """What could stand at the place of a pydantic error, in words."""
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"unknown key; allowed here: {', '.join(model.model_fields)}"
    if error["loc"][-1:] == ("[key]",):
        return f"name {error['input']!r} may hold only letters, digits, _ and -, the first no -"
    if error["type"] in ("dict_type", "model_type"):
        return f"expected a mapping, got {reprlib.repr(error['input'])}"
    if not error["loc"] or isinstance(error["input"], dict):
        return message
    return f"{message}; got {reprlib.repr(error['input'])}"


def parse_params(content: Any, source: str) -> Params:
    """Validate a parsed YAML tree.

    Raises InputError: one line with the source, the first bad key's path and what is allowed there.
    """
    if not isinstance(content, dict):
        raise InputError(f"{source}: expected a mapping of sections, got {type(content).__name__}")
    try:
        return Params.model_validate(content)
    except pydantic.ValidationError as invalid:
        first = invalid.errors()[0]
        path, section = _place(first["loc"][:-2] if first["loc"][-1:] == ("[key]",) else first["loc"])
        more = f" (and {invalid.error_count() - 1} more)" if invalid.error_count() > 1 else ""
        message = f"{path + ': ' if path else ''}{_allowed(first, section)}"
        raise InputError(f"{source}: {message}{more}") from invalid


def _whole(text: str, source: str) -> Params:
    """Params with all sections."""
    params = parse_params(parse_yaml(text, source), source)
    missing = [name for name, value in params.__dict__.items() if value is None]
    if missing:
        raise InputError(f"{source}: missing section(s) {', '.join(missing)}; compare with profiles/sprites.yaml")
    return params


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and validate params.yaml or a profile, whose base fills in what it does not say (`resolved_yaml`).

    Raises InputError, also where a section is missing.
    """
    source = f"{path} with its base" if has_base(path) else str(path)
    return _whole(resolved_yaml(path), source)


def stage_params(stage: str, path: str | Path = "params.yaml", pipeline: str | Path = "dvc.yaml") -> Params:
    """The sections of params.yaml that dvc.yaml declares for `stage`, and `UNWATCHED`; others raise when touched.

    The whole file is validated first, so a typo anywhere is reported by the first stage that runs. It may have no
    base, whose values DVC would not see. Raises InputError (unknown stage, bad params).
    """
    text = read_text(path)
    _whole(text, str(path))
    stages = parse_yaml(read_text(pipeline), str(pipeline))["stages"]
    if stage not in stages:
        raise InputError(f"{pipeline} has no stage {stage!r}; known: {', '.join(stages)}")
    declared = {str(key).split(".")[0] for key in stages[stage].get("params", ())} | set(UNWATCHED)
    content = parse_yaml(text, str(path))
    return parse_params({name: section for name, section in content.items() if name in declared}, str(path))
