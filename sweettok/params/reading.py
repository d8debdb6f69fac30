"""Read and validate params files; every mistake is one line with its path and what is allowed there."""

from pathlib import Path
from typing import Any

import pydantic
import yaml

from sweettok.errors import InputError
from sweettok.params.whole import Params


def _allowed(error: dict[str, Any]) -> str:
    """What could stand at the place of a pydantic error, in words."""
    if error["type"] != "extra_forbidden":
        return (
            f"{error['msg'].removeprefix('Value error, ')}; got {error['input']!r}"
            if error["loc"]
            else error["msg"].removeprefix("Value error, ")
        )
    model: Any = Params
    for key in error["loc"][:-1]:
        fields = getattr(model, "model_fields", {})
        candidates = [fields[key].annotation, *getattr(fields[key].annotation, "__args__", ())] if key in fields else []
        model = next((c for c in candidates if hasattr(c, "model_fields")), None)
    known = ", ".join(getattr(model, "model_fields", ())) or "none"
    return f"unknown key; allowed here: {known}"


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
        path = ".".join(str(part) for part in first["loc"])
        more = f" (and {invalid.error_count() - 1} more)" if invalid.error_count() > 1 else ""
        raise InputError(f"{source}: {path + ': ' if path else ''}{_allowed(first)}{more}") from invalid


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; run from the project's root") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and validate a complete params file. Raises InputError, also where a section is missing."""
    params = parse_params(_read_yaml(Path(path)), str(path))
    missing = [name for name, value in params.__dict__.items() if value is None]
    if missing:
        raise InputError(f"{path}: missing section(s) {', '.join(missing)}; compare with the repository's params.yaml")
    return params


def stage_params(stage: str, path: str | Path = "params.yaml", pipeline: str | Path = "dvc.yaml") -> Params:
    """The sections of params.yaml that dvc.yaml declares for `stage`, validated; others raise when touched.

    The whole file is validated first, so a typo anywhere is reported by the first stage that runs.
    Raises InputError (unknown stage, bad params).
    """
    load_params(path)
    stages = _read_yaml(Path(pipeline))["stages"]
    if stage not in stages:
        raise InputError(f"{pipeline} has no stage {stage!r}; known: {', '.join(stages)}")
    declared = {str(key).split(".")[0] for key in stages[stage].get("params", ())}
    content = _read_yaml(Path(path))
    return parse_params({name: section for name, section in content.items() if name in declared}, str(path))
