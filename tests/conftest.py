"""What tests of several packages share: a model so small that it runs in milliseconds, small video files, real samples.

The model has a codebook of 34 words and takes 9 frames of 16 x 16.
"""

import importlib.util
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from real_samples import SAMPLES, why_skipped
from sprite_data import sprites_data

from sweettok.language.codebook import Codebook
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Optimiser, Patches, Proxy, Tokenizer
from sweettok.video.prepare import prepare

PARTS = {"adjective": 10, "noun": 9, "adverb": 7, "verb": 8}
CLIP = (9, 16)  # frames, size: a 4 x 4 grid with 1 + 4 latent frames
PATCHES = Patches(spatial=4, temporal=2)


@pytest.fixture(scope="session")
def tokenizer_of():
    """overrides -> Tokenizer params at 4 + 16 tokens for 9 frames of 16 x 16."""

    def make(**overrides):
        settings = {
            "architecture": "decoupled", "width": 24, "heads": 2, "expansion": 2, "spatial_depth": 1,
            "temporal_depth": 1, "encoder_blocks": 1, "decoder_blocks": 1,
            "spatial_tokens": 4, "temporal_tokens": 16, "temporal_queries": "per_location", "residual": "first_frame",
            "code_dim": 4, "quantizer": "language", "words": "by_part_of_speech", "graph": "captions", "lookup": "union", "commitment": 0.25,
            "usage_entropy": 0.1, "start": "proxy", "seed": 0,
        }  # fmt: skip
        return Tokenizer(**(settings | overrides))

    return make


@pytest.fixture(scope="session")
def codebook_of():
    """words, their parts of speech, edges (E, 2), edge counts (E,), generator and width of the vectors -> Codebook."""

    def make(words, part_of_speech, edges, edge_counts, generator, width=24):
        return Codebook(
            words=words,
            part_of_speech=part_of_speech,
            vectors=torch.nn.functional.normalize(torch.randn(len(words), width, generator=generator), dim=-1),
            counts=torch.ones(len(words), dtype=torch.int64),
            edges=edges,
            edge_counts=edge_counts,
            provider="drawn",
            fingerprint="0" * 64,
            min_count=dict.fromkeys(part_of_speech, 1),
            max_words=None,
            captions=30,
        )

    return make


@pytest.fixture(scope="session")
def vocabulary_of(codebook_of):
    """Number of words of each part of speech, width of the vectors -> Codebook; each word is an edge's end if it can."""

    def make(adjective, noun, adverb, verb, width=24):
        sizes = {"adjective": adjective, "noun": noun, "adverb": adverb, "verb": verb}
        part_of_speech = [part for part, count in sizes.items() for _ in range(count)]
        starts = dict(zip(sizes, [0, adjective, adjective + noun, adjective + noun + adverb], strict=True))
        edges = [
            (starts[first] + place, starts[second] + place)
            for first, second in (("adjective", "noun"), ("adverb", "verb"))
            for place in range(min(sizes[first], sizes[second]))
        ]
        words = [f"{part}{place}" for place, part in enumerate(part_of_speech)]
        ones = torch.ones(len(edges), dtype=torch.int64)
        return codebook_of(words, part_of_speech, torch.tensor(edges), ones, torch.Generator().manual_seed(0), width)

    return make


@pytest.fixture(scope="session")
def codebook(codebook_of):
    generator = torch.Generator().manual_seed(0)
    names = [(f"{part}{place}", part) for part, count in PARTS.items() for place in range(count)]
    at = {part: [i for i, (_, of) in enumerate(names) if of == part] for part in PARTS}
    pairs = [
        (a, b) for first, second in (("adjective", "noun"), ("adverb", "verb")) for a in at[first] for b in at[second]
    ]
    kept = torch.rand(len(pairs), generator=generator) < 0.3
    edges = torch.tensor(pairs)[kept]
    counts = torch.randint(1, 5, (len(edges),), generator=generator)
    return codebook_of([name for name, _ in names], [part for _, part in names], edges, counts, generator)


@pytest.fixture(scope="session")
def proxy_params():
    """20 codes of two digits."""
    optimiser = Optimiser(
        algorithm="muon", steps=1, batch_size=1, lr=1e-3, final_lr=1e-4, warmup=0, betas=(0.9, 0.99), weight_decay=0.0, grad_clip=1.0,
        ema=0.9, precision="fp32", checkpoint_every=1, validate_every=1,
    )  # fmt: skip
    return Proxy(
        width=12, encoder_blocks=1, decoder_blocks=1, levels=(4, 5), l2=1.0, perceptual=0.0, seed=0, optimiser=optimiser
    )  # fmt: skip


