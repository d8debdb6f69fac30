import pytest
import torch

from sweettok.errors import InputError
from sweettok.generation.layout import TokenGroup, TokenLayout
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.sampling import (
    decode_in_batches,
    draw,
    for_pictures,
    keep_top_k,
    keep_top_p,
    sample,
    sample_classes_in_turn,
    sample_in_batches,
)
from sweettok.params import SamplingSettings

LAYOUTS = {
    "union": TokenLayout((TokenGroup("spatial", 4, ((0, 11),)), TokenGroup("temporal", 6, ((0, 7),)))),
    "composed": TokenLayout(
        (TokenGroup("spatial", 2, ((0, 3), (0, 3), (3, 8))), TokenGroup("temporal", 3, ((0, 2), (0, 2), (0, 6))))
    ),
}
LABELS = torch.tensor([0, 1, 2, 0, 1])


def sharp_prior(layout: TokenLayout) -> Prior:
    """Untrained, but with weights so large that its predictions are far from uniform and differ between labels."""
    prior = Prior(PriorConfig(2, 2, 32, 3, 0.1, layout), torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.mul_(8 if parameter.ndim == 2 else 1)
    return prior


def settings(**changes) -> SamplingSettings:
    sizes = {"samples": 5, "batch_size": 5, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "guidance": 1.0, "seed": 0}
    return SamplingSettings(**(sizes | changes))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def slow_reference(
    prior: Prior, labels: torch.Tensor, sampling: SamplingSettings, generator: torch.Generator
) -> torch.Tensor:
    """One clip after another, full forward passes with masked V-wide logits, words drawn by walking down the list."""
    layout, clips = prior.config.layout, []
    for label in labels:
        ids = torch.tensor([[layout.allowed(p).start for p in range(layout.length)]])  # later positions are not seen
        for position in range(layout.length):
            conditional = prior(ids, label[None])[0, position]
            unconditional = prior(ids, label[None], torch.tensor([True]))[0, position]
            logits = unconditional + sampling.guidance * (conditional - unconditional)
            logits[~layout.mask()[position]] = -torch.inf
            probabilities = (logits / sampling.temperature).softmax(0)
            ranked = probabilities.argsort(descending=True)
            ranked = ranked[: sampling.top_k or len(ranked)]
            share, kept = 0.0, []
            for word in ranked:
                kept.append(int(word))
                share += float(probabilities[word] / probabilities[ranked].sum())
                if share >= sampling.top_p:
                    break
            target = float(torch.rand(1, generator=generator)) * float(probabilities[kept].sum())
            for word in sorted(kept):
                ids[0, position] = word
                target -= float(probabilities[word])
                if target < 0:
                    break
        clips.append(ids)
    return layout.unflatten(torch.cat(clips))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    "changes",
    [{}, {"guidance": 1.25}, {"guidance": 0.0}, {"temperature": 2.0, "top_k": 4, "top_p": 0.9, "guidance": 0.5}],
    ids=str,
)
def test_equals_slow_reference_with_and_without_cache(layout, changes):
    prior, sampling = sharp_prior(layout), settings(**changes)
    expected = slow_reference(prior, LABELS, sampling, seeded())
    assert torch.equal(sample(prior, LABELS, sampling, seeded()), expected)
    assert torch.equal(sample(prior, LABELS, sampling, seeded(), use_cache=False), expected)
    assert not torch.equal(sample(prior, LABELS, sampling, seeded(1)), expected)


def test_top_k_1_is_greedy_whatever_the_noise():
    layout = LAYOUTS["union"]
    prior = sharp_prior(layout)
    tokens = sample(prior, LABELS, settings(top_k=1), seeded())
    assert torch.equal(tokens, sample(prior, LABELS, settings(top_k=1, temperature=3.0), seeded(7)))
    with torch.no_grad():
        ids = layout.flatten(tokens)
        assert torch.equal(prior(ids, LABELS).argmax(-1), ids)


