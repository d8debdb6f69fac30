"""`sweettok compare`: ablation variants side by side, from MLflow."""

from typing import Any

from sweettok.commands.arguments import add_json
from sweettok.errors import InputError

SHOWN = ["psnr", "ssim", "perceptual/judge", "frechet_video/judge"]


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    compare = commands.add_parser("compare", help="ablation variants side by side, newest runs in MLflow")
    compare.add_argument(
        "--metric", action="append", help="column to show (repeatable; default: psnr and the Frechet distances)"
    )
    add_json(compare)
    compare.set_defaults(run=lambda chosen: _compare(chosen.metric, chosen.json))


def _compare(metrics: list[str] | None, as_json: bool) -> None:
    from sweettok.tracking import comparison

    table = comparison()
    if table.empty:
        raise InputError("MLflow has no finished ablation run; run `dvc repro`")
    wanted = metrics or SHOWN
    if unknown := [name for name in wanted if name not in table]:
        raise InputError(f"no metric {', '.join(unknown)}; known: {', '.join(map(str, table.columns))}")
    if as_json:
        print(table[["profile", "variant", "seed", "run_id", *wanted]].to_json(orient="records", indent=1))
        return
    grouped = table.groupby(["profile", "variant"])[wanted]
    print(grouped.agg(["mean", "std", "count"]).round(3).to_string())
