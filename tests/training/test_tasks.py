"""The tasks: what learns and what stays frozen, learning on few clips, validation, labels."""

from typing import get_args

import pytest
import torch
import torch.nn.functional as F

from sweettok.errors import InputError
from sweettok.metrics.perceptual import perceptual_distance
from sweettok.models.judge import Judge
from sweettok.params import Machine, Part
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.curriculum import Supplies
from sweettok.training.loop import prepare_layers, train, validate
from sweettok.training.losses import mean_psnr
from sweettok.training.tasks import (
    LABEL_SMOOTHING,
    POSE,
    CodeCriterion,
    JudgeTask,
    Means,
    ProxyTask,
    judge_labels,
    label_tensors,
    label_values,
    posed,
)

ALL = get_args(Part)


class FirstTwo:
    """The first two clips of a store."""

    def __init__(self, store):
        self.store, self.frames, self.size, self.expect = store, store.frames, store.size, store.expect

    def __len__(self):
        return 2

    def clips(self, indices):
        return self.store.clips(indices)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # checkpoints go to outputs/ below the working folder


@pytest.fixture
def two(supplies):
    pair = FirstTwo(supplies.train)
    codes = supplies.codes["train"][:2]
    return Supplies(pair, pair, {"train": codes, "val": codes}, "two")


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
def test_what_does_not_learn_stays_as_it_is(make_model, stage_of, run_stage, supplies, model_of, clips, target, trains):
    model = make_model(**model_of)
    with torch.no_grad():
        model.train()(supplies.train.clips(range(8)))  # statistics and learned codes are started
    before = states(model)
    averaged, _ = run_stage("x", model, stage_of(clips, target, trains, steps=4))
    expected = {part: part in trains for part in ALL}
    assert changed_parts(model, before) == expected and changed_parts(averaged, before) == expected


@pytest.mark.parametrize("quantizer", ["language", "learned"])
def test_finetuning_pixels_leaves_tokens_as_they_are(make_model, stage_of, run_stage, supplies, quantizer):
    model = make_model(quantizer=quantizer)
    with torch.no_grad():
        model.train()(supplies.train.clips(range(8)))
    clip = supplies.val.clips(range(4))
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
    _, history = run_stage("x", make_model(), stage, supplies=two, pixel_loss=weights)
    psnr = [row["psnr"] for row in history if row["split"] == "val"]
    assert len(psnr) == 4 and psnr[-1] > psnr[0] + 1


def test_learns_on_images(make_model, stage_of, run_stage, two):
    stage = stage_of(
        "images", "proxy_codes", ("spatial", "decoder"), steps=40, batch_size=2, lr=5e-3, ema=0.0, validate_every=10
    )
    _, history = run_stage("x", make_model(), stage, supplies=two)
    rows = [row for row in history if row["split"] == "val"]
    assert rows[-1]["accuracy"] > rows[0]["accuracy"] and "usage_temporal" not in rows[0]


def test_proxy_learns(make_proxy, optimiser_of, stores, judge):
    task = ProxyTask(make_proxy().requires_grad_(True), judge, stores["train"], stores["val"], 0)
    start = validate(task, task.model)["psnr"]
    optimiser = optimiser_of(steps=60, lr=2e-2, adam_lr=1e-2, ema=0.5, validate_every=60)
    _, history = train(task, optimiser, 0, Checkpoint("x.pt", "x"))
    assert history[-1]["psnr"] > start + 2 and 0 < history[-2]["perceptual"] < history[0]["perceptual"]


def test_judge_learns(optimiser_of, stores):
    torch.manual_seed(0)
    values = label_values(stores["train"])
    task = JudgeTask(
        Judge({name: len(known) for name, known in values.items()}, 8), stores["train"], stores["train"], 0
    )
    start = validate(task, task.model)
    _, history = train(
        task, optimiser_of(steps=60, batch_size=12, lr=5e-3, ema=0.5, validate_every=60), 0, Checkpoint("x.pt", "x")
    )
    assert (
        history[-1]["loss"] < 0.8 * start["loss"]
        and "accuracy_class" in history[-1]
        and "accuracy_shape" in history[-1]
    )


