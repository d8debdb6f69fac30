"""Outputs as the stages write them, with made-up but plausible numbers."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from safetensors.numpy import save_file

from sweettok.metrics.record import record
from sweettok.reporting import write_report

CLIPS, FRAMES, SIZE = 32, 17, 32
CLASSES = ["slide", "bounce", "rotate", "grow"]
PSNR = {
    "full": 22.4,
    "coupled": 21.6,
    "downsample": 20.3,
    "learned_codebook": 22.3,
    "lc": 22.1,
    "shuffled_words": 22.4,
    "end_to_end": 19.0,
}
METHOD_PSNR = {
    "sweettok": 24.1,
    "proxy": 27.3,
    "mean_colour": 18.9,
    "copy_first_frame": 19.4,
    "trilinear_tokens": 21.0,
    "trilinear_bits": 22.2,
}
SHA = "ab" * 32
FACTORS = {"colour": (0.98, 0.2, 0.96), "motion": (0.96, 0.25, 0.8)}  # accuracy on real clips, chance, retention


def metrics_at(psnr: float, seed: int | None) -> dict:
    judge = {"extractor": "judge", "weights_sha256": SHA, "resolution": SIZE, "frames": FRAMES}
    badness = 30.0 - psnr
    return {
        "psnr": record(psnr, CLIPS, "test", seed, (psnr - 0.4, psnr + 0.4), resolution=SIZE, frames=FRAMES),
        "ssim": record(0.5 + psnr / 80, CLIPS, "test", seed, (0.4, 0.9), resolution=SIZE, frames=FRAMES),
        "perceptual/judge": record(badness / 50, CLIPS, "test", seed, (badness / 55, badness / 45), **judge),
        "frechet_video/judge": record(badness**2, CLIPS, "test", seed, **judge, covariance="sample"),
        "frechet_image/judge": record(badness**1.5, CLIPS, "test", seed, **judge, covariance="sample"),
    }


def judged(scale: float | None = None) -> dict:
    """The judge's accuracy on real clips by factor, or with a scale what a method retains of it, times the scale."""
    common = {"extractor": "judge", "weights_sha256": SHA, "resolution": SIZE, "frames": FRAMES}
    records = {}
    for name, (real, chance, kept) in FACTORS.items():
        value, facts = real, common | {"chance": chance}
        if scale is not None:
            value = min(1.0, kept * scale)
            facts |= {"accuracy": value * real, "real": real}
        records[name] = record(value, CLIPS, "test", 0, (value - 0.05, value + 0.02), **facts)
    return records


def codebook(generator: np.random.Generator) -> dict:
    groups = {"spatial": ["red", "square", "small", "dotted"], "temporal": ["slides", "slowly", "turns", "grows"]}
    return {
        group: {
            "words": 40,
            "used": 30,
            "usage": 0.75,
            "perplexity": 17.5,
            "counts": [*map(int, generator.zipf(1.4, 30).clip(max=5000)), *[0] * 10],
            "labels": [f"{words[index % 4]}{index // 4 or ''}" for index in range(40)],
        }
        for group, words in groups.items()
    }


