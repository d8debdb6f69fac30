"""Criteria: the loss on codes; the adversary's silence, its updates, its state."""

import copy

import pytest
import torch

from sweettok.training.criteria import CodeCriterion, PixelCriterion
from sweettok.training.losses import PictureLoss


@pytest.fixture
def pair(stores):
    clip = stores["train"].clips([0, 1])
    noise = torch.randn(clip.shape, generator=torch.Generator().manual_seed(0))
    return clip, clip + 0.1 * noise


def build(pixel_loss, judge, **changes):
    torch.manual_seed(0)
    return PixelCriterion(pixel_loss.model_copy(update=changes), judge, steps=12)


def test_loss_on_codes_is_fp32_under_bf16(make_model, training_data, code_loss):
    model, criterion = (
        make_model(),
        CodeCriterion(code_loss.model_copy(update={"l2": 0.0, "perceptual": 0.0}), None, steps=8),
    )
    clip, codes = training_data.train.clips([0, 1]), training_data.codes["train"][[0, 1]]
    logits = torch.randn(2, 5, 16, 8, generator=torch.Generator().manual_seed(0))
    expected = criterion.loss(model, clip, logits, codes, 0)
    with torch.autocast("cpu", torch.bfloat16):
        loss, metrics = criterion.loss(model, clip, logits, codes, 0)
    assert torch.equal(loss, expected[0]) and metrics == expected[1]


def test_loss_before_the_adversary_acts(pixel_loss, judge, pair):
    loss, metrics = build(pixel_loss, judge).compare(*pair, step=0)
    expected, of_pictures = PictureLoss(4.0, 0.1, judge)(*pair)
    assert loss.item() == expected.item() and metrics == of_pictures


def test_adversary_is_silent_before_its_start(pixel_loss, judge, pair):
    criterion, silent = build(pixel_loss, judge), build(pixel_loss, judge, adversarial=0.0)
    assert [criterion.active(step) for step in range(5)] == [False, False, False, True, True]
    before = [p.clone() for p in criterion.discriminator.parameters()]
    assert criterion.compare(*pair, step=2)[0].item() == silent.compare(*pair, step=2)[0].item()
    assert criterion.update_discriminator(2) == {}
    assert all(torch.equal(p, q) for p, q in zip(criterion.discriminator.parameters(), before, strict=True))
    assert criterion.compare(*pair, step=3)[0].item() != silent.compare(*pair, step=3)[0].item()


def test_without_an_adversary(pixel_loss, judge, pair):
    criterion = build(pixel_loss, judge, adversarial=0.0)
    assert criterion.discriminator is None and not criterion.active(11) and criterion.state() == {}
    criterion.compare(*pair, step=11)
    assert criterion.update_discriminator(11) == {}
    criterion.load_state({})


def test_model_and_discriminator_have_gradients_of_their_own(pixel_loss, judge, pair):
    criterion, (clip, reconstruction) = build(pixel_loss, judge), pair
    reconstruction.requires_grad_()
    criterion.compare(clip, reconstruction, step=5)[0].backward()
    assert reconstruction.grad.any() and reconstruction.grad.isfinite().all()
    assert all(p.grad is None for p in criterion.discriminator.parameters())
    left = reconstruction.grad.clone()
    before = [p.detach().clone() for p in criterion.discriminator.parameters()]
    assert set(criterion.update_discriminator(5)) == {"discriminator"}
    assert torch.equal(reconstruction.grad, left)
    assert any(not torch.equal(p, q) for p, q in zip(criterion.discriminator.parameters(), before, strict=True))
    assert all(p.grad is None for p in judge.parameters())


def test_discriminator_learns_to_tell_reconstructions(pixel_loss, judge, pair):
    criterion = build(pixel_loss, judge)
    losses = []
    for _ in range(30):
        criterion.compare(*pair, step=5)
        losses.append(criterion.update_discriminator(5)["discriminator"])
    assert losses[-1] < losses[0] - 0.2


def test_state_carries_on_exactly(pixel_loss, judge, pair):
    one = build(pixel_loss, judge)
    for _ in range(3):
        one.compare(*pair, step=5)
        one.update_discriminator(5)
    torch.manual_seed(7)
    other = PixelCriterion(pixel_loss, judge, steps=12)
    other.load_state(copy.deepcopy(one.state()))
    for criterion in (one, other):
        criterion.compare(*pair, step=6)
        criterion.update_discriminator(6)
    theirs = other.discriminator.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in one.discriminator.state_dict().items())


def test_images_are_clips_of_one_frame(pixel_loss, judge, pair):
    clip, reconstruction = (x[:, :, :1] for x in pair)
    criterion = build(pixel_loss, judge)
    loss, _ = criterion.compare(clip, reconstruction, step=5)
    assert loss.isfinite() and "discriminator" in criterion.update_discriminator(5)


def test_discriminator_learns_from_all_parts_of_a_batch(pixel_loss, judge, pair):
    """Shown clip by clip, it steps as if shown all at once: but for rounding, and for its spectral norms, which
    every pass brings nearer their limit."""
    whole, parts = build(pixel_loss, judge), build(pixel_loss, judge)
    with torch.no_grad():
        for criterion in (whole, parts):
            for _ in range(200):  # to the limit
                criterion.discriminator(pair[0])
    whole.compare(*pair, step=5)
    for part in range(2):
        parts.compare(pair[0][part, None], pair[1][part, None], step=5)
    both = [criterion.update_discriminator(5)["discriminator"].item() for criterion in (whole, parts)]
    assert both[0] == pytest.approx(both[1], abs=1e-5)
    for one, other in zip(whole.discriminator.parameters(), parts.discriminator.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-4)
    parts.compare(*pair, step=6)
    assert len(parts._pairs) == 1  # those of the step before are gone


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
        return criterion.loss(model, torch.zeros(1), logits.expand(1, 5, 16, -1), codes, 0)[0].item()

    distances = [distance(chosen) for chosen in digits]
    assert (
        distances[0] == pytest.approx(0, abs=1e-6)
        and distances == sorted(distances)
        and distances[-1] > distances[1] > 0
    )