def test_validation_against_the_model_itself(make_model, stage_of, task_of, supplies):
    model = make_model().eval()
    task = task_of(model, stage_of())
    found = validate(task, model)
    clip = supplies.val.clips(range(4))
    tokens = model.encode(clip)
    with torch.no_grad():
        logits = model(clip)[1]  # 4 levels of the first digit, 4 of the second
    right = [half.argmax(-1) for half in logits.split(4, dim=-1)]
    wanted = supplies.codes["val"] // 4, supplies.codes["val"] % 4
    shares = [(one == other).float().mean().item() for one, other in zip(right, wanted, strict=True)]
    assert found["accuracy"] == pytest.approx(sum(shares) / 2)
    assert found["usage_spatial"] == pytest.approx(len(tokens[:, :4].unique()) / 16)
    assert found["usage_temporal"] == pytest.approx(len(tokens[:, 4:].unique()) / 16)
    assert found["psnr"] == pytest.approx(mean_psnr(clip, model.decode(tokens)), abs=1e-3)


@pytest.mark.parametrize("clips", ["videos", "images"])
def test_loss_on_codes_against_its_formula(make_model, stage_of, task_of, supplies, judge, clips):
    model = make_model()
    task = task_of(model, stage_of(clips, trains=("decoder",)))
    loss, metrics = task.loss(task.read(torch.tensor([3, 5])), 0)
    clip, codes = supplies.train.clips([3, 5]), supplies.codes["train"][[3, 5]].long()
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
    assert metrics["psnr"] == pytest.approx(mean_psnr(clip, shown), abs=1e-3)


def test_loss_of_an_encoder_that_learns_has_the_quantisers_too(make_model, stage_of, task_of):
    frozen, learning = make_model(), make_model()
    given = task_of(frozen, stage_of()).read(torch.tensor([3, 5]))
    whole = task_of(learning, stage_of()).loss(given, 0)[0]
    alone = task_of(frozen, stage_of(trains=("decoder",))).criterion
    coded, logits = make_model().train()(given["clip"])
    expected = alone(learning, given["clip"], logits, given["codes"], 0)[0] + coded.loss
    assert whole.item() == pytest.approx(expected.item(), rel=1e-4) and coded.loss > 0


def test_the_proxys_decoder_stays_frozen_but_passes_gradients(make_model, stage_of, task_of, code_loss, judge):
    """Where codes are learned by their pictures alone."""
    model, weights = make_model(), code_loss.model_copy(update={"cross_entropy": 0.0})
    task = task_of(model, stage_of(trains=("decoder",)))
    task.criterion = CodeCriterion(weights, judge, steps=8)
    loss, _ = task.loss(task.read(torch.tensor([3, 5])), 0)
    loss.backward()
    assert model.to_logits.weight.grad.any()
    assert all(p.grad is None for p in model.pixel_decoder.parameters())


def test_codes_are_compared_first_and_then_pictures(make_model, stage_of, task_of, code_loss, judge):
    model = make_model()
    task = task_of(model, stage_of())
    task.criterion = CodeCriterion(code_loss.model_copy(update={"picture_start": 0.75}), judge, steps=8)
    given = task.read(torch.tensor([3, 5]))
    early, late = task.loss(given, 5)[1], task.loss(given, 6)[1]
    assert "code_l2" in early and "psnr" not in early
    assert "psnr" in late and "code_l2" not in late


def test_code_distance_is_zero_for_the_proxys_own_codes_and_grows_with_the_level(make_model, code_loss):
    model = make_model()
    only_distance = code_loss.model_copy(update={"cross_entropy": 0.0, "perceptual": 0.0, "picture_start": 1.0})
    criterion = CodeCriterion(only_distance, None, steps=8)
    codes = torch.zeros(1, 5, 16, dtype=torch.int64)
    levels = model.proxy.levels
    digits = [
        torch.zeros(len(levels), dtype=torch.int64).index_fill(0, torch.tensor(0), level) for level in range(levels[0])
    ]

    def distance(chosen):
        logits = torch.cat([100.0 * torch.nn.functional.one_hot(d, n) for d, n in zip(chosen, levels, strict=True)])
        return criterion(model, torch.zeros(1), logits.expand(1, 5, 16, -1), codes, 0)[0].item()

    distances = [distance(chosen) for chosen in digits]
    assert (
        distances[0] == pytest.approx(0, abs=1e-6)
        and distances == sorted(distances)
        and distances[-1] > distances[1] > 0
    )


