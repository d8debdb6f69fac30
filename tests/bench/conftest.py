"""What is measured, at which sizes, and how: time by pytest-benchmark, peak memory by the kernel, operations by torch."""

import contextlib
import ctypes
import gc
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import pytest
import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from sweettok.language.codebook import Codebook
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import Params, load_params
from sweettok.tokenizers.registry import open_tokenizer
from sweettok.training.curriculum import build_tokenizer, save_proxy
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore

ROOT = Path(__file__).parents[2]
CLIPS = 16  # in the store


@dataclass(frozen=True)
class Size:
    """A configuration, clips in a batch, and words of each part of speech."""

    name: str
    params: Params
    batch: int
    words: int


def _larger() -> Params:
    """The default with twice the resolution, width and depth, four times the tokens and eight times the words."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tree["data"]["size"] = 64
    tree["judge"]["width"] = 32
    tree["proxy"] |= {"width": 128, "encoder_blocks": 2, "decoder_blocks": 10}
    tree["tokenizer"] |= {"width": 128, "spatial_depth": 2, "temporal_depth": 2}
    tree["tokenizer"] |= {"spatial_tokens": 64, "temporal_tokens": 256}
    tree["generator"] |= {"layers": 6, "heads": 8, "width": 256}
    return Params.model_validate(tree)


DEFAULT = Size("default", load_params(ROOT / "params.yaml"), batch=8, words=64)
LARGER = Size("larger", _larger(), batch=8, words=512)


@pytest.fixture(scope="module", params=[DEFAULT, pytest.param(LARGER, marks=pytest.mark.slow)], ids=lambda s: s.name)
def size(request):
    return request.param


@pytest.fixture(scope="module")
def data(size, tmp_path_factory):
    """The folder of a store."""
    folder = tmp_path_factory.mktemp("bench") / "data"
    sizes = size.params.data.clips.model_copy(update={"train": CLIPS, "val": size.batch, "test": 1})
    prepare(size.params.data.model_copy(update={"clips": sizes}), folder)
    return folder


@pytest.fixture(scope="module")
def stores(data):
    return {split: ClipStore.open(data, split) for split in ("train", "val")}


@pytest.fixture(scope="module")
def clip(stores, size):
    return stores["train"].clips(range(size.batch))


@pytest.fixture(scope="module")
def judge(size):
    return Judge({"class": len(size.params.data.factors.motion)}, size.params.judge.width).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def proxy(size):
    return ProxyTokenizer(size.params.proxy, size.params.patches).eval()


@pytest.fixture(scope="module")
def codebook(size, vocabulary_of) -> Codebook:
    return vocabulary_of(size.words, size.words, size.words, size.words)


@pytest.fixture
def tokenizer(size, codebook, proxy):
    clip = size.params.data.frames, size.params.data.size
    return build_tokenizer(size.params.tokenizer, codebook, proxy, clip).eval()


@pytest.fixture(scope="module")
def opened(size, data, codebook, proxy, tmp_path_factory):
    """name -> the tokenizer of that name in params.tokenizers, on outputs with random weights."""
    work, clip = tmp_path_factory.mktemp("opened"), (size.params.data.frames, size.params.data.size)
    (work / "outputs").mkdir()
    (work / "outputs" / "data").symlink_to(data)
    save_proxy(work / "outputs" / "proxy", proxy, {}, [])
    build_tokenizer(size.params.tokenizer, codebook, proxy, clip).save(work / "outputs" / "pixels")

    @cache
    def of(name):
        with contextlib.chdir(work):
            return open_tokenizer(name, size.params.tokenizers, *clip)

    return of


@pytest.fixture
def measured(benchmark):
    """Run a function under the benchmark and return what it returned, with the facts of the report attached.

    what: row of the report; at: the size; items and unit: what one call gets done, e.g. 8 clips; rounds: a fixed number
    of calls where one takes seconds; operations: count floating-point operations, and the share of time by kind.
    Other facts go into the report as they are.
    """

    def run(what, function, *, at, items=None, unit="clips", rounds=None, operations=False, **facts):
        result = benchmark.pedantic(function, rounds=rounds) if rounds else benchmark(function)
        if benchmark.enabled:
            benchmark.extra_info.update(what=what, size=at, items=items, unit=unit, peak_mb=peak_memory(function))
            if operations:
                facts |= {"gflop": giga_operations(function), "profile": profile(function)}
            benchmark.extra_info.update(facts)
        return result

    return run


def peak_memory(function) -> float | None:
    """By how many MB a call raises the process's resident memory at its peak; None where the kernel does not tell.

    Linux keeps the peak of a process (VmHWM), and forgets it when asked to (clear_refs); see proc(5).
    """
    process, status = psutil.Process(), Path("/proc/self/status")
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed earlier must not hide what this call takes
        before = process.memory_info().rss
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    function()
    peak = next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return max(0, peak - before) / 1e6


def giga_operations(function) -> float:
    """Floating-point operations of a call that takes no gradients, in 10^9; torch does not count the CPU's attention."""
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    counted = {attention: lambda query, key, value, *rest, **more: sdpa_flop_count(query, key, value)}
    with FlopCounterMode(display=False, custom_mapping=counted) as counter:
        function()
    return counter.get_total_flops() / 1e9


def profile(function) -> dict[str, float]:
    """Share of a call's time by operation, the six largest."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        function()
    times = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    whole = sum(times.values())
    largest = sorted(times, key=times.get, reverse=True)[:6]
    return {name.removeprefix("aten::"): times[name] / whole for name in largest}


def pytest_benchmark_update_machine_info(config, machine_info):
    """What decides speed besides the processor: threads, libraries, and what else was running."""
    machine_info["sweettok"] = {
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "torch": torch.__version__,
        "load_before": round(os.getloadavg()[0], 2),
    }
