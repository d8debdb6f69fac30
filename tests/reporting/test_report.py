"""The whole report from made-up outputs."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image

from sweettok.errors import InputError
from sweettok.metrics.record import record
from sweettok.reporting import write_report
from sweettok.reporting.claims import load_claims
from sweettok.reporting.collect import collect
from sweettok.reporting.numbers import as_text, headline_numbers
from sweettok.reporting.pictures import frame_places

PICTURES = (
    "forest",
    "reconstruction",
    "retention",
    "ablation",
    "ablation_curves",
    "training",
    "words",
    "semantics",
    "samples",
)
CHARTS = ("forest", "retention", "ablation", "ablation_curves", "training", "words", "semantics")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_everything_is_there(reports: Path):
    names = [
        *(f"T{n}" for n in range(1, 8)),
        "T1_retention",
        "T6_stability",
        "T7_probes",
        "T7_words",
        "codebook_words",
        "codebook_edges",
    ]
    tables = {f"tables/{name}.{suffix}" for name in names for suffix in ("csv", "md", "tex")}
    expected = tables | {f"figures/{name}.png" for name in PICTURES}
    expected |= {f"figures/{name}.svg" for name in CHARTS}
    expected |= {
        "figures/samples.gif",
        "figures/reconstruction.gif",
        "README.md",
        "index.html",
        "results.json",
        "metrics.json",
        "claims.json",
        "summary.md",
        "verdicts.md",
        "plots/ablation.csv",
        "tables/claims.md",
        "tables/claims.csv",
        "tables/claims.tex",
        "tables/learned.csv",
        "tables/learned.tex",
    }
    assert expected <= set(files(reports))
    assert not [name for name in files(reports) if "partial" in name]


def test_again_gives_identical_files(reports: Path, complete_outputs: Path, tmp_path: Path):
    write_report(complete_outputs, tmp_path / "again", "test")
    assert files(tmp_path / "again") == files(reports)


@pytest.mark.parametrize("name", [f"{name}.png" for name in PICTURES] + ["samples.gif", "reconstruction.gif"])
def test_pictures_open_are_small_and_not_blank(reports: Path, name: str):
    path = reports / "figures" / name
    assert path.stat().st_size < 1_000_000
    with Image.open(path) as image:
        assert min(image.size) > 100
        assert np.asarray(image.convert("RGB")).std() > 5


def test_strips_show_original_pixels(reports: Path, complete_outputs: Path):
    """The first frame of the first clip appears, enlarged without smoothing, below the titles."""
    original = np.load(complete_outputs / "reconstruction" / "sweettok" / "strips.npz")["original"][0, 0]
    with Image.open(reports / "figures" / "reconstruction.png") as image:
        picture = np.asarray(image.convert("RGB"))
    rows = picture[24 : 24 + 64 : 2]
    lefts = [left for left in range(picture.shape[1] - 64) if np.array_equal(rows[:, left : left + 64 : 2], original)]
    assert lefts


def test_gif_moves(reports: Path, complete_outputs: Path):
    with Image.open(reports / "figures" / "samples.gif") as gif:
        assert gif.n_frames == 17
        first = np.asarray(gif.convert("RGB"), dtype=int)
        gif.seek(8)
        assert np.abs(np.asarray(gif.convert("RGB"), dtype=int) - first).max() > 50


def test_results_hold_every_record(reports: Path, complete_outputs: Path):
    results = json.loads((reports / "results.json").read_text())
    stored = json.loads((complete_outputs / "reconstruction" / "sweettok" / "summary.json").read_text())
    shown = results["reconstruction"]
    assert shown["judge"] == stored.pop("judge") and shown["left_out"] == stored.pop("left_out")
    assert shown["methods"]["sweettok"] == stored and len(shown["methods"]) == 6
    cell = json.loads((complete_outputs / "ablation" / "lc" / "1" / "summary.json").read_text())
    for usage in cell["codebook"].values():  # word by word they would be most of the file
        usage.pop("counts"), usage.pop("labels", None)
    assert results["ablation"]["lc"]["cells"]["1"] == cell
    words = {"adjective": 90, "noun": 60, "adverb": 20, "verb": 30}
    assert results["codebook"] == {"words": words, "captions": 1234, "provider": "hashed"}
    assert len(results["verdicts"]) == len(load_claims().claims)
    assert results["published"][0]["method"] == "OmniTokenizer"


def test_lists_of_numbers_take_one_line():
    numbers = {"interval": [1.5, -2e-07], "names": ["a", "b [1,\n2]"], "lists": [[1, 2], []], "record": [{"n": 1}]}
    text = as_text(numbers)
    assert json.loads(text) == numbers and '"interval": [1.5, -2e-07]' in text and "[1, 2]" in text
    with pytest.raises(ValueError, match="JSON"):
        as_text({"psnr": float("nan")})


def test_metrics_are_flat_finite_numbers(reports: Path):
    metrics = json.loads((reports / "metrics.json").read_text())
    assert all(isinstance(value, (int, float)) for value in metrics.values())
    assert metrics["reconstruction.sweettok.psnr"] == 24.1
    assert metrics["generation.frechet_video/judge"] == 61.2
    assert metrics["reconstruction.sweettok.usage.temporal"] == 0.75
    assert metrics["probe.temporal.motion"] == 0.7
    assert metrics["judge.accuracy.colour"] == 0.98
    assert metrics["reconstruction.sweettok.retention.motion"] == 0.8
    assert metrics["ablation.full.psnr"] == metrics["reconstruction.full.psnr"]
    assert metrics["reconstruction.full.retention.motion"] == pytest.approx(0.8 * 0.91)  # mean over seeds


def test_a_variant_called_as_a_method_leaves_it_the_name(complete_outputs: Path):
    results = collect(complete_outputs)
    samples = {"generation": {"metrics": {"class_consistency": record(0.5, 32, "generated", 0)}}}
    cells = [
        replace(cell, variant=name, summary=cell.summary | samples)
        for name in ("proxy", "titok")
        for cell in results.cells
        if cell.variant == "lc"
    ]
    numbers = headline_numbers(replace(results, cells=tuple(cells)))
    assert numbers["reconstruction.proxy.psnr"] == 27.3 and "generation.proxy.class_consistency" not in numbers
    assert numbers["generation.titok.class_consistency"] == 0.5 and numbers["generation.class_consistency"] == 0.61


def test_plots_hold_the_curves_without_gaps(reports: Path):
    curve = pandas.read_csv(reports / "plots" / "joint_val.csv")
    assert list(curve.columns) == ["step", "loss", "psnr", "accuracy", "usage_spatial", "usage_temporal"]
    assert curve.notna().all().all()
    assert list(pandas.read_csv(reports / "plots" / "joint_train.csv").columns) == ["step", "loss"]


def test_verdicts_and_thresholds_are_tables_too(reports: Path):
    claims = pandas.read_csv(reports / "tables" / "claims.csv")
    verdicts = {"supported", "contradicted", "equivalent", "inconclusive"}
    assert len(claims) == 9 and set(claims["verdict at this scale"]) <= verdicts
    thresholds = pandas.read_csv(reports / "tables" / "learned.csv")
    passed = dict(zip(thresholds["row"], thresholds["passed"], strict=True))
    assert passed["PSNR above mean colour (dB)"] == "yes" and passed["retention of SweetTok: motion"] == "no"
    assert r"\label{tab:claims}" in (reports / "tables" / "claims.tex").read_text()


def test_page_links_exist_and_verdicts_come_first(reports: Path):
    text = (reports / "README.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) >= 15
    assert all((reports / link).is_file() for link in links)
    assert all(alt for alt in re.findall(r"!\[([^]]*)\]", text))
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert headings[0].startswith("What became of the paper's")
    assert re.findall(r"\(figures/(.+)\)", text)[0] == "forest.png"
    assert "**no**" in text  # the missed threshold of the fixture is not hidden


def test_report_of_a_run_that_has_only_begun(fresh_outputs: Path, tmp_path: Path):
    for part in ("ablation", "generation", "semantics", "reconstruction", "judge", "generator"):
        shutil.rmtree(fresh_outputs / part)
    write_report(fresh_outputs, tmp_path / "reports", "test")
    assert set(files(tmp_path / "reports" / "figures")) == {"training.png", "training.svg"}
    assert "not run" in (tmp_path / "reports" / "README.md").read_text()
    assert json.loads((tmp_path / "reports" / "metrics.json").read_text()) == {}


def test_report_of_nothing(tmp_path: Path):
    (tmp_path / "outputs").mkdir()
    write_report(tmp_path / "outputs", tmp_path / "reports")
    assert "No stage with pictures has run" in (tmp_path / "reports" / "README.md").read_text()


def test_one_seed_and_some_variants(fresh_outputs: Path, tmp_path: Path):
    """The smoke profile: little of everything."""
    for folder in (fresh_outputs / "ablation").glob("*/*"):
        if folder.parts[-2:] not in (("full", "0"), ("lc", "0")):
            shutil.rmtree(folder)
    write_report(fresh_outputs, tmp_path / "reports")
    assert "one seed says nothing of others" in (tmp_path / "reports" / "README.md").read_text()
    assert (tmp_path / "reports" / "figures" / "ablation.png").is_file()


def test_failure_leaves_the_old_report_untouched(fresh_outputs: Path, tmp_path: Path):
    write_report(fresh_outputs, tmp_path / "reports")
    before = files(tmp_path / "reports")
    clips = fresh_outputs / "ablation" / "lc" / "1" / "per_clip.csv"
    clips.write_text(clips.read_text().replace("test-00003", "other-clip"))
    with pytest.raises(InputError, match="lc-1 .*`dvc repro ablation`"):
        write_report(fresh_outputs, tmp_path / "reports")
    assert files(tmp_path / "reports") == before


def test_frame_places():
    assert frame_places(17) == [0, 4, 8, 12, 16]
    assert frame_places(1) == [0]
    assert frame_places(3) == [0, 1, 2]
    assert frame_places(33) == [0, 8, 16, 24, 32]
