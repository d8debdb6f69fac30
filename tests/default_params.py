"""The default params, and the same with one value replaced."""

import copy
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
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