def test_without_pictures_none_are_made(make_model, stage_of, task_of, code_loss):
    """Cross-entropy alone, as in the authors' code: no judge is needed, and no pixels are decoded."""
    model = make_model()
    task = task_of(model, stage_of())
    task.criterion = CodeCriterion(code_loss.model_copy(update={"l2": 0.0, "perceptual": 0.0}), None, steps=8)
    model.pixel_decoder.register_forward_hook(lambda *_: pytest.fail("pixels were decoded"))
    loss, metrics = task.loss(task.read(torch.tensor([3, 5])), 0)
    assert loss.isfinite() and "psnr" not in metrics and "accuracy" in metrics


class OneClass:
    """A store's clips with nothing to tell them apart by."""

    def __init__(self, store):
        self.store, self.frames, self.size, self.split, self.classes = store, store.frames, store.size, "train", ["all"]
        self.labels = store.labels[["clip"]].assign(**{"class": "all", "label": 0})

    def __len__(self):
        return len(self.store)

    def clips(self, indices):
        return self.store.clips(indices)


def test_a_label_that_train_lacks_is_refused(stores):
    with pytest.raises(InputError, match="train has class 'slide', which train lacks; use more training clips"):
        label_tensors(stores["train"], {"class": ["bounce", "rotate"]})


def test_where_there_is_one_class_the_judge_learns_poses(stores):
    store = OneClass(stores["train"])
    labels = judge_labels(store)
    assert labels["class"] == ["all"] and len(labels[POSE]) == 8 and POSE not in judge_labels(stores["train"])
    torch.manual_seed(0)
    task = JudgeTask(Judge({name: len(values) for name, values in labels.items()}, 4), store, store, 0)
    loss, metrics = task.loss(task.read(torch.arange(4)), 0)
    loss.backward()
    assert metrics["accuracy_class"] == 1 and 0 <= metrics["accuracy_pose"] <= 1
    assert task.model.video_heads[POSE].weight.grad.abs().sum() > 0
    assert task.validate(task.model) == task.validate(task.model)  # the poses of validation are not drawn


def test_targets_of_the_judge_are_smoothed_in_training_only(stores):
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 4).eval()
    task = JudgeTask(judge, stores["train"], stores["train"], 0)
    task.labels = {split: {"class": labels["class"]} for split, labels in task.labels.items()}
    batch = task.read(torch.arange(4))
    image, video = judge.predict(batch["clip"], 2)["class"]
    hot = F.one_hot(batch["class"], 3).float()
    for smoothing, found in ((0.0, torch.no_grad()(task._scores)), (LABEL_SMOOTHING, task._scores)):
        wanted = (1 - smoothing) * hot + smoothing / 3
        expected = -sum((wanted * logits.log_softmax(-1)).sum(-1).mean() for logits in (image, video)) / 2
        assert found(judge, batch["clip"], batch, 2)[0].item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_judge_learns_from_any_frame(stores):
    torch.manual_seed(0)
    judge, asked = Judge({name: len(values) for name, values in label_values(stores["train"]).items()}, 4), set()
    task = JudgeTask(judge, stores["train"], stores["train"], 0)
    predict = judge.predict
    judge.predict = lambda clip, frame=0: asked.add(frame) or predict(clip, frame)
    for step in range(40):
        task.loss(task.read(torch.arange(2)), step)
    assert asked <= set(range(9)) and len(asked) > 5
    asked.clear()
    validate(task, judge)
    assert asked == {0}


def test_poses_are_eight_different_views_that_lose_nothing(stores):
    clip = stores["train"].clips([0]).expand(8, -1, -1, -1, -1)
    views = posed(clip, torch.arange(8))
    assert torch.equal(views[0], clip[0]) and torch.equal(views[4], clip[0].flip(1))
    assert torch.equal(views[2], clip[0].flip((-2, -1)))
    assert len({view.numpy().tobytes() for view in views}) == 8
    assert all(torch.equal(view.flatten().sort()[0], clip[0].flatten().sort()[0]) for view in views)