def test_guidance_1_never_reads_the_unconditional_prefix():
    prior = sharp_prior(LAYOUTS["union"])
    expected = sample(prior, LABELS, settings(), seeded())
    with torch.no_grad():
        prior.transformer.embed_tokens.weight[-1] = torch.nan  # "no class"
    assert torch.equal(sample(prior, LABELS, settings(), seeded()), expected)


def test_guidance_0_ignores_the_label():
    prior = sharp_prior(LAYOUTS["union"])
    noise_only = sample(prior, LABELS, settings(guidance=0.0), seeded())
    assert torch.equal(noise_only, sample(prior, LABELS.flip(0) * 0, settings(guidance=0.0), seeded()))
    assert not torch.equal(noise_only, sample(prior, LABELS, settings(), seeded()))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_tokens_are_valid_for_their_position(layout):
    labels = LABELS.repeat(40)
    tokens = sample(sharp_prior(layout), labels, settings(temperature=5.0, guidance=1.5), seeded())
    assert tokens.dtype == torch.int64
    assert torch.equal(layout.unflatten(layout.flatten(tokens)), tokens)  # flatten refuses an index out of range
    seen = {tuple(clip) for clip in tokens.flatten(1).tolist()}
    assert len(seen) > 150  # at this temperature nearly all 200 differ


def test_batch_size_does_not_matter():
    prior, sampling = sharp_prior(LAYOUTS["union"]), settings(guidance=1.25)
    together = sample(prior, LABELS, sampling, seeded())
    generator = seeded()
    apart = [sample(prior, part, sampling, generator) for part in LABELS.split([2, 1, 2])]
    assert torch.equal(torch.cat(apart), together)


def test_global_generator_is_left_alone():
    state = torch.get_rng_state()
    sample(sharp_prior(LAYOUTS["union"]), LABELS, settings(), seeded())
    assert torch.equal(torch.get_rng_state(), state)


def test_top_p_keeps_the_smallest_set_of_at_least_that_mass():
    logits = 3 * torch.randn(200, 30, generator=seeded())
    probabilities = logits.double().softmax(-1)
    for p in (1e-6, 0.1, 0.5, 0.9, 0.999):
        kept = keep_top_p(logits, p).isfinite()
        mass = (probabilities * kept).sum(-1)
        least = probabilities.masked_fill(~kept, 2).amin(-1)
        assert (mass >= p - 1e-12).all()
        assert (mass - least < p).all()  # one word fewer would not do
        assert (probabilities.masked_fill(kept, 0).amax(-1) <= least).all()
        assert torch.equal(keep_top_p(logits, p)[kept], logits[kept])
    assert torch.equal(keep_top_p(logits, 1.0), logits)


def test_top_k_keeps_exactly_k():
    logits = torch.randn(50, 30, generator=seeded()).round(decimals=1)  # with equals
    for k in (1, 5, 29):
        kept = keep_top_k(logits, k).isfinite()
        assert (kept.sum(-1) == k).all()
        assert (logits.masked_fill(kept, -9).amax(-1) <= logits.masked_fill(~kept, 9).amin(-1)).all()
    for all_words in (0, 30, 4096):
        assert torch.equal(keep_top_k(logits, all_words), logits)


def test_draw_has_the_softmax_frequencies():
    logits = torch.tensor([-torch.inf, 0.0, 1.0, -torch.inf, 2.0, -torch.inf])
    clips = 100_000
    counts = draw(logits.expand(clips, -1), torch.rand(clips, generator=seeded())).bincount(minlength=6)
    torch.testing.assert_close(counts / clips, logits.softmax(0), atol=0.01, rtol=0)
    assert counts[[0, 3, 5]].sum() == 0
    edges = torch.tensor([0.0, 1 - 2**-24])  # smallest and largest float32 that torch.rand gives
    assert draw(logits.expand(2, -1), edges).tolist() == [1, 4]


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_diverged_prior_draws_nothing(value):
    prior = sharp_prior(LAYOUTS["union"])
    with torch.no_grad():
        prior.transformer.embed_tokens.weight[:] = value
    for guidance in (1.0, 2.0):
        with pytest.raises(InputError, match="NaN"):
            sample(prior, LABELS, settings(guidance=guidance, top_k=3, top_p=0.9), seeded())