@pytest.fixture(scope="session")
def clips():
    """count, seed -> clips (count, 3, 9, 16, 16) in [-1, 1]."""

    def draw(count, seed=0):
        frames, size = CLIP
        return torch.rand(count, 3, frames, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1

    return draw


@pytest.fixture(scope="session")
def make_model(codebook, proxy_params, tokenizer_of, clips):
    """overrides -> a tokenizer in eval mode whose codes and statistics have seen a few batches."""

    def make(**overrides):
        torch.manual_seed(0)
        model = VideoTokenizer(tokenizer_of(**overrides), PATCHES, proxy_params, CLIP, codebook)
        with torch.no_grad():
            for seed in range(3):
                model.train()(clips(8, seed))
        return model.eval()

    return make


@pytest.fixture(scope="session")
def real_samples():
    """name -> folder of a real sample; the test is skipped where it is absent."""

    def folder(name):
        if not (SAMPLES / name).is_dir():
            pytest.skip(why_skipped(SAMPLES / name))
        return SAMPLES / name

    return folder


@pytest.fixture(scope="session")
def scene():
    """(frames, height, width, seed) -> uint8 (frames, height, width, 3): smooth, moving, every frame different."""

    def draw(frames, height=16, width=24, seed=0):
        rng = np.random.default_rng(seed)
        y, x, t = np.ogrid[:height, :width, :frames]
        waves = [
            np.sin(2 * np.pi * (a * x / width + b * y / height) + c * t + d)
            for a, b, c, d in rng.uniform([0.3, 0.3, 0.2, 0], [1.2, 1.2, 0.9, 6], (3, 4))
        ]
        return (127.5 + 120 * np.stack(waves, axis=-1)).astype(np.uint8).transpose(2, 0, 1, 3)

    return draw


@pytest.fixture(scope="session")
def write_video():
    """Encode frames: lossless in .mkv (FFV1) and .avi (raw) unless a codec is given.

    times: in units of 1 / rate. tag: called with the stream before it is written.
    """

    def write(
        path,
        frames,
        codec=None,
        pixels=None,
        kind="rgb24",
        times=None,
        rate=25,
        options=None,
        of_container=None,
        tag=None,
    ):
        lossless = {".mkv": ("ffv1", "bgr0"), ".avi": ("rawvideo", "bgr24")}
        codec, pixels = codec or lossless[path.suffix][0], pixels or lossless[path.suffix][1]
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(path, "w", container_options=of_container or {}) as container:
            stream = container.add_stream(codec, rate=rate, options=options or {})
            if tag:
                tag(stream)
            stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
            stream.codec_context.time_base = Fraction(1, rate)
            for number, pixel in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixel), format=kind)
                frame.pts = times[number] if times else number
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope="session")
def tok(make_model):
    """A SweetTok of the small model."""
    from sweettok import SweetTok

    return SweetTok(make_model())


@pytest.fixture(scope="session")
def small_run(tok):
    """folder -> the folder, with clips and the small model in outputs/data and outputs/model, as the pipeline has them."""

    def make(folder):
        prepare(sprites_data((2, 2, 36), *CLIP, motions=2), folder / "outputs" / "data")
        tok.save_pretrained(folder / "outputs" / "model")
        return folder

    return make


@pytest.fixture(scope="session")
def paper_words():
    """Vocabulary sizes of the authors' code (docs/paper.md, Codebook): 10,481 spatial and 11,139 temporal words."""
    return {"adjective": 5078, "noun": 5403, "adverb": 1872, "verb": 9267}


@pytest.fixture(scope="session")
def plain_tokenizer():
    """The module tests/plain_tokenizer.py: encode and decode as one would write them down first."""
    spec = importlib.util.spec_from_file_location("plain_tokenizer", Path(__file__).parent / "plain_tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def own_reproduction(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of this test has no siblings of other tests."""
    monkeypatch.setenv("SWEETTOK_REPRODUCTION", request.node.name)


@pytest.fixture(scope="session")
def ray_cluster():
    """Two hosts of a core each, as Ray sees this machine, at RAY_ADDRESS. Left out where ray is not installed."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield
    cluster.shutdown()
