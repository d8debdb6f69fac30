"""The bench report: exponents of known powers, every row on the page, and what is refused."""

import json

import matplotlib.image
import pytest

from sweettok.errors import InputError
from sweettok.reporting.bench import fitted_exponent, joined, main, read_benchmarks, speed_figure, write_report

FACTS = {"cores": 2, "threads": 2, "memory_gb": 24, "torch": "2.13.0", "load_before": 0.1}


def entry(what, size, mean, **extra):
    info = {"what": what, "size": size, "items": 8, "unit": "clips", "peak_mb": 100.0} | extra
    return {"extra_info": info, "stats": {"mean": mean, "stddev": mean / 10, "rounds": 5}}


@pytest.fixture
def raw(tmp_path):
    quality = [
        {"frames": f, "psnr_one_go": 18 - f / 100, "tokens_one_go": 80, "psnr_overlap_4": 18.5, "tokens_overlap_4": 2 * f}
        for f in (17, 33)
    ]  # fmt: skip
    entries = [
        entry("matmul 2048", "", 0.1, gflop=10.0),
        entry("encode", "default", 0.5, gflop=25.0, profile={"mm": 0.75, "copy_": 0.05}),
        entry("decode", "default", 0.25, peak_mb=None, weights_mb=1050.0),
        *(entry("reconstruct", f"{x}", 1e-3 * x**2, curve="resolution", x=x, peak_mb=float(x)) for x in (256, 64, 128)),
        {
            "extra_info": {"quality": quality, "overlaps": [4], "clips": 32, "built_for": 17},
            "stats": {"mean": 9.0, "stddev": 0.0, "rounds": 1},
        },
    ]
    machine = {"cpu": {"brand_raw": "Some CPU"}, "system": "Linux", "python_version": "3.11.7", "sweettok": FACTS}
    path = tmp_path / "raw.json"
    path.write_text(json.dumps({"machine_info": machine, "benchmarks": entries}))
    return path


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 2.0])
def test_the_exponent_of_a_power_is_found(power):
    assert fitted_exponent([(x, 3.0 * x**power) for x in (17, 33, 65, 129)]) == pytest.approx(power, abs=1e-9)


def test_an_exponent_needs_two_points():
    with pytest.raises(ValueError, match=r"\[5, 5\]"):
        fitted_exponent([(5, 1.0), (5, 2.0)])


