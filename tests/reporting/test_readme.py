"""The numbers in the README are those of the committed report."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = {
    "SweetTok": "sweettok",
    "SweetTok* (proxy)": "proxy",
    "trilinear, same bits": "trilinear_bits",
    "mean colour": "mean_colour",
    "copy of the first frame": "copy_first_frame",
}
COLUMNS = ("psnr", "ssim", "perceptual/judge", "frechet_video/judge")


@pytest.mark.parametrize("name", NAMES)
def test_results_table_agrees_with_the_report(name):
    metrics = json.loads((ROOT / "reports/metrics.json").read_text())
    block = (ROOT / "README.md").read_text().split("<!-- results -->")[1]
    row = next(line for line in block.splitlines() if line.startswith(f"| {name.replace('*', chr(92) + '*')} |"))
    shown = [float(number) for number in re.findall(r"\| *([\d.]+) *(?=\|)", row)]
    expected = [round(metrics[f"reconstruction.{NAMES[name]}.{column}"], 2) for column in COLUMNS]
    assert shown[-4:] == pytest.approx(expected, abs=0.0051)


def test_the_picture_is_in_the_report():
    for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / picture).is_file()


@pytest.mark.parametrize("verdict", ["supported", "contradicted", "inconclusive"])
def test_verdicts_are_those_of_the_report(verdict):
    verdicts = json.loads((ROOT / "reports/results.json").read_text())["verdicts"]
    count = sum(claim["verdict"] == verdict for claim in verdicts)
    row = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| **{verdict}** |"))
    assert row.startswith(f"| **{verdict}** | {count} |")
