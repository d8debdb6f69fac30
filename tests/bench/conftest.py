"""What is measured, at which sizes, and how: time by pytest-benchmark, what else a call costs by bench/cost.py."""

import contextlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import pytest
import torch
import yaml
from bench.cost import giga_operations, peak_memory, profile

from sweettok.language.codebook import Codebook
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import Params, load_params
from sweettok.provenance import cpu_name
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
    of calls where one takes seconds (1: memory is that of the timed call); operations: count floating-point operations,
    and the share of time by kind. Other facts go into the report as they are.
    """

    def run(what, function, *, at, items=None, unit="clips", rounds=None, operations=False, **facts):
        if rounds == 1:
            result, peak = benchmark.pedantic(peak_memory, (function,))
        else:
            result = benchmark.pedantic(function, rounds=rounds) if rounds else benchmark(function)
            peak = peak_memory(function)[1] if benchmark.enabled else None
        if benchmark.enabled:
            benchmark.extra_info.update(what=what, size=at, items=items, unit=unit, peak_mb=peak)
            if operations:
                facts |= {"gflop": giga_operations(function)[1], "profile": profile(function)}
            benchmark.extra_info.update(facts)
        return result

    return run


def pytest_benchmark_update_machine_info(config, machine_info):
    """What decides speed besides the processor: threads, libraries, and what else was running."""
    machine_info["sweettok"] = {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "torch": torch.__version__,
        "load_before": round(os.getloadavg()[0], 2),
    }
