"""`make gpu-check`: how much of a GPU's arithmetic trainings use, as a table and as gpu_check.json.

Weights and clips are noise, so that it needs no data, no network and no MLflow: torch, einops, transformers, accelerate, pandas,
pydantic and safetensors.
A part that fails is told, and the others go on; none starts after seven minutes. On a CPU it shows that it works.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from memory_store import random_store
from torch._dynamo.utils import counters
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from sweettok.errors import first_line
from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.sampling import sample
from sweettok.generation.task import PriorTask
from sweettok.language.codebook import Codebook
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import Machine, load_params
from sweettok.training import loop
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.criteria import CodeCriterion, PixelCriterion
from sweettok.training.curriculum import build_tokenizer, code_clips
from sweettok.training.proxy_task import ProxyTask
from sweettok.training.tokenizer_task import TokenizerTask

PROFILES = Path(__file__).parents[2] / "profiles"
ON_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_GPU else "cpu")
SECONDS = 420  # after which no part starts
WARM, TIMED, PROFILED = 8, 20, 10  # steps
CURVE = 50  # steps whose losses are compared with the CPU's
STAGES = ("train_spatial", "train_joint", "finetune_pixels")
# Name -> profile, clips a step, words of each part of speech, trainings.
SIZES = {
    "default": ("sprites", 8, 64, ("proxy", *STAGES, "prior")),
    "default, 256 clips": ("sprites", 256, 64, ("train_joint",)),
    "gpu": ("gpu", 32, 64, ("proxy", *STAGES, "prior")),
    "paper": ("ucf101", 8, 2500, ("train_joint", "prior")),
    "smoke": ("smoke", 2, 16, ("proxy", *STAGES, "prior")),
}


class Rig:
    """Networks and tasks of one size."""

    def __init__(self, profile: str, batch: int, words: int) -> None:
        p = self.params = load_params(PROFILES / f"{profile}.yaml")
        self.batch, self.clips = batch, random_store(batch, "train", clip=(p.data.frames, p.data.size))
        torch.manual_seed(0)
        self.judge = Judge({"class": 2}, p.judge.width).eval().requires_grad_(False)
        self.proxy = ProxyTokenizer(p.proxy, p.patches)
        self.codes = dict.fromkeys(("train", "val"), torch.from_numpy(code_clips(self.proxy, self.clips)))
        clip = p.data.frames, p.data.size
        self.tokenizer = build_tokenizer(p.tokenizer, random_codebook(words), self.proxy, clip)
        self.layout = layout_of(self.tokenizer)

    def prior(self) -> Prior:
        g = self.params.generator
        return Prior(PriorConfig(g.layers, g.heads, g.width, 2, g.label_dropout, self.layout))

    def task(self, training: str, steps: int):
        """(task, its optimiser for so many steps); the losses have all their terms from the first step on."""
        p, both = self.params, (self.clips, self.clips)
        if training == "proxy":
            task, optimiser = ProxyTask(self.proxy, self.judge, *both, 0), p.proxy.optimiser
        elif training == "prior":
            first = torch.tensor([self.layout.allowed(place).start for place in range(self.layout.length)])
            ids = dict.fromkeys(("train", "val"), first.repeat(self.batch, 1))
            task, optimiser = PriorTask(self.prior(), ids, *both, 0), p.generator.optimiser
        else:
            stage = getattr(p, training)
            pixels = stage.target == "pixels"
            criterion = (PixelCriterion if pixels else CodeCriterion)(
                p.pixel_loss if pixels else p.code_loss, self.judge, 0
            )
            task = TokenizerTask(training, self.tokenizer, stage, criterion, *both, self.codes)
            optimiser = stage.optimiser
        task.validate = lambda model: {}
        often = {"steps": steps, "checkpoint_every": steps, "validate_every": steps, "warmup": 1, "accumulate": 1}
        return task, optimiser.model_copy(update=often | {"batch_size": self.batch})


def random_codebook(words: int) -> Codebook:
    """`words` words of each part of speech; each adjective and adverb has three edges."""
    kinds = [part for part in ("adjective", "noun", "adverb", "verb") for _ in range(words)]
    ends = [
        (first + a, first + words + (a + b) % words) for first in (0, 2 * words) for a in range(words) for b in range(3)
    ]
    return Codebook(
        words=[f"{kind}{number}" for number, kind in enumerate(kinds)],
        part_of_speech=kinds,
        vectors=torch.nn.functional.normalize(torch.randn(len(kinds), 384), dim=-1),
        counts=torch.ones(len(kinds), dtype=torch.int64),
        edges=torch.tensor(ends),
        edge_counts=torch.ones(len(ends), dtype=torch.int64),
        provider="drawn",
        fingerprint="0" * 64,
        min_count=dict.fromkeys(kinds, 1),
        max_words=None,
        captions=1,
    )


def now() -> float:
    """Seconds, once the device has computed all it was told to."""
    if ON_GPU:
        torch.cuda.synchronize()
    return time.perf_counter()


def median_ms(call: Callable[[], object], times: int = 10) -> float:
    """Of a call, after one that does not count."""
    call()
    spent = []
    for _ in range(times):
        start = now()
        call()
        spent.append(1e3 * (now() - start))
    return statistics.median(spent)


def measure_ceiling(row: dict) -> None:
    """TFLOP/s of a large bf16 product."""
    side = 8192 if ON_GPU else 256
    a = torch.randn(side, side, device=DEVICE, dtype=torch.bfloat16)
    row["tflops"] = 2 * side**3 / median_ms(lambda: a @ a) / 1e9


def build(rigs: list[Rig], profile: str, batch: int, words: int, row: dict) -> None:
    rigs.append(Rig(profile, batch, words))


def measure_step(rig: Rig, training: str, compiled: bool, folder: Path, row: dict) -> None:
    """Of the training as it is run: milliseconds of a step, TFLOP/s, share of time without a kernel, memory."""
    task, optimiser = rig.task(training, WARM + TIMED + PROFILED + 1)
    task.to(DEVICE)
    batch = {name: value.to(DEVICE) for name, value in task.dataset[torch.arange(rig.batch)].items()}
    with FlopCounterMode(display=False) as counter:
        task.loss(batch, 0)[0].backward()
        task.after_step(0)
    profiler = profile(activities=[ProfilerActivity.CUDA if ON_GPU else ProfilerActivity.CPU])
    marks, after = [now()], task.after_step

    def watched(step: int) -> dict:
        metrics = after(step)
        if step in (WARM, WARM + TIMED):
            marks.append(now())
        if step == WARM + TIMED:
            profiler.start()  # which takes time of its own
            marks.append(now())
        if step == WARM + TIMED + PROFILED:
            marks.append(now())
            profiler.stop()  # before the weights travel back
        return metrics

    task.after_step = watched
    if ON_GPU:
        torch.cuda.reset_peak_memory_stats()
    skipped = counters["inductor"]["cudagraph_skips"]
    loop.train(task, optimiser, 0, Checkpoint(folder / "none.pt", ""), machine=Machine(compile=compiled))
    start, first, second, third, last = marks
    row["warm_up_s"], row["ms"] = first - start, 1e3 * (second - first) / TIMED
    row["tflops"] = counter.get_total_flops() / row["ms"] / 1e9
    if compiled:
        # Muon's step falls back by itself: the log says so.
        row["graphs_not_captured"] = counters["inductor"]["cudagraph_skips"] - skipped
        if task.compute.compiled is None:
            raise RuntimeError("it does not compile; the log says why")
    if ON_GPU:
        kernels = [event for event in profiler.key_averages() if event.device_type == DeviceType.CUDA]
        busy = sum(event.self_device_time_total for event in kernels) / 1e6
        row["idle"], row["memory_gb"] = 1 - busy / (last - third), torch.cuda.max_memory_allocated() / 1e9


def measure_coding(rig: Rig, row: dict) -> None:
    """Clips a second."""
    model, clip = rig.tokenizer.eval().to(DEVICE), rig.clips.clips(range(rig.batch)).to(DEVICE)
    tokens = model.encode(clip)
    row["encoded_per_s"] = 1e3 * rig.batch / median_ms(lambda: model.encode(clip))
    row["decoded_per_s"] = 1e3 * rig.batch / median_ms(lambda: model.decode(tokens))


def measure_sampling(rig: Rig, row: dict) -> None:
    """Seconds for the tokens of 64 clips."""
    prior, labels = rig.prior().eval().to(DEVICE), torch.zeros(64 if ON_GPU else 2, dtype=torch.int64, device=DEVICE)
    settings = rig.params.sampling.candidates[0]
    row["clips"], row["indices"] = len(labels), rig.layout.length
    row["s"] = median_ms(lambda: sample(prior, labels, settings, torch.Generator().manual_seed(0)), 1) / 1e3


def add_up(rig: Rig, rows: list[dict], row: dict) -> None:
    """Seconds of the profile's trainings by its numbers of steps, at the rig's batch; judge, validations and starts left out."""
    ms = {each["part"]: each["ms"] for each in rows if "ms" in each}
    trainings = {name: getattr(rig.params, name).optimiser.steps for name in ("proxy", *STAGES)}
    trainings["prior"] = rig.params.generator.optimiser.steps
    row["s"] = sum(steps * ms[f"default: {name}, eager"] for name, steps in trainings.items()) / 1e3


def losses(precision: str, steps: int, folder: Path) -> list[float]:
    """The first losses of the default's joint training, eager, where accelerate computes."""
    task, optimiser = Rig(*SIZES["default"][:3]).task("train_joint", steps)
    loop.LOG_EVERY = 1
    optimiser = optimiser.model_copy(update={"precision": precision})
    history = loop.train(task, optimiser, 0, Checkpoint(folder / "none.pt", ""), machine=Machine(compile=False))[1]
    return [row["loss"] for row in history if row["split"] == "train"]


