"""Stages of the curriculum: what learns and what stays frozen, learning on few clips, validation, precision."""

from typing import get_args

import pytest
import torch
import torch.nn.functional as F

from sweettok.metrics.perceptual import perceptual_distance
from sweettok.params import Part
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.criteria import CodeCriterion
from sweettok.training.curriculum import TrainingData
from sweettok.training.loop import checkpoint_layers, train, validate
from sweettok.training.losses import mean_psnr
from sweettok.video.store import to_float

ALL = get_args(Part)


class FirstTwo:
    """The first two clips of a store."""

    def __init__(self, store):
        self.store, self.frames, self.size, self.expect = store, store.frames, store.size, store.expect

    def __len__(self):
        return 2

    def clips(self, indices):
        return self.store.clips(indices)

    def pixels(self, indices):
        return self.store.pixels(indices)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # checkpoints go to outputs/ below the working folder


@pytest.fixture
def two(training_data):
    pair = FirstTwo(training_data.train)
    codes = training_data.codes["train"][:2]
    return TrainingData(pair, pair, {"train": codes, "val": codes}, "two")


def states(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed_parts(model, before):
    """part -> whether any of its state (weights and buffers) differs from `before`."""
    names = {id(value): name for name, value in model.state_dict(keep_vars=True).items()}
    changed = {}
    for part, members in model.parts().items():
        tensors = []
        for member in members:
            tensors += member.state_dict(keep_vars=True).values() if isinstance(member, torch.nn.Module) else [member]
        changed[part] = any(not torch.equal(tensor, before[names[id(tensor)]]) for tensor in tensors)
    return changed


@pytest.mark.parametrize("model_of", [{}, {"quantizer": "learned"}, {"architecture": "downsample"}])
@pytest.mark.parametrize(
    "clips, target, trains",
    [
        ("images", "proxy_codes", ("spatial", "decoder")),
        ("videos", "proxy_codes", ("spatial", "temporal", "decoder")),
        ("videos", "proxy_codes", ("features", "spatial", "temporal", "decoder")),
        ("videos", "pixels", ("decoder", "pixel_decoder")),
        ("videos", "pixels", ALL),
    ],
)
def test_what_does_not_learn_stays_as_it_is(
    make_model, stage_of, run_stage, training_data, model_of, clips, target, trains
):
    model = make_model(**model_of)
    with torch.no_grad():
        model.train()(training_data.train.clips(range(8)))  # statistics and learned codes are started
    before = states(model)
    averaged, _ = run_stage("x", model, stage_of(clips, target, trains, steps=4))
    expected = {part: part in trains for part in ALL}
    assert changed_parts(model, before) == expected and changed_parts(averaged, before) == expected


@pytest.mark.parametrize("quantizer", ["language", "learned"])
def test_finetuning_pixels_leaves_tokens_as_they_are(make_model, stage_of, run_stage, training_data, quantizer):
    model = make_model(quantizer=quantizer)
    with torch.no_grad():
        model.train()(training_data.train.clips(range(8)))
    clip = training_data.val.clips(range(4))
    tokens = model.eval().encode(clip)
    averaged, _ = run_stage("x", model, stage_of("videos", "pixels", ("decoder", "pixel_decoder"), steps=6))
    assert torch.equal(averaged.encode(clip), tokens)


@pytest.mark.parametrize("algorithm", ["muon", "adamw"])
def test_end_to_end_changes_every_weight_that_learns(make_model, stage_of, run_stage, algorithm):
    model = make_model(start="random")
    before = states(model)
    run_stage("x", model, stage_of("videos", "pixels", ALL, steps=3, weight_decay=0.0, algorithm=algorithm))
    assert [name for name, p in model.named_parameters() if torch.equal(p, before[name])] == []


@pytest.mark.parametrize("model_of", [{}, {"quantizer": "learned"}, {"architecture": "coupled"}])
def test_learns_the_codes_of_two_clips(make_model, stage_of, task_of, two, model_of):
    stage = stage_of(steps=60, batch_size=2, lr=5e-3, final_lr=1e-3, ema=0.0, checkpoint_every=1000, validate_every=60)
    model = make_model(**model_of)
    task = task_of(model, stage, two)
    start = validate(task, model)["accuracy"]
    _, history = train(task, stage.optimiser, 0, Checkpoint("x.pt", "x"))
    losses = [row["loss"] for row in history if row["split"] == "train"]
    assert losses[-1] < 0.8 * losses[0]
    assert history[-1]["accuracy"] > start + 0.15


def test_learns_the_pixels_of_two_clips(make_model, stage_of, run_stage, two, pixel_loss):
    stage = stage_of(
        "videos",
        "pixels",
        ALL,
        steps=40,
        batch_size=2,
        lr=2e-2,
        adam_lr=1e-2,
        ema=0.0,
        checkpoint_every=1000,
        validate_every=10,
    )
    weights = pixel_loss.model_copy(update={"adversarial": 0.0})
    _, history = run_stage("x", make_model(), stage, data=two, pixel_loss=weights)
    psnr = [row["psnr"] for row in history if row["split"] == "val"]
    assert len(psnr) == 4 and psnr[-1] > psnr[0] + 1


def test_learns_on_images(make_model, stage_of, run_stage, two):
    stage = stage_of(
        "images", "proxy_codes", ("spatial", "decoder"), steps=40, batch_size=2, lr=5e-3, ema=0.0, validate_every=10
    )
    _, history = run_stage("x", make_model(), stage, data=two)
    rows = [row for row in history if row["split"] == "val"]
    assert rows[-1]["accuracy"] > rows[0]["accuracy"] and "usage_temporal" not in rows[0]


def test_validation_against_the_model_itself(make_model, stage_of, task_of, training_data):
    model = make_model().eval()
    task = task_of(model, stage_of())
    found = validate(task, model)
    clip = training_data.val.clips(range(4))
    tokens = model.encode(clip)
    with torch.no_grad():
        logits = model(clip)[1]  # 4 levels of the first digit, 4 of the second
    right = [half.argmax(-1) for half in logits.split(4, dim=-1)]
    wanted = training_data.codes["val"] // 4, training_data.codes["val"] % 4
    shares = [(one == other).float().mean().item() for one, other in zip(right, wanted, strict=True)]
    assert found["accuracy"] == pytest.approx(sum(shares) / 2)
    assert found["usage_spatial"] == pytest.approx(len(tokens[:, :4].unique()) / 16)
    assert found["usage_temporal"] == pytest.approx(len(tokens[:, 4:].unique()) / 16)
    assert found["psnr"] == pytest.approx(mean_psnr(clip, model.decode(tokens)).item(), abs=1e-3)


@pytest.mark.parametrize("clips", ["videos", "images"])
def test_loss_on_codes_against_its_formula(make_model, stage_of, task_of, training_data, judge, clips):
    model = make_model()
    task = task_of(model, stage_of(clips, trains=("decoder",)))
    loss, metrics = task.loss(task.dataset[torch.tensor([3, 5])], 0)
    clip, codes = training_data.train.clips([3, 5]), training_data.codes["train"][[3, 5]].long()
    if clips == "images":
        clip, codes = clip[:, :, :1], codes[:, :1]
    with torch.no_grad():
        logits = model.eval()(clip)[1]
        halves = [half.reshape(-1, 4) for half in logits.split(4, dim=-1)]
        wanted = (codes // 4).flatten(), (codes % 4).flatten()
        nats = sum(F.cross_entropy(half, digit) for half, digit in zip(halves, wanted, strict=True)) / 2
        levels = torch.tensor([-1, -1 / 3, 1 / 3, 1])
        means = [(half.softmax(-1) @ levels).reshape(codes.shape) for half in halves]
        shown = model.pixel_decoder(torch.stack(means, dim=-1))
        seen = 0.5 * (shown - clip).square().mean() + 0.1 * perceptual_distance(judge, clip, shown).mean()
    assert loss.item() == pytest.approx((nats + seen).item(), rel=1e-4)
    right = [(half.argmax(-1) == digit).float().mean().item() for half, digit in zip(halves, wanted, strict=True)]
    assert metrics["accuracy"] == pytest.approx(sum(right) / 2)
    assert metrics["psnr"] == pytest.approx(mean_psnr(clip, shown).item(), abs=1e-3)


def test_loss_of_an_encoder_that_learns_has_the_quantisers_too(make_model, stage_of, task_of):
    frozen, learning = make_model(), make_model()
    given = task_of(frozen, stage_of()).dataset[torch.tensor([3, 5])]
    whole = task_of(learning, stage_of()).loss(given, 0)[0]
    alone = task_of(frozen, stage_of(trains=("decoder",))).criterion
    clip = to_float(given["pixels"])
    coded, logits = make_model().train()(clip)
    expected = alone.loss(learning, clip, logits, given["codes"], 0)[0] + coded.loss
    assert whole.item() == pytest.approx(expected.item(), rel=1e-4) and coded.loss > 0


def test_the_proxys_decoder_stays_frozen_but_passes_gradients(make_model, stage_of, task_of, code_loss, judge):
    """Where codes are learned by their pictures alone."""
    model, weights = make_model(), code_loss.model_copy(update={"cross_entropy": 0.0})
    task = task_of(model, stage_of(trains=("decoder",)))
    task.criterion = CodeCriterion(weights, judge, steps=8)
    loss, _ = task.loss(task.dataset[torch.tensor([3, 5])], 0)
    loss.backward()
    assert model.to_logits.weight.grad.any()
    assert all(p.grad is None for p in model.pixel_decoder.parameters())


def test_codes_are_compared_first_and_then_pictures(make_model, stage_of, task_of, code_loss, judge):
    model = make_model()
    task = task_of(model, stage_of())
    task.criterion = CodeCriterion(code_loss.model_copy(update={"picture_start": 0.75}), judge, steps=8)
    given = task.dataset[torch.tensor([3, 5])]
    early, late = task.loss(given, 5)[1], task.loss(given, 6)[1]
    assert "code_l2" in early and "psnr" not in early
    assert "psnr" in late and "code_l2" not in late


def test_without_pictures_none_are_made(make_model, stage_of, task_of, code_loss):
    """Cross-entropy alone, as in the authors' code: no judge is needed, and no pixels are decoded."""
    model = make_model()
    task = task_of(model, stage_of())
    task.criterion = CodeCriterion(code_loss.model_copy(update={"l2": 0.0, "perceptual": 0.0}), None, steps=8)
    model.pixel_decoder.register_forward_hook(lambda *_: pytest.fail("pixels were decoded"))
    loss, metrics = task.loss(task.dataset[torch.tensor([3, 5])], 0)
    assert loss.isfinite() and "psnr" not in metrics and "accuracy" in metrics


@pytest.mark.parametrize("model_of", [{}, {"architecture": "downsample"}])
def test_activation_checkpointing_gives_the_same_gradients(make_model, stage_of, task_of, judge, model_of):
    gradients = {}
    for recompute in (False, True):
        task = task_of(make_model(**model_of), stage_of("videos", "pixels", ALL))
        if recompute:
            checkpoint_layers(task.layers())
        loss, _ = task.loss(task.dataset[torch.tensor([3, 5])], 0)
        loss.backward()
        gradients[recompute] = {name: p.grad for name, p in task.model.named_parameters() if p.grad is not None}
    assert gradients[False].keys() == gradients[True].keys()
    assert all(torch.equal(gradient, gradients[True][name]) for name, gradient in gradients[False].items())


def test_activation_checkpointing_keeps_less(make_model, stage_of, task_of):
    """Bytes that the backward pass of the layers would find in memory."""
    kept = {}
    for recompute in (False, True):
        task = task_of(make_model(spatial_depth=2), stage_of())
        if recompute:
            checkpoint_layers(task.layers())
        saved = {}

        def keep(tensor, saved=saved):
            if tensor.layout == torch.strided:  # the graph of words is sparse, and the same either way
                saved[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            task.loss(task.dataset[torch.tensor([3, 5])], 0)
        kept[recompute] = sum(saved.values())
    assert kept[True] < 0.7 * kept[False]


def test_bf16_leaves_quantisers_and_losses_in_fp32(make_model, stage_of, task_of):
    model = make_model()
    task = task_of(model, stage_of("videos", "pixels", ALL, precision="bf16"))
    seen = {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda _, inputs, output, name=name: seen.setdefault(name, output))
    with torch.autocast("cpu", torch.bfloat16):
        loss, metrics = task.loss(task.dataset[torch.tensor([3, 5])], 11)  # the adversary takes part
    loss.backward()
    assert loss.dtype == torch.float32 and loss.isfinite()
    assert seen["to_logits"].dtype == torch.bfloat16  # the networks themselves do run in bf16
    for group in ("spatial", "temporal"):
        quantized = seen[f"quantizers.{group}"]
        assert quantized.z_q.dtype == quantized.loss.dtype == torch.float32
        assert seen[f"quantizers.{group}.to_code"].dtype == torch.float32
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients and all(g.dtype == torch.float32 and g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("target", ["proxy_codes", "pixels"])
def test_losses_on_pictures_are_fp32_under_bf16(make_model, stage_of, task_of, target):
    task = task_of(make_model(), stage_of(target=target))
    batch = task.dataset[torch.tensor([3, 5])]
    expected, _ = task.loss(batch, 0)
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = task.loss(batch, 0)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(expected.item(), rel=0.05)