def moving_squares(generator: np.random.Generator, n: int, blur: int = 0) -> np.ndarray:
    """uint8 (n, T, H, W, 3)."""
    clips = np.zeros((n, FRAMES, SIZE, SIZE, 3), dtype=np.uint8)
    for clip in clips:
        clip[:] = generator.integers(0, 90, 3) + generator.integers(0, 25, (SIZE, SIZE, 1))
        colour, top, side = (
            generator.integers(120, 255, 3),
            int(generator.integers(0, 20)),
            int(generator.integers(6, 12)),
        )
        for time, frame in enumerate(clip):
            frame[top : top + side, time : time + side] = colour
    if blur:
        small = clips.reshape(n, FRAMES, SIZE // blur, blur, SIZE // blur, blur, 3).mean(axis=(3, 5))
        clips = small.repeat(blur, axis=2).repeat(blur, axis=3).astype(np.uint8)
    return clips


def history(generator: np.random.Generator, columns: dict[str, float], steps: int = 400) -> pandas.DataFrame:
    rows = []
    for step in range(20, steps + 1, 20):
        rows.append({"step": step, "split": "train", "loss": 3 * np.exp(-step / 150) + 0.2 * generator.random()})
        if step % 80 == 0:
            reached = {name: best * (1 - np.exp(-step / 120)) for name, best in columns.items()}
            rows.append({"step": step, "split": "val", "loss": 3 * np.exp(-step / 150) + 0.3, **reached})
    return pandas.DataFrame(rows)


def per_clip(generator: np.random.Generator, psnr: float, difficulty: np.ndarray) -> pandas.DataFrame:
    values = psnr + difficulty + 0.1 * generator.normal(size=CLIPS)
    clips = [f"test-{index:05d}" for index in range(CLIPS)]
    table = {"clip": clips, "psnr": values, "ssim": 0.5 + values / 80, "perceptual": (30 - values) / 50}
    return pandas.DataFrame(table)


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pandas.DataFrame):
        content.to_csv(path, index=False)
    else:
        path.write_text(json.dumps(content), encoding="utf-8")


def write_outputs(folder: Path) -> Path:
    """A complete run: three seeds of every variant."""
    generator = np.random.default_rng(0)
    splits = {
        split: {"shape": [n, FRAMES, SIZE, SIZE, 3]} for split, n in (("train", 64), ("val", 32), ("test", CLIPS))
    }
    write(folder / "data" / "store.json", {"schema": 1, "dataset": "sprites", "classes": CLASSES, "splits": splits})
    write_codebook(folder / "codebook")
    measured = {
        "judge": {"accuracy_class": 0.9, "accuracy_shape": 0.8},
        "proxy": {"psnr": 27.0, "usage": 0.9},
        "spatial": {"psnr": 22.0, "accuracy": 0.3, "usage_spatial": 0.8},
        "joint": {"psnr": 21.0, "accuracy": 0.25, "usage_spatial": 0.8, "usage_temporal": 0.7},
        "pixels": {"psnr": 24.0},
        "generator": {"accuracy": 0.2},
    }
    for training, columns in measured.items():
        write(folder / training / "history.csv", history(generator, columns))
    write_reconstruction(folder / "reconstruction", generator)
    write_generation(folder / "generation", generator)
    write_semantics(folder / "semantics")
    difficulty = generator.normal(size=CLIPS)
    for variant, psnr in PSNR.items():
        for seed in range(3):
            write_cell(folder / "ablation" / variant / str(seed), variant, seed, psnr, difficulty)
    return folder


