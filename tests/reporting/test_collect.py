"""Reading outputs."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from sweettok.errors import InputError
from sweettok.reporting.collect import TRAININGS, collect


def test_complete_run(complete_outputs: Path):
    results = collect(complete_outputs, "small")
    assert results.profile == "small"
    assert tuple(results.histories) == TRAININGS
    assert len(results.cells) == 21
    assert results.variants[0] == "full"
    assert sorted(results.of_variant("lc")) == [0, 1, 2]
    assert set(results.per_clip.columns) >= {"method", "clip", "psnr"}
    assert results.strips["original"].shape == (8, 17, 32, 32, 3)
    assert list(results.samples["classes"]) == ["slide", "bounce", "rotate", "grow"]
    assert results.codebook.sizes == {"adjective": 90, "noun": 60, "adverb": 20, "verb": 30}
    assert (results.codebook.captions, results.codebook.provider) == (1234, "hashed")
    assert results.codebook.vectors.keys() == results.codebook.parts.keys()


def test_cells_of_another_profile_stay_out(complete_outputs: Path):
    results = collect(complete_outputs, "small", {"full-0", "lc-2", "absent-0"})
    assert [(cell.variant, cell.seed) for cell in results.cells] == [("full", 0), ("lc", 2)]


def test_parts_may_be_absent(fresh_outputs: Path):
    for part in ("ablation", "generation", "semantics", "judge", "codebook"):
        shutil.rmtree(fresh_outputs / part)
    results = collect(fresh_outputs)
    assert results.codebook is None
    assert results.cells == ()
    assert results.generation is results.samples is results.semantics is None
    assert "judge" not in results.histories
    assert results.reconstruction is not None


def test_priors_are_sorted_by_size_and_seed(tmp_path: Path):
    for size, seed in (("small", 1), ("small", 0), ("large", 0)):
        folder = tmp_path / "prior_scaling" / size / str(seed)
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(f'{{"size": "{size}", "seed": {seed}, "parameters": 9, "metrics": {{}}}}')
    found = [(run.size, run.seed) for run in collect(tmp_path).prior_scaling]
    assert found == [("large", 0), ("small", 0), ("small", 1)]


def test_empty_outputs(tmp_path: Path):
    assert collect(tmp_path).reconstruction is None


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("reconstruction/sweettok/summary.json", '{"metrics": '),
        ("reconstruction/proxy/strips.npz", "no archive"),
        ("reconstruction/sweettok/words.json", "["),
        ("joint/history.csv", ""),
        ("codebook/codebook.json", "{"),
        ("codebook/codebook.safetensors", "no tensors"),
        ("codebook/words.csv", ""),
        ("codebook/edges.csv", None),
        ("ablation/full/0/per_clip.csv", None),
    ],
)
def test_damaged_file_is_named(fresh_outputs: Path, file: str, content: str | None):
    if content is None:
        (fresh_outputs / file).unlink()
    else:
        (fresh_outputs / file).write_text(content)
    with pytest.raises(InputError) as error:
        collect(fresh_outputs)
    assert Path(file).name in str(error.value)
    assert "\n" not in str(error.value)


def test_no_outputs(tmp_path: Path):
    with pytest.raises(InputError, match="dvc repro"):
        collect(tmp_path / "absent")


def test_strips_of_short_variants_stand_with_the_others(fresh_outputs: Path):
    strips = collect(fresh_outputs).strips
    assert {"original", "sweettok", "full (ablation)", "coupled (ablation)"} <= set(strips)
    assert len({clips.shape[1:] for clips in strips.values()}) == 1
    assert "coupled (ablation)" not in collect(fresh_outputs, cells={"full-0"}).strips


def test_strips_of_other_clips_are_refused(fresh_outputs: Path):
    np.savez(fresh_outputs / "ablation" / "coupled" / "0" / "strips.npz", clips=np.zeros((8, 5, 16, 16, 3), np.uint8))
    with pytest.raises(InputError, match=r"coupled \(ablation\) .*outputs/reconstruction"):
        collect(fresh_outputs)