@pytest.mark.parametrize("changes", [{"temperature": 1e-40}, {"guidance": 3e38}], ids=str)
def test_settings_that_overflow_draw_nothing(changes):
    with pytest.raises(InputError, match="guidance .*temperature"):
        sample(sharp_prior(LAYOUTS["union"]), LABELS, settings(**changes), seeded())


@pytest.mark.parametrize("row", [[torch.nan, 0.0], [torch.inf, 0.0], [-torch.inf, -torch.inf]], ids=str)
def test_a_row_without_a_distribution_draws_nothing(row):
    with pytest.raises(ValueError, match="infinity"):
        draw(torch.tensor([[0.0, 1.0], row]), torch.tensor([0.5, 0.5]))


def test_labels_are_checked():
    with pytest.raises(ValueError, match=r"labels .*\[0, 3\), .*3 to 3"):
        sample(sharp_prior(LAYOUTS["union"]), torch.tensor([3]), settings(), seeded())


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_learns_one_sequence_a_class_and_samples_it_back(layout):
    generator = seeded()
    allowed = [layout.allowed(position) for position in range(layout.length)]
    columns = [torch.randint(ids.start, ids.stop, (3,), generator=generator) for ids in allowed]
    sequences = torch.stack(columns, dim=1)  # (3 classes, S)
    prior = Prior(PriorConfig(2, 2, 32, 3, 0.1, layout), generator)
    optimiser = torch.optim.AdamW(prior.parameters(), lr=3e-3)
    labels = torch.arange(3).repeat(8)
    for _ in range(120):
        result = prior.loss(sequences[labels], labels, prior.dropped(labels, generator))
        optimiser.zero_grad()
        result["loss"].backward()
        optimiser.step()
    final = prior.loss(sequences, torch.arange(3))
    assert final["accuracy"] == 1
    assert final["bits_per_token"] < 0.1 * layout.indices_per_token
    for guidance in (1.0, 1.25):
        tokens = sample(prior, LABELS, settings(guidance=guidance, top_p=0.9), generator)
        assert torch.equal(layout.flatten(tokens), sequences[LABELS])


@pytest.mark.parametrize("batch_size", [1, 2, 5, 9])
def test_batches_draw_what_one_generator_draws_in_a_row(batch_size):
    prior, sampling = sharp_prior(LAYOUTS["union"]), settings(batch_size=batch_size)
    generator, other = seeded(), seeded()
    expected = torch.cat([sample(prior, part, sampling, generator) for part in LABELS.split(batch_size)])
    assert torch.equal(sample_in_batches(prior, LABELS, sampling, other), expected)
    assert torch.equal(generator.get_state(), other.get_state())


def test_classes_come_in_turn_and_the_seed_sets_the_noise():
    prior, sampling = sharp_prior(LAYOUTS["union"]), settings(samples=7, batch_size=3)
    tokens, labels = sample_classes_in_turn(prior, sampling, seed=2)
    assert labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert torch.equal(tokens, sample_in_batches(prior, labels, sampling, seeded(2)))
    assert not torch.equal(tokens, sample_classes_in_turn(prior, sampling, seed=3)[0])


def test_decoding_in_batches_is_decoding(make_model, clips):
    model = make_model()
    tokens = model.encode(clips(5))
    torch.testing.assert_close(decode_in_batches(model, tokens, 2), model.decode(tokens))


@pytest.mark.parametrize("classes, of", [(1, 1), (8, 8), (12, 12), (90, 12)])
def test_pictures_show_a_dozen_classes_at_most(classes, of):
    labels = torch.arange(200) % classes
    shown = labels[for_pictures(labels, classes)]
    kept = shown.unique()
    assert len(kept) == of and kept[0] == 0 and kept[-1] == classes - 1 and len(shown) <= 64
    if classes <= 12:
        assert torch.equal(shown, labels[:64])  # the first ones, as drawn
    else:
        assert kept.diff().max() - kept.diff().min() <= 1