def test_the_page_has_every_row_rate_and_share(raw, tmp_path):
    write_report(joined([read_benchmarks(raw)]), tmp_path / "bench")
    page = (tmp_path / "bench" / "README.md").read_text()
    rows = [[entry.strip() for entry in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    # 25 GFLOP in 0.5 s are half of 10 GFLOP in 0.1 s
    assert ["encode", "default", "0.500", "0.0500", "16.0 clips", "100", "-", "50%"] in rows
    assert ["decode", "default", "0.250", "0.0250", "32.0 clips", "-", "1,050", "-"] in rows
    assert ["resolution", "64: 4.10, 128: 16.4, 256: 65.5", "2.00", "64.0, 128, 256", "1.00"] in rows
    assert ["33", "17.67", "80", "18.50", "66"] in rows
    assert "Some CPU; 2 cores, 2 threads, 24 GB" in page and "mm 75%, copy_ 5%" in page
    assert "run at 100 GFLOP/s in fp32" in page


def test_results_and_pictures(raw, tmp_path):
    main([str(raw), str(tmp_path / "bench")])
    results = json.loads((tmp_path / "bench" / "results.json").read_text())
    assert results["exponents"]["resolution"] == {"time": pytest.approx(2.0), "memory": pytest.approx(1.0)}
    assert len(results["rows"]) == 6 and results["quality"][1]["frames"] == 33
    assert {path.name for path in (tmp_path / "bench").glob("*.png")} == {"speed.png", "scaling.png", "quality.png"}
    for path in (tmp_path / "bench").glob("*.png"):
        picture = matplotlib.image.imread(path)
        assert picture.shape[0] > 150 and picture.std() > 0.01


def test_networks_and_goals_stand_on_the_page(raw, tmp_path):
    content = json.loads(raw.read_text())
    facts = {"weights_mb": 600.0, "parameters": 150e6, "tokens": 1280, "bits": 17184.6, "gflop": 100.0}
    for network, mean in (("ours, a", 2.0), ("authors' SweetTok", 5.0)):
        content["benchmarks"] += [
            entry(f"{way}: {network}", "17x256x256, fp32", mean, network=network, **facts)
            for way in ("encode", "decode")
        ]
    content["benchmarks"] += [
        entry(f"reconstruct, {way}", "17x128x128", mean) for way, mean in (("ours", 1.0), ("plain", 3.0))
    ]
    raw.write_text(json.dumps(content))
    write_report(joined([read_benchmarks(raw)]), tmp_path / "bench")
    page = (tmp_path / "bench" / "README.md").read_text()
    row = "| ours, a | 17x256x256, fp32 | 2.00 | 2.00 | 700 | 150 | 1,280 | 17,185 | 100 + 100 | 50% + 50% |"
    assert row in page and "| encode: ours, a |" not in page
    assert "- ours, a, fp32: times as fast as the authors' code: 2.50 (goal: at least 2.0), reached" in page
    assert "- ours, a, fp32: share of the authors' peak memory: 1.00 (goal: at most 0.6), missed" in page
    assert "- 17x128x128, ours: times as fast as the plain implementation: 3.00 (goal: at least 2.0), reached" in page


def test_each_panel_of_the_speeds_compares_something(raw):
    content = json.loads(raw.read_text())
    sizes = [f"size {number}" for number in range(12)]  # more than there are colours
    content["benchmarks"] += [entry(way, size, 1.0) for size in sizes for way in ("encode", "decode")]
    content["benchmarks"] += [entry(f"{way}: LARP", "16x128x128", 1.0, network="LARP") for way in ("encode", "decode")]
    raw.write_text(json.dumps(content))
    panels = speed_figure(read_benchmarks(raw)).axes
    assert [panel.get_title() for panel in panels] == ["default", *sizes]  # one network alone compares nothing
    assert all(len(panel.patches) == 2 for panel in panels)


def test_without_a_trained_model_there_is_no_quality(raw, tmp_path):
    content = json.loads(raw.read_text())
    content["benchmarks"].pop()
    raw.write_text(json.dumps(content))
    write_report(joined([read_benchmarks(raw)]), tmp_path / "bench")
    assert "Quality" not in (tmp_path / "bench" / "README.md").read_text()
    assert not (tmp_path / "bench" / "quality.png").exists()


@pytest.mark.parametrize("content", ["{}", "[]", '{"machine_info": {"system": "x"}, "benchmarks": []}'])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "raw.json").write_text(content)
    with pytest.raises(InputError, match="raw.json .*`make bench`"):
        read_benchmarks(tmp_path / "raw.json")
    with pytest.raises(SystemExit, match="error: .*raw.json"):
        main([str(tmp_path / "raw.json"), str(tmp_path / "bench")])


def test_a_row_measured_again_replaces_the_first(raw, tmp_path):
    content = json.loads(raw.read_text())
    content["benchmarks"] = [entry("encode", "default", 0.25), entry("encode", "new", 4.0)]
    again = tmp_path / "again.json"
    again.write_text(json.dumps(content))
    main([str(raw), str(again), str(tmp_path / "bench")])
    rows = json.loads((tmp_path / "bench" / "results.json").read_text())["rows"]
    assert {row["size"]: row["mean"] for row in rows if row["what"] == "encode"} == {"default": 0.25, "new": 4.0}
    page = (tmp_path / "bench" / "README.md").read_text()
    assert len(rows) == 7 and "measured in 2 runs" in page and "quality.png" in page


def test_runs_of_two_machines_are_not_joined(raw, tmp_path):
    content = json.loads(raw.read_text())
    content["machine_info"]["sweettok"]["threads"] = 8
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    with pytest.raises(InputError, match="threads"):
        joined([read_benchmarks(raw), read_benchmarks(other)])
