"""outputs/reconstruction: a folder for each tokenizer that has been measured, gathered for the report."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sweettok.storage import read_json

JUDGE_ACCURACY = 0.95  # on real clips, of each factor below: else its retention says little
MIN_RETENTION = {  # factor -> what SweetTok and the proxy must keep of it
    **dict.fromkeys(("colour", "background", "tint", "light", "speed", "motion"), {"sweettok": 0.9, "proxy": 0.95}),
    **dict.fromkeys(("shape", "size", "texture"), {"sweettok": 0.8, "proxy": 0.95}),
    "manner": {"sweettok": 0.6, "proxy": 0.85},
}
MIN_GAINS = (  # PSNR of the first above that of the second: dB
    ("PSNR above mean colour (dB)", "sweettok", "mean_colour", 2.5),
    ("PSNR above copy first frame (dB)", "sweettok", "copy_first_frame", 2.5),
    ("PSNR above trilinear at the same bits (dB)", "sweettok", "trilinear_bits", 1.0),
    ("PSNR of the proxy above the main model (dB)", "proxy", "sweettok", 2.0),
)
MIN_USAGE = 0.5
RETENTION_BAR = {
    "sweettok": "retention of SweetTok: ",
    "proxy": "retention of the proxy: ",
}  # method -> threshold, less its factor

Records = dict[str, dict[str, Any]]  # factor -> metric record


def measured(folder: Path, names: Collection[str] | None) -> dict[str, Path]:
    """Name -> folder of each tokenizer that has been measured, in the order of `names`. None: all there are, ours first.

    Folders that `names` does not list are another profile's, or of a tokenizer that params no longer have.
    """
    found = {path.parent.name: path.parent for path in sorted(folder.glob("*/summary.json"))}
    if names is None:
        names = sorted(found, key=lambda name: (name != "sweettok", name != "proxy", name))
    return {name: found[name] for name in names if name in found}


def gather(folders: dict[str, Path]) -> dict[str, Any] | None:
    """methods (name -> summary), the judge's accuracy by factor, the learned-at-all thresholds, and what was left out.

    None where nothing has been measured. Raises InputError (a damaged file).
    """
    if not folders:
        return None
    methods = {name: read_json(folder / "summary.json") for name, folder in folders.items()}
    judge = [method.pop("judge") for method in methods.values()][0]  # the same for all
    skipped = [entry for method in methods.values() for entry in method.pop("left_out")]
    unique = list({(entry["metric"], entry["why"]): entry for entry in skipped}.values())
    thresholds = [*learned_thresholds(methods), *retention_thresholds(judge["accuracy"], methods)]
    return {"methods": methods, "judge": judge, "learned": thresholds, "left_out": unique}


def learned_thresholds(methods: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Has the main model learned at all? Against the baselines that have been measured."""
    psnr = {name: method["metrics"]["psnr"]["value"] for name, method in methods.items()}
    for name, better, worse, required in MIN_GAINS:
        if better in psnr and worse in psnr:
            yield _threshold(name, psnr[better] - psnr[worse], required)
    for group, counts in (methods.get("sweettok", {}).get("codebook") or {}).items():
        yield _threshold(f"share of {group} words in use on validation clips", counts["usage"], MIN_USAGE)


def retention_thresholds(accuracy: Records, methods: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Does the judge see the factors of real clips, and of reconstructions? For the factors that the data have.

    accuracy: of the judge on real clips. A factor without retention counts as lost: 0.
    """
    known = [factor for factor in MIN_RETENTION if factor in accuracy]
    for name in known:
        yield _threshold(f"judge's accuracy on real clips: {name}", accuracy[name]["value"], JUDGE_ACCURACY)
    for method, bar in RETENTION_BAR.items():
        for name in known if method in methods else ():
            kept = methods[method]["retention"].get(name, {"value": 0.0})
            yield _threshold(bar + name, kept["value"], MIN_RETENTION[name][method])


def _threshold(name: str, value: float, required: float) -> dict[str, Any]:
    return {"bar": name, "value": value, "required": required, "passed": value >= required}