def test_labels_by_name_and_place(stores):
    values = label_values(stores["train"])
    assert "class" in values and "factor:shape" in values and "caption" not in values
    places = label_tensors(stores["train"], values)
    assert values["class"] == stores["train"].classes
    assert (
        places["class"].tolist() == stores["train"].labels["label"].tolist()
    )  # the judge's class is the store's label
    for name, known in values.items():
        assert set(known) == set(stores["train"].labels[name])
        assert [known[place] for place in places[name].tolist()] == stores["train"].labels[name].tolist()


def test_means_are_weighted_by_samples():
    means = Means()
    means.add({"a": 1.0}, 3)
    means.add({"a": 5.0}, 1)
    assert means.means() == {"a": 2.0}


@pytest.mark.parametrize("model_of", [{}, {"architecture": "downsample"}])
def test_activation_checkpointing_gives_the_same_gradients(make_model, stage_of, task_of, judge, model_of):
    gradients = {}
    for recompute in (False, True):
        task = task_of(make_model(**model_of), stage_of("videos", "pixels", ALL))
        prepare_layers(task.layers(), Machine(activation_checkpointing=recompute))
        loss, _ = task.loss(task.read(torch.tensor([3, 5])), 0)
        loss.backward()
        gradients[recompute] = {name: p.grad for name, p in task.model.named_parameters() if p.grad is not None}
    assert gradients[False].keys() == gradients[True].keys()
    assert all(torch.equal(gradient, gradients[True][name]) for name, gradient in gradients[False].items())


def test_activation_checkpointing_keeps_less(make_model, stage_of, task_of):
    """Bytes that the backward pass of the layers would find in memory."""
    kept = {}
    for recompute in (False, True):
        task = task_of(make_model(spatial_depth=2), stage_of())
        prepare_layers(task.layers(), Machine(activation_checkpointing=recompute))
        saved = {}

        def keep(tensor, saved=saved):
            if tensor.layout == torch.strided:  # the graph of words is sparse, and the same either way
                saved[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            task.loss(task.read(torch.tensor([3, 5])), 0)
        kept[recompute] = sum(saved.values())
    assert kept[True] < 0.7 * kept[False]


def test_bf16_leaves_quantisers_and_losses_in_fp32(make_model, stage_of, task_of):
    model = make_model()
    task = task_of(model, stage_of("videos", "pixels", ALL, precision="bf16"))
    seen = {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda _, inputs, output, name=name: seen.setdefault(name, output))
    with torch.autocast("cpu", torch.bfloat16):
        loss, metrics = task.loss(task.read(torch.tensor([3, 5])), 11)  # the adversary takes part
    loss.backward()
    assert loss.dtype == torch.float32 and loss.isfinite()
    assert seen["to_logits"].dtype == torch.bfloat16  # the networks themselves do run in bf16
    for group in ("spatial", "temporal"):
        quantized = seen[f"quantizers.{group}"]
        assert quantized.z_q.dtype == quantized.loss.dtype == torch.float32
        assert seen[f"quantizers.{group}.to_code"].dtype == torch.float32
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients and all(g.dtype == torch.float32 and g.isfinite().all() for g in gradients)


def test_loss_on_codes_is_fp32_under_bf16(make_model, supplies, code_loss):
    model, criterion = (
        make_model(),
        CodeCriterion(code_loss.model_copy(update={"l2": 0.0, "perceptual": 0.0}), None, steps=8),
    )
    clip, codes = supplies.train.clips([0, 1]), supplies.codes["train"][[0, 1]]
    logits = torch.randn(2, 5, 16, 8, generator=torch.Generator().manual_seed(0))
    expected = criterion(model, clip, logits, codes, 0)
    with torch.autocast("cpu", torch.bfloat16):
        loss, metrics = criterion(model, clip, logits, codes, 0)
    assert torch.equal(loss, expected[0]) and metrics == expected[1]


@pytest.mark.parametrize("target", ["proxy_codes", "pixels"])
def test_losses_on_pictures_are_fp32_under_bf16(make_model, stage_of, task_of, target):
    task = task_of(make_model(), stage_of(target=target))
    batch = task.read(torch.tensor([3, 5]))
    expected, _ = task.loss(batch, 0)
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = task.loss(batch, 0)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(expected.item(), rel=0.05)
