import math

import pytest
import torch
from torch.nn import functional as F

from sweettok.errors import InputError
from sweettok.generation.layout import TokenGroup, TokenLayout
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.storage import write_sealed

UNION = TokenLayout((TokenGroup("spatial", 4, ((0, 11),)), TokenGroup("temporal", 6, ((0, 7),))))
COMPOSED = TokenLayout(
    (TokenGroup("spatial", 2, ((0, 3), (0, 3), (3, 8))), TokenGroup("temporal", 3, ((0, 2), (0, 2), (0, 6))))
)


def tiny_prior(layout: TokenLayout = UNION, seed: int = 0, **changes) -> Prior:
    sizes = {"layers": 2, "heads": 2, "width": 32, "classes": 3, "label_dropout": 0.1, "layout": layout} | changes
    return Prior(PriorConfig(**sizes), torch.Generator().manual_seed(seed))


def random_batch(layout: TokenLayout, clips: int = 5, classes: int = 3, seed: int = 1):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.stack(
        [
            torch.randint(layout.allowed(p).start, layout.allowed(p).stop, (clips,), generator=generator)
            for p in range(layout.length)
        ],
        dim=1,
    )
    return ids, torch.randint(0, classes, (clips,), generator=generator)


@pytest.mark.parametrize("layout", [UNION, COMPOSED])
def test_logits_are_finite_exactly_where_allowed(layout):
    logits = tiny_prior(layout)(*random_batch(layout))
    assert logits.shape == (5, layout.length, layout.vocabulary)
    assert torch.equal(logits.isfinite(), layout.mask().expand_as(logits))
    assert (logits[~logits.isfinite()] == -torch.inf).all()


@pytest.mark.parametrize("layout", [UNION, COMPOSED])
def test_loss_equals_cross_entropy_of_the_masked_logits(layout):
    prior = tiny_prior(layout)
    ids, labels = random_batch(layout)
    drop = torch.tensor([True, False, True, False, False])
    logits, result = prior(ids, labels, drop), prior.loss(ids, labels, drop)
    expected = F.cross_entropy(logits.flatten(0, 1), ids.flatten())
    torch.testing.assert_close(result["loss"], expected)
    torch.testing.assert_close(result["bits_per_token"], expected / math.log(2) * layout.indices_per_token)
    torch.testing.assert_close(result["accuracy"], (logits.argmax(-1) == ids).float().mean())
    gradients = [torch.autograd.grad(loss, list(prior.parameters())) for loss in (result["loss"], expected)]
    torch.testing.assert_close(*gradients)


def test_untrained_loss_is_near_uniform():
    uniform = (4 * math.log2(11) + 6 * math.log2(7)) / 10
    assert tiny_prior().loss(*random_batch(UNION, clips=64))["bits_per_token"].item() == pytest.approx(uniform, abs=0.1)


def test_causal_a_later_id_changes_only_later_predictions():
    prior = tiny_prior()
    ids, labels = random_batch(UNION)
    changed = ids.clone()
    changed[:, 5] = 11 + (ids[:, 5] - 11 + 1) % 7
    before, after = prior(ids, labels), prior(changed, labels)
    torch.testing.assert_close(before[:, :6], after[:, :6])
    assert not torch.allclose(before[:, 6:].nan_to_num(neginf=0), after[:, 6:].nan_to_num(neginf=0))


def test_dropped_label_no_longer_matters_and_kept_label_does():
    prior = tiny_prior()
    ids, _ = random_batch(UNION)
    zeros, ones = torch.zeros(5, dtype=torch.int64), torch.ones(5, dtype=torch.int64)
    drop = torch.ones(5, dtype=torch.bool)
    assert torch.equal(prior(ids, zeros, drop), prior(ids, ones, drop))
    assert not torch.equal(prior(ids, zeros), prior(ids, ones))
    assert torch.equal(prior(ids, zeros, ~drop), prior(ids, zeros))