def write_codebook(folder: Path) -> None:
    """Two hundred words, of which words.csv lists twelve adjectives and one of each other part of speech."""
    parts = {"adjective": ("red", "small", "dotted"), "noun": ("square",), "adverb": ("slowly",)}
    parts["verb"] = ("slides", "turns", "grows")
    sizes = {"adjective": 90, "noun": 60, "adverb": 20, "verb": 30}
    words = [
        f"{stem}{n or ''}" for part, stems in parts.items() for stem in stems for n in range(sizes[part] // len(stems))
    ]
    description = {"schema": 2, "provider": "hashed", "captions": 1234, "words": words}
    part_of_speech = [part for part, size in sizes.items() for _ in range(size)]
    write(folder / "codebook.json", description | {"part_of_speech": part_of_speech})
    vectors = np.random.default_rng(3).normal(size=(len(words), 8)).astype(np.float32)
    save_file({"vectors": vectors / np.linalg.norm(vectors, axis=1, keepdims=True)}, folder / "codebook.safetensors")
    words = [("adjective", rank, f"red{rank}", 1000 - rank) for rank in range(1, 13)]
    words += [("noun", 1, "null", 800), ("adverb", 1, "slowly", 70), ("verb", 1, "turn", 60)]
    edges = [("adjective-noun", 1, "red1", "null", 42), ("adjective-noun", 2, "red2", "null", 41)]
    edges += [("adverb-verb", 1, "slowly", "turn", 7)]
    write(folder / "words.csv", pandas.DataFrame(words, columns=["part_of_speech", "rank", "word", "count"]))
    write(folder / "edges.csv", pandas.DataFrame(edges, columns=["link", "rank", "first", "second", "count"]))


def write_cell(folder: Path, variant: str, seed: int, psnr: float, difficulty: np.ndarray) -> None:
    generator = np.random.default_rng([seed, *variant.encode()])
    table = per_clip(generator, psnr + 0.05 * generator.normal(), difficulty)
    stages = [history(generator, {"psnr": psnr}).assign(stage=stage) for stage in ("joint", "pixels")]
    stages[1]["step"] += 400  # a cell's steps run on through its trainings (cells.train_cell)
    summary = {
        "variant": variant,
        "seed": seed,
        "metrics": metrics_at(float(table["psnr"].mean()), seed),
        "retention": judged(scale=0.9 + 0.01 * seed),
        "tokens": 80,
        "indices": 80,
        "bits": 512.0,
        "codebook": codebook(generator),
        "parameters": 123456,
        "operations": 1_500_000,
        "steps": 800,
        "mean_colour_psnr": 18.0,
    }
    write(folder / "summary.json", summary)
    write(folder / "per_clip.csv", table)
    write(folder / "history.csv", pandas.concat(stages))
    np.savez(folder / "strips.npz", clips=moving_squares(generator, 8, blur=4))


def write_reconstruction(folder: Path, generator: np.random.Generator) -> None:
    """A folder for each method, with tables and pictures of its own."""
    methods = {
        name: {"metrics": metrics_at(psnr, 0), "tokens": None, "indices": None, "bits": 24.0, "codebook": None}
        for name, psnr in METHOD_PSNR.items()
    }
    for method in methods.values():
        method |= {"retention": {}, "judge": {"accuracy": judged()}, "left_out": []}
    for place, name in enumerate(("proxy", "sweettok", "trilinear_tokens", "trilinear_bits", "mean_colour")):
        methods[name]["retention"] = judged(scale=1.2 - 0.2 * place)
    methods["sweettok"] |= {"tokens": 80, "indices": 80, "bits": 512.5, "codebook": codebook(generator)}
    methods["proxy"] |= {"tokens": 320, "indices": 320, "bits": 2880.0}
    original = moving_squares(generator, 8)
    tables = np.random.default_rng(2)
    difficulty = tables.normal(size=CLIPS)
    for place, (name, method) in enumerate(methods.items()):
        write(folder / name / "summary.json", method)
        write(folder / name / "per_clip.csv", per_clip(tables, METHOD_PSNR[name], difficulty))
        blurred = moving_squares(np.random.default_rng(1), 8, blur=2 ** (place % 3 + 1))
        np.savez(folder / name / "strips.npz", original=original, clips=blurred)
    words = {"spatial": ["red", "square", "red", "dotted"], "temporal": ["slides", "slowly", "slides", "grows3"]}
    clips = [{"clip": f"test-{n:05d}", "caption": f"a red square, number {n}", "words": words} for n in range(8)]
    groups = {"spatial": [{"side": 2, "latent_frames": [0]}], "temporal": [{"side": 2, "latent_frames": [1, 2, 3, 4]}]}
    places = {"frames": [[0, 1], [1, 5], [5, 9], [9, 13], [13, 17]], "groups": groups}
    write(folder / "sweettok" / "words.json", {"places": places, "clips": clips})


def write_generation(folder: Path, generator: np.random.Generator) -> None:
    facts = {"extractor": "judge", "weights_sha256": SHA}
    metrics = {
        "frechet_video/judge": record(61.2, 32, "generated vs test", 0, **facts),
        "frechet_video/judge:reconstruction": record(33.3, 32, "reconstructed vs test", **facts),
        "frechet_video/judge:train_vs_test": record(4.2, 32, "train vs test", **facts),
        "class_consistency": record(0.61, 32, "generated", 0, (0.5, 0.7), **facts),
        "class_accuracy_real": record(0.93, 32, "test", None, (0.9, 0.95), **facts),
    }
    write(folder / "summary.json", {"metrics": metrics, "sampling": {"guidance": 1.25}, "parameters": 1234567})
    labels = np.arange(12) % len(CLASSES)
    np.savez(folder / "samples.npz", samples=moving_squares(generator, 12), labels=labels, classes=np.array(CLASSES))


def write_semantics(folder: Path) -> None:
    few_shot = [
        {"task": task, "ways": 4, "shots": shots, "representation": name,
         "accuracy": record(best * (0.7 + 0.06 * shots), 200, "test", 0, classifier="nearest mean")}
        for task in ("image", "action")
        for shots in (1, 5)
        for name, best in (("words", 0.6), ("pixels", 0.5), ("judge", 0.95))
    ]  # fmt: skip
    average = [
        {"task": task, "representation": "words", "accuracy": record(value, 200, "test", 0, (0.4, 0.6)), "chance": 0.25}
        for task, value in (("image", 0.51), ("action", 0.52))
    ]
    told = {"language_model": "some/model", "weights_sha256": SHA}
    in_context = [
        {"task": "action", "ways": 4, "shots": 1, "accuracy": record(0.31, 50, "test", 0, (0.2, 0.4), **told)}
    ]
    kinds = {"shape": "appearance", "motion": "motion", "colour": "appearance"}
    known = {"shape": (0.6, 0.3), "motion": (0.25, 0.7), "colour": (0.9, 0.3)}
    probes = [
        {"tokens": tokens, "factor": f"factor:{factor}", "kind": kinds[factor],
         "accuracy": record(value, 32, "test", 0, (value - 0.1, value + 0.1)), "chance": 0.2}
        for factor, values in known.items()
        for tokens, value in zip(("spatial", "temporal"), values, strict=True)
    ]  # fmt: skip
    differences = [
        {"factor": name, "kind": kind, "difference": record(value, 32, "test", 0, (value - 0.1, value + 0.1))}
        for name, kind, value in (("all appearance", "appearance", 0.45), ("all motion", "motion", -0.45))
    ]
    information = [
        {"tokens": tokens, "part_of_speech": part, "lemmas": 40, "information": 1.0 + value, "null": 1.0,
         "p_value": 0.01, "excess": record(value, 32, "test", 0, (value - 0.05, value + 0.05), permutations=99)}
        for tokens, part, value in (("spatial", "noun", 0.25), ("temporal", "verb", 0.02))
    ]  # fmt: skip
    skipped = [{"metric": "in context: image, 4-way 1-shot", "kind": "words", "why": "the prompt is too long"}]
    rows = {"few_shot": few_shot, "few_shot_average": average, "in_context": in_context, "probes": probes}
    rows |= {"probe_differences": differences, "mutual_information": information, "left_out": skipped}
    write(folder / "summary.json", rows)


@pytest.fixture(scope="session")
def complete_outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read-only outputs of a complete run."""
    return write_outputs(tmp_path_factory.mktemp("run") / "outputs")


@pytest.fixture(scope="session")
def reports(complete_outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of `complete_outputs`, to be read only."""
    folder = tmp_path_factory.mktemp("reports")
    write_report(complete_outputs, folder, "test")
    return folder


@pytest.fixture
def fresh_outputs(tmp_path: Path) -> Path:
    """The same, to be changed by a test."""
    return write_outputs(tmp_path / "outputs")