def compare_losses(steps: int, folder: Path, row: dict) -> None:
    """Of `losses` here, in fp32 and in bf16, the largest relative distance to those of a CPU."""
    words = [sys.executable, "-m", "bench.gpu_check", "--losses", str(steps)]
    alone = subprocess.run(
        words, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, check=True, timeout=120
    )
    row["cpu"] = json.loads(alone.stdout.splitlines()[-1])
    for precision in ("fp32", "bf16"):
        row[precision] = losses(precision, steps, folder)
        pairs = zip(row[precision], row["cpu"], strict=True)
        row[f"largest_gap_{precision}"] = max(abs(mine - theirs) / abs(theirs) for mine, theirs in pairs)


def run_part(report: "Report", name: str, fill: Callable[[dict], None]) -> None:
    """Have `fill` make a row, unless the time is over; what stops it becomes the row's `error`."""
    row, start = {"part": name}, time.monotonic()
    try:
        if start > report.end:
            raise TimeoutError("no time left")
        fill(row)
    except Exception as error:
        row["error"] = f"{type(error).__name__}: {first_line(error, 300)}"
    row["seconds"] = time.monotonic() - start
    report.add(row)
    shown = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items() if key != "part"}
    print(f"{name:<40}", *(f"{key} {value}" for key, value in shown.items() if not isinstance(value, list)), flush=True)


