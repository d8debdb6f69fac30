"""Table cells from metric records and published rows."""

from collections.abc import Collection, Mapping
from typing import Any

from sweettok.reporting.published import Published
from sweettok.reporting.table import Number

UNITS = {
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
    "perceptual/judge": "perceptual/judge",
    "frechet_video/judge": "frechet_video/judge",
    "frechet_image/judge": "frechet_image/judge",
}
METHODS = {
    "sweettok": "SweetTok",
    "proxy": "SweetTok* (proxy, no compression)",
    "mean_colour": "mean colour",
    "copy_first_frame": "copy of the first frame",
    "trilinear_tokens": "trilinear, same number of tokens",
    "trilinear_bits": "trilinear, same bits (8-bit grid values)",
}
CELLS_OF_THEIR_OWN = (
    "by_factor",
    "curve",
    "accuracy",
    "real",
    "chance",
)  # of a record's protocol: numbers, not for a foot note
NOT_I3D = (
    "`.../judge` are distances on features of this project's own judge network, trained on the same data. They are not "
    "FVD, FID or LPIPS, and have no scale in common with the published column."
)


def label_of(method: str) -> str:
    """What a method is called in tables and pictures."""
    return METHODS.get(method, method.replace("_", " "))


def protocol(records: Mapping[str, Mapping[str, Any] | None]) -> dict[str, tuple[str, ...]]:
    """How numbers were made -> the columns made that way, from column -> metric record."""
    made: dict[str, tuple[str, ...]] = {}
    for column, record in records.items():
        if record is not None:
            how = describe(record)
            made[how] = (*made.get(how, ()), column)
    return made


def describe(record: Mapping[str, Any]) -> str:
    """A record without its value, in words: "n = 256, split test, seed 0, extractor judge, ..."."""
    details = [f"n = {record['n']}", f"split {record['split']}"]
    details += [f"seed {record['seed']}"] if record["seed"] is not None else []
    known = {key: value for key, value in sorted(record["protocol"].items()) if key not in CELLS_OF_THEIR_OWN}
    return ", ".join(details + [f"{key} {_brief(value)}" for key, value in known.items()])


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return _protocol(value)
    text = str(value)
    is_digest = len(text) == 64 and not set(text) - set("0123456789abcdef")
    return text[:12] if is_digest else text


def _protocol(fields: Mapping[str, Any]) -> str:
    """A Frechet protocol by name; a published one with all its fields (`own` is what the record says anyway)."""
    if fields["name"] == "own":
        return "own"
    shown = {"clips": "all"} | {key: value for key, value in fields.items() if key != "name" and value is not None}
    return f"{fields['name']} ({', '.join(f'{key} {value}' for key, value in shown.items())})"


def left_out_notes(summary: Mapping[str, Any] | None, kinds: Collection[str]) -> tuple[str, ...]:
    """A line for each metric that params ask for and the run went on without. kinds: "video", "image"."""
    entries = (summary or {}).get("left_out", [])
    return tuple(f"Left out: {entry['metric']}: {entry['why']}." for entry in entries if entry["kind"] in kinds)


def is_of_images(metric: str) -> bool:
    """Whether a metric compares images (T3), not clips (T1)."""
    return metric.startswith(("fid", "frechet_image/"))


def published_cells(row: Published) -> dict[str, Number | str]:
    """The published columns of a row."""
    statement = "statement only" if row.value is None else ""
    return {
        row.metric: Number(row.value, remark=statement, as_printed=True),
        "tokens": Number(row.tokens),
        "source": f"{row.source}; {row.data}",
    }
