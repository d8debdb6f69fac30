"""Each design of the field: it learns two clips by heart, and its tokens pass through what comes after training."""

import pytest
import torch

from sweettok.api.bit_packing import widths_of
from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.metrics.reconstruction import code_size, codebook_health, parameter_counts
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.curriculum import TrainingData
from sweettok.training.loop import train, validate
from sweettok.training.losses import mean_psnr

PATCHWISE = {"spatial_tokens": 16, "temporal_tokens": 64}
PEERS = {
    "fsq": {"quantizer": "fsq"},
    "lfq": {"quantizer": "lfq"},
    "bsq": {"quantizer": "bsq"},
    "residual": {"quantizer": "residual"},
    "factorised": {"quantizer": "factorised"},
    "dual": {"quantizer": "dual"},
    "hierarchical": {"architecture": "hierarchical", "quantizer": "learned", "tail_drop": 0.5},
    "tail_drop": {"tail_drop": 0.5, "temporal_queries": "global"},
    "cvivit": {"architecture": "cvivit", **PATCHWISE},
    "omnitokenizer": {"architecture": "omnitokenizer", **PATCHWISE},
    "larp": {"architecture": "holistic", "quantizer": "stochastic", "prior_loss": 0.06, "temporal_tokens": 12},
    "titok": {"architecture": "holistic", "quantizer": "learned", "temporal_tokens": 12},
}


class FirstTwo:
    """The first two clips of a store: of a single one, whitened latents have nothing to tell."""

    def __init__(self, store):
        self.store, self.frames, self.size, self.expect = store, store.frames, store.size, store.expect

    def __len__(self):
        return 2

    def clips(self, indices):
        return self.store.clips(indices)

    def pixels(self, indices):
        return self.store.pixels(indices)


@pytest.fixture
def two_clips(training_data):
    pair, codes = FirstTwo(training_data.train), training_data.codes["train"][:2]
    return TrainingData(pair, pair, {"train": codes, "val": codes}, "two")


@pytest.mark.parametrize("name", PEERS)
def test_learns_two_clips_by_heart(make_model, stage_of, task_of, two_clips, name, tmp_path):
    stage = stage_of(steps=80, batch_size=2, lr=5e-3, final_lr=1e-3, ema=0.0, checkpoint_every=1000, validate_every=80)
    model = make_model(**PEERS[name])
    task = task_of(model, stage, two_clips)
    start = validate(task, model)["accuracy"]
    _, history = train(task, stage.optimiser, 0, Checkpoint(tmp_path / "x.pt", "x"))
    assert start < 0.4 and history[-1]["accuracy"] > 0.65


def test_a_diffusion_decoder_learns_two_clips_by_heart(make_model, stage_of, task_of, two_clips, tmp_path):
    """From noise alone it then shows more of them than the picture that guides it."""
    stage = stage_of(
        target="pixels", trains=("spatial", "temporal", "decoder", "pixel_decoder"),
        steps=120, batch_size=2, lr=5e-3, final_lr=1e-3, ema=0.0, checkpoint_every=1000, validate_every=120,
    )  # fmt: skip
    task = task_of(make_model(diffusion_steps=3), stage, two_clips)
    start = validate(task, task.model)["psnr"]
    model, history = train(task, stage.optimiser, 0, Checkpoint(tmp_path / "x.pt", "x"))
    clip = two_clips.val.clips(range(2))
    with torch.no_grad():
        of_picture = mean_psnr(clip, model.picture(model(clip)[1]))
    assert history[-1]["psnr"] > max(start + 5, of_picture + 1)


@pytest.mark.parametrize("name", PEERS)
def test_tokens_pass_through_the_stages_after_training(make_model, training_data, name):
    """The prior's sequence and back, a step of the prior, health, bits and widths of a token file."""
    model, clips = make_model(**PEERS[name]), training_data.train.clips(range(4))
    with torch.no_grad():
        model.train()(clips)
    tokens, layout = model.eval().encode(clips), layout_of(model)
    ids = layout.flatten(tokens)
    assert torch.equal(layout.unflatten(ids), tokens)
    prior = Prior(PriorConfig(1, 2, 16, 3, 0.1, layout), torch.Generator().manual_seed(0))
    result = prior.loss(ids, torch.zeros(4, dtype=torch.int64))
    result["loss"].backward()
    assert result["loss"].isfinite() and prior.head.weight.grad.any()
    health = codebook_health(model, training_data.val, 4)
    assert {group: entry["words"] for group, entry in health.items()} == {
        group: quantizer.size for group, quantizer in model.quantizers.items()
    }
    size = code_size(model)
    assert size["tokens"] == tokens.shape[1] and size["bits"] > 0
    counts = [stop - first for group in layout.groups for first, stop in group.ranges]
    assert widths_of(torch.tensor(counts).numpy()).min() >= 1


def test_a_prior_that_trains_along_is_not_part_of_the_model_in_use(make_model):
    with_prior, without = (make_model(**PEERS["larp"] | {"prior_loss": weight}) for weight in (0.06, 0.0))
    one, two = parameter_counts(with_prior), parameter_counts(without)
    assert one["parameters"] == two["parameters"] < one["parameters_trained"]