@dataclass
class Report:
    """The rows so far, written anew after each, so that a kill loses one at most."""

    path: Path
    end: float
    rows: list[dict] = field(default_factory=list)

    def add(self, row: dict) -> None:
        self.rows.append(row)
        if "tflops" in row and "tflops" in self.rows[0]:
            row["of_ceiling"] = row["tflops"] / self.rows[0]["tflops"]
        device = torch.cuda.get_device_name() if ON_GPU else "CPU"
        self.path.write_text(json.dumps({"device": device, "torch": torch.__version__, "rows": self.rows}, indent=1))


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=SIZES, action="append", help="all but smoke where none is named")
    parser.add_argument("--losses", type=int, metavar="STEPS", help="only the losses of so many steps, as JSON")
    parser.add_argument("--json", type=Path, default=Path("gpu_check.json"))
    given = parser.parse_args(words)
    report = Report(given.json, time.monotonic() + SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        if given.losses:
            print(json.dumps(losses("fp32", given.losses, Path(folder))))
            return
        run_part(report, "ceiling", measure_ceiling)
        for name in given.size or [name for name in SIZES if name != "smoke"]:
            profile_name, batch, count, trainings = SIZES[name]
            rigs = list[Rig]()
            run_part(report, f"{name}: build", partial(build, rigs, profile_name, batch, count))
            if not rigs:
                continue
            (rig,) = rigs
            ways = [(training, False) for training in trainings] + [("train_joint", True)]  # to compile takes a minute
            for training, compiled in ways:
                fill = partial(measure_step, rig, training, compiled, Path(folder))
                run_part(report, f"{name}: {training}, {'compiled' if compiled else 'eager'}", fill)
            if "prior" in trainings:
                run_part(report, f"{name}: encode and decode", partial(measure_coding, rig))
                run_part(report, f"{name}: sample", partial(measure_sampling, rig))
            if name == "default":
                run_part(report, f"{name}: all steps of its trainings, eager", partial(add_up, rig, report.rows))
        run_part(report, "losses", partial(compare_losses, CURVE if ON_GPU else 2, Path(folder)))


if __name__ == "__main__":
    main()