def test_label_dropout_comes_from_the_generator_at_the_given_rate():
    ids, labels = random_batch(UNION)
    always, never = tiny_prior(label_dropout=1.0), tiny_prior(label_dropout=0.0)
    generator = torch.Generator().manual_seed(3)
    drop = torch.ones(5, dtype=torch.bool)
    assert torch.equal(always.dropped(labels, generator), drop) and not never.dropped(labels, generator).any()
    half = tiny_prior(label_dropout=0.5)
    state = generator.get_state()
    draws = torch.stack([half.dropped(labels, generator) for _ in range(4)])
    assert draws.any() and not draws.all()
    generator.set_state(state)
    assert torch.equal(torch.stack([half.dropped(labels, generator) for _ in range(4)]), draws)


def test_weights_depend_on_the_generator_only():
    global_state = torch.get_rng_state()
    first, again, other = tiny_prior(seed=0), tiny_prior(seed=0), tiny_prior(seed=1)
    assert torch.equal(torch.get_rng_state(), global_state)
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_paper_size_on_the_meta_device():
    layout = TokenLayout((TokenGroup("spatial", 256, ((0, 10481),)), TokenGroup("temporal", 1024, ((0, 11139),))))
    with torch.device("meta"):
        prior = Prior(PriorConfig(layers=24, heads=16, width=1536, classes=101, label_dropout=0.1, layout=layout))
    blocks = prior.parameter_count(embeddings=False)
    assert blocks == 24 * (12 * 1536**2 + 2 * 1536) + 1536  # attention 4 D^2, feed-forward 8 D^2, norms
    assert blocks == pytest.approx(650e6, rel=0.05)
    assert prior.parameter_count() == blocks + 1536 * (2 * layout.vocabulary + 101 + 1 + layout.length)


@pytest.mark.parametrize("layout", [UNION, COMPOSED])
def test_save_and_load(layout, tmp_path):
    prior = tiny_prior(layout)
    prior.save(tmp_path / "generator")
    loaded = Prior.load(tmp_path / "generator")
    assert loaded.config == prior.config
    assert torch.equal(loaded(*random_batch(layout)), prior(*random_batch(layout)))
    assert sorted(path.name for path in (tmp_path / "generator").iterdir()) == ["prior.json", "prior.safetensors"]


def test_load_errors(tmp_path):
    with pytest.raises(InputError, match="prior.json .*exist"):
        Prior.load(tmp_path)
    tiny_prior().save(tmp_path)
    weights = tmp_path / "prior.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(InputError, match="prior.safetensors .*prior.json"):
        Prior.load(tmp_path)
    write_sealed(tmp_path / "prior.json", {"format": 1, "config": {"layers": 2}})
    with pytest.raises(InputError, match="prior.json .*format"):
        Prior.load(tmp_path)
    write_sealed(tmp_path / "prior.json", {"format": 2, "config": {"layers": 2}})
    with pytest.raises(InputError, match="prior.json .*'layout'"):
        Prior.load(tmp_path)


def test_bad_input():
    prior = tiny_prior()
    ids, labels = random_batch(UNION)
    with pytest.raises(ValueError, match=r"ids \(5, 10\), .*\(5, 9\)"):
        prior(ids[:, :9], labels)
    with pytest.raises(ValueError, match=r"labels .*\[0, 3\), .*0 to 3"):
        prior.check(ids, torch.tensor([0, 1, 2, 3, 0]))
    with pytest.raises(ValueError, match="int64 labels"):
        prior.check(ids, labels.float())
    with pytest.raises(ValueError, match=r"spatial .*\[0, "):
        prior.check(ids.flip(1), labels)
    with pytest.raises(InputError, match=r"width 30 .*4 heads: .*2 \* heads = 8"):
        tiny_prior(width=30, heads=4)
    with pytest.raises(InputError, match="label_dropout: .*0 to 1, .*1.5"):
        tiny_prior(label_dropout=1.5)
