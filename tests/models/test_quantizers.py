"""Quantisers against slow plain re-derivations: nearest words, composition, graph convolution, whitening, caches."""

import copy

import pytest
import torch
import torch.nn.functional as F

from sweettok.models.learned_quantizer import LearnedQuantizer
from sweettok.models.quantized import SCORES_AT_ONCE
from sweettok.models.quantizers import PARTS_OF_SPEECH, build_quantizers

KINDS = {
    "union": {},
    "composed": {"lookup": "composed"},
    "all words": {"words": "all"},
    "shuffled": {"words": "shuffled"},
    "shuffled, composed": {"words": "shuffled", "lookup": "composed"},
    "wrong vectors": {"words": "permuted_vectors"},
    "no graph": {"graph": "none"},
    "random graph": {"graph": "random"},
    "learned": {"quantizer": "learned"},
}


def latents(batch, seed=0, tokens=4):
    return torch.randn(batch, tokens, 24, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def make(codebook, tokenizer_of):
    """overrides -> the two quantisers, in eval mode; the spatial one has seen some latents."""

    def build(**overrides):
        torch.manual_seed(0)
        quantizers = build_quantizers(tokenizer_of(**overrides), codebook).train()
        with torch.no_grad():
            for seed in range(3):
                quantizers["spatial"](latents(16, seed))
        return quantizers.eval()

    return build


@pytest.mark.parametrize("kind", KINDS)
def test_lookup_is_the_inverse_of_forward(make, kind):
    quantizer = make(**KINDS[kind])["spatial"]
    with torch.no_grad():
        quantized = quantizer(latents(8, seed=7))
        assert quantized.z_q.shape == (8, 4, 24) and quantized.indices.dtype == torch.int64
        assert quantized.indices.shape == ((8, 4, 3) if "composed" in kind else (8, 4))
        assert torch.equal(quantizer.lookup(quantized.indices), quantized.z_q)
        assert quantized.usage == len(quantized.indices.unique()) / quantizer.size


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "learned"])
def test_train_and_eval_mode_see_the_same_function(make, kind):
    """A step's statistics give the same words in eval mode; straight-through has the value of the lookup."""
    quantizer = make(**KINDS[kind])["spatial"].train()
    z = latents(64, seed=7)
    with torch.no_grad():
        trained = quantizer(z)
        evaluated = quantizer.eval()(z)
    assert torch.equal(evaluated.indices, trained.indices)
    assert torch.allclose(evaluated.z_q, trained.z_q, atol=1e-4)
    assert trained.loss > 0 == evaluated.loss and trained.loss.ndim == 0


def test_union_takes_the_nearest_word_by_euclidean_distance(make):
    quantizer = make()["spatial"]
    z = latents(16, seed=3)
    with torch.no_grad():
        latent, codes, indices = quantizer.to_code(z), quantizer.codes(), quantizer(z).indices
    for point, chosen in zip(latent.flatten(0, 1), indices.flatten().tolist(), strict=True):
        distances = [(point - code).square().sum().item() for code in codes]
        assert distances[chosen] == pytest.approx(min(distances), abs=1e-6)
    assert len(indices.unique()) > 3


def test_composed_lookup_against_a_plain_re_derivation(make, codebook):
    """Two best of the first part of speech by left halves, best of the second by right ones, by distance."""
    for group, (first, second) in PARTS_OF_SPEECH.items():
        quantizer = make(lookup="composed")[group]
        z = latents(4, seed=3, tokens=quantizer.to_code.mean.shape[0])
        with torch.no_grad():
            latent, codes, quantized = quantizer.to_code(z), quantizer.codes(), quantizer(z)
            part = {word: codebook.part_of_speech[codebook.words.index(word)] for word in quantizer.words}
            for b in range(latent.shape[0]):
                for n in range(latent.shape[1]):
                    left, right = latent[b, n, :2], latent[b, n, 2:]
                    scores = {
                        i: float((left - codes[i, :2]).norm())
                        for i, word in enumerate(quantizer.words)
                        if part[word] == first
                    }
                    one, two = sorted(scores, key=scores.get)[:2]
                    scores = {
                        i: float((right - codes[i, 2:]).norm())
                        for i, word in enumerate(quantizer.words)
                        if part[word] == second
                    }
                    three = min(scores, key=scores.get)
                    assert quantized.indices[b, n].tolist() == [one, two, three]
                    code = torch.cat([(codes[one, :2] + codes[two, :2]) / 2, codes[three, 2:]])
                    assert torch.allclose(quantized.z_q[b, n], quantizer.project_out(code), atol=1e-5)


def test_composed_tokens_say_which_words_each_index_may_be(make, codebook):
    spatial = make(lookup="composed")["spatial"]
    assert spatial.slots == [(0, 10), (0, 10), (10, 9)]
    assert make()["spatial"].slots == [(0, 19)] and make(quantizer="learned")["temporal"].slots == [(0, 15)]


def test_graph_convolution_against_a_dense_re_derivation(make, codebook):
    """F(c) = A relu(A c W1 + c V1) W2 + c V2, A = D^-1/2 (counts + I) D^-1/2 over the group's own words."""
    quantizer = make()["temporal"]
    words = [codebook.words.index(word) for word in quantizer.words]
    assert [codebook.part_of_speech[i] for i in words] == ["adverb"] * 7 + ["verb"] * 8
    adjacency = torch.eye(len(words), dtype=torch.float64)
    for (a, b), count in zip(codebook.edges.tolist(), codebook.edge_counts.tolist(), strict=True):
        if a in words and b in words:
            adjacency[words.index(a), words.index(b)] += count
            adjacency[words.index(b), words.index(a)] += count
    degree = adjacency.sum(1)
    adjacency = adjacency / (degree[:, None] * degree[None]).sqrt()
    c = codebook.vectors[words].double()
    c = (c - c.mean(0)) / c.std(0)
    q = copy.deepcopy(quantizer).double()
    with torch.no_grad():
        hidden = (adjacency @ (c @ q.graph_in.weight.T + q.graph_in.bias) + c @ q.skip_in.weight.T).clamp_min(0)
        codes = adjacency @ (hidden @ q.graph_out.weight.T + q.graph_out.bias) + c @ q.skip_out.weight.T
        codes = codes - codes.mean(0)
        covariance = codes.T @ codes / len(codes)
        values, vectors = torch.linalg.eigh(covariance)
        codes = codes @ vectors @ torch.diag(values.rsqrt()) @ vectors.T
        expected = codes / codes.norm(dim=1, keepdim=True)
        assert torch.allclose(quantizer.codes().double(), expected, atol=2e-3)


@pytest.mark.parametrize("kind", ["union", "composed", "all words", "shuffled"])
def test_codes_are_unit_vectors_that_differ(make, kind):
    codes = make(**KINDS[kind])["spatial"].codes().detach()
    assert torch.allclose(codes.norm(dim=1), torch.ones(len(codes)), atol=1e-5)
    assert (torch.cdist(codes, codes) + 9 * torch.eye(len(codes))).min() > 1e-3


@pytest.mark.parametrize("kind", ["union", "composed", "learned"])
def test_gradient_passes_straight_through(make, kind):
    """The gradient of the decoder's input reaches the latents as if there were no quantisation."""
    quantizer = make(**KINDS[kind])["spatial"].train()
    z = latents(8, seed=4).requires_grad_()
    quantizer(z).z_q.square().sum().backward()
    assert z.grad.isfinite().all() and (z.grad.abs().sum(-1) > 0).float().mean() > 0.9


def test_straight_through_gradient_equals_that_of_the_latent(make):
    quantizer, direction = make()["spatial"].train(), latents(8, seed=5)
    z = latents(8, seed=4).requires_grad_()
    plain = copy.deepcopy(quantizer)
    (quantizer(z).z_q * direction).sum().backward()
    other = z.detach().clone().requires_grad_()
    (plain.project_out(plain.to_code(other)) * direction).sum().backward()
    assert torch.allclose(z.grad, other.grad, atol=1e-6)


@pytest.mark.parametrize("kind", ["union", "composed", "all words"])
def test_loss_moves_words_and_latents(make, kind):
    quantizer = make(**KINDS[kind])["spatial"].train()
    z = latents(8, seed=4).requires_grad_()
    quantizer(z).loss.backward()
    moved = [name for name, p in quantizer.named_parameters() if p.grad is not None and p.grad.any()]
    assert z.grad.any() and any(name.startswith("graph") for name in moved) and "to_code.project.weight" in moved
    assert quantizer.vectors.grad is None and not quantizer.vectors.requires_grad  # word vectors stay frozen


def test_usage_entropy_rewards_spread_words(codebook, tokenizer_of):
    """With the term, a batch whose latents are all alike costs more than one whose latents differ."""

    def extra(z):
        losses = []
        for weight in (0.0, 1.0):
            torch.manual_seed(0)
            quantizer = build_quantizers(tokenizer_of(usage_entropy=weight), codebook)["spatial"].train()
            with torch.no_grad():
                quantizer(latents(64))
                quantizer.to_code._update = lambda latent: None  # keep the statistics of the varied batch
                losses.append(quantizer(z).loss.item())
        return losses[1] - losses[0]

    assert extra(latents(64)) < extra(latents(1).expand(64, -1, -1)) - 0.1


def test_cached_codes_follow_loaded_weights(make):
    one, other = make()["spatial"], make(seed=0)["spatial"]
    with torch.no_grad():
        other.graph_out.weight.add_(
            torch.randn(other.graph_out.weight.shape, generator=torch.Generator().manual_seed(0))
        )
        other.train().eval()
        stale, wanted = one.codes(), other.codes()
        assert not torch.allclose(stale, wanted, atol=1e-3)
        one.load_state_dict(other.state_dict())
        assert torch.equal(one.codes(), wanted)


def test_cached_codes_follow_a_training_step(make):
    quantizer = make()["spatial"]
    before = quantizer.codes().clone()
    adam = torch.optim.Adam(quantizer.parameters(), 1e-2)
    quantizer.train()(latents(8)).loss.backward()
    adam.step()
    after = quantizer.eval().codes()
    assert not torch.allclose(before, after, atol=1e-4)
    quantizer._cache = None
    assert torch.equal(after, quantizer.codes())


def test_codes_are_computed_once_in_eval_mode(make):
    quantizer = make()["spatial"]
    fresh = quantizer.codes()
    assert torch.equal(quantizer.codes(), fresh)
    assert quantizer.codes() is quantizer.codes() and not quantizer.codes().requires_grad
    assert quantizer.train().codes().requires_grad


def test_training_codes_hold_a_graph_for_each_step(make):
    """Two steps one after another must not share a graph."""
    quantizer = make()["spatial"].train()
    for _ in range(2):
        quantizer(latents(4)).loss.backward()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", [-1, 10_000])
def test_index_outside_the_vocabulary(make, kind, index):
    quantizer = make(**KINDS[kind])["spatial"]
    shape = (1, 4, 3) if "composed" in kind else (1, 4)
    with pytest.raises(ValueError, match=rf"\[0, \d+\).*{index}"):
        quantizer.lookup(torch.full(shape, index))


@pytest.mark.parametrize(("place", "index"), [(0, 10), (1, 18), (2, 9), (2, 19)])
def test_each_index_of_a_composed_token_has_its_own_range(make, place, index):
    """10 adjectives, then 9 nouns: a noun at an adjective's place is a word, but not one that encoding could give."""
    quantizer = make(lookup="composed")["spatial"]
    allowed = [(0, 10), (0, 10), (10, 19)]
    tokens = torch.tensor([0, 9, 18]).expand(2, 4, 3).clone()
    assert quantizer.lookup(tokens).isfinite().all()
    tokens[1, 2, place] = index
    start, end = allowed[place]
    with pytest.raises(ValueError, match=rf"\[{start}, {end}\) .*place {place} .*\b{index}\b"):
        quantizer.lookup(tokens)


def test_composed_tokens_need_three_indices(make):
    with pytest.raises(ValueError, match=r"\(B, N, 3\).*\(1, 4\)"):
        make(lookup="composed")["spatial"].lookup(torch.zeros(1, 4, dtype=torch.int64))


def test_groups_have_their_own_words(make, codebook):
    for group, parts in PARTS_OF_SPEECH.items():
        wanted = [w for w, part in zip(codebook.words, codebook.part_of_speech, strict=True) if part in parts]
        assert make()[group].words == wanted
    assert make(words="all")["spatial"].words == make(words="all")["temporal"].words == codebook.words
    shuffled = make(words="shuffled")
    assert shuffled["spatial"].words != make()["spatial"].words
    assert sorted(shuffled["spatial"].words + shuffled["temporal"].words) == sorted(codebook.words)


def test_without_edges_every_word_is_alone(make):
    quantizer = make(graph="none")["spatial"]
    assert torch.equal(quantizer.edges[0], quantizer.edges[1])
    assert torch.equal(quantizer.edge_weights, torch.ones(quantizer.size))


def test_only_the_graph_convolution_is_folded_away(make):
    """Codes computed once, as in eval mode, need none of the folded parameters."""
    quantizer = make()["spatial"]
    with torch.no_grad():
        z_q = quantizer(latents(2)).z_q
        for layer in (quantizer.graph_in, quantizer.skip_in, quantizer.graph_out, quantizer.skip_out):
            for parameter in layer.parameters():
                parameter.fill_(float("nan"))
        assert torch.equal(quantizer(latents(2)).z_q, z_q)
    left = sum(
        parameter.numel() for layer in (quantizer.to_code, quantizer.project_out) for parameter in layer.parameters()
    )
    trained = sum(parameter.numel() for parameter in quantizer.parameters())
    assert trained - quantizer.folded_parameters == left + quantizer.size * quantizer.codes().shape[1]


@pytest.mark.parametrize("words", ["by_part_of_speech", "all", "shuffled"])
def test_learned_codebooks_are_as_large_as_those_of_words(make, words):
    learned, language = make(quantizer="learned", words=words), make(words=words)
    assert [learned[group].size for group in PARTS_OF_SPEECH] == [language[group].size for group in PARTS_OF_SPEECH]


def test_composed_lookup_needs_its_parts_of_speech(make):
    with pytest.raises(ValueError, match="by_part_of_speech"):
        make(lookup="composed", words="all")


def test_composed_lookup_needs_an_even_code_dim(make):
    with pytest.raises(ValueError, match="code_dim"):
        make(lookup="composed", code_dim=5)


def test_learned_quantiser_takes_the_nearest_of_its_codes(make):
    quantizer = make(quantizer="learned")["spatial"]
    z = latents(16, seed=3)
    with torch.no_grad():
        latent = F.normalize(quantizer.to_code(z), dim=-1)
        codes = quantizer.quantize.get_codes_from_indices(torch.arange(quantizer.size)[None])[0]
        distances = torch.cdist(latent.flatten(0, 1), codes)  # (tokens, codes)
        chosen = distances.gather(1, quantizer(z).indices.flatten()[:, None])[:, 0]
    assert torch.allclose(chosen, distances.min(1).values, atol=1e-4)


def test_learned_codes_move_towards_the_latents_in_training_only(make):
    quantizer = make(quantizer="learned")["spatial"]
    state = {name: value.clone() for name, value in quantizer.state_dict().items()}
    quantizer(latents(8, seed=2))
    assert all(torch.equal(value, state[name]) for name, value in quantizer.state_dict().items())
    quantizer.train()(latents(8, seed=2))
    assert any(not torch.equal(value, state[name]) for name, value in quantizer.state_dict().items() if "embed" in name)


def test_learned_quantiser_survives_a_state_dict(make):
    one, other = make(quantizer="learned")["spatial"], LearnedQuantizer(19, 24, 4, 4, 0.25).eval()
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        assert torch.equal(one(latents(8)).z_q, other(latents(8)).z_q)


@pytest.mark.parametrize("kind", ["union", "composed", "learned"])
def test_quantising_is_fp32_under_autocast(make, kind):
    quantizer = make(**KINDS[kind])["spatial"]
    z = latents(16, seed=3)
    with torch.no_grad():
        plain = quantizer(z)
        quantizer.train().eval()
        with torch.autocast("cpu", torch.bfloat16):
            cast = quantizer(z)
            looked_up = quantizer.lookup(cast.indices)
    assert cast.z_q.dtype == torch.float32 and torch.equal(plain.indices, cast.indices)
    assert looked_up.dtype == torch.float32 and torch.equal(looked_up, plain.z_q)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scores", [1, 40, 19 * 7])
def test_chunks_of_tokens_find_the_same_words(make, monkeypatch, kind, scores):
    """Down to one token at a time, which is also what remains where a word list alone exceeds the limit."""
    quantizer, z = make(**KINDS[kind])["spatial"], latents(16, seed=3)
    with torch.no_grad():
        whole = quantizer(z)
        monkeypatch.setattr("sweettok.models.quantized.SCORES_AT_ONCE", scores)
        chunked = quantizer(z)
    assert torch.equal(whole.indices, chunked.indices) and torch.equal(whole.z_q, chunked.z_q)
    assert whole.usage == chunked.usage


def test_chunks_of_tokens_have_the_same_loss_and_gradients(make, monkeypatch):
    quantizer, results = make(usage_entropy=1.0)["spatial"].train(), []
    quantizer.to_code._update = lambda latent: None
    for scores in (SCORES_AT_ONCE, 19 * 7):
        monkeypatch.setattr("sweettok.models.quantized.SCORES_AT_ONCE", scores)
        quantizer.zero_grad()
        z = latents(16, seed=3).requires_grad_()
        quantized = quantizer(z)
        (quantized.loss + quantized.z_q.sum()).backward()
        results.append([quantized.loss.detach(), z.grad, *(p.grad.clone() for p in quantizer.parameters())])
    assert len(results[0]) > 5 and results[0][1].any()
    for whole, chunked in zip(*results, strict=True):
        assert torch.allclose(whole, chunked, atol=1e-6, rtol=1e-5)


WORDS, TOKENS = 2000, 1024  # of each group: scores of all tokens with all words would be 8 MB


@pytest.fixture(scope="module")
def long_codebook(codebook_of):
    parts = [part for pair in PARTS_OF_SPEECH.values() for part in pair for _ in range(WORDS // 2)]
    edges = torch.tensor([[0, WORDS - 1], [WORDS, 2 * WORDS - 1]])
    generator = torch.Generator().manual_seed(0)
    return codebook_of([f"word{place}" for place in range(2 * WORDS)], parts, edges, torch.ones(2).long(), generator)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", ["union", "composed", "learned"])
def test_memory_does_not_grow_with_words_times_tokens(
    long_codebook, tokenizer_of, monkeypatch, largest_storage, kind, training
):
    if kind == "learned" and training:
        pytest.skip("the learned codes' statistics need the whole batch at once")
    torch.manual_seed(0)
    quantizer = build_quantizers(tokenizer_of(**KINDS[kind]), long_codebook)["spatial"].train(training)

    def run():
        quantized = quantizer(latents(TOKENS // 4))
        if training:
            (quantized.loss + quantized.z_q.sum()).backward()

    run()  # learned codes start from the first batch
    with largest_storage() as whole:
        run()
    monkeypatch.setattr("sweettok.models.quantized.SCORES_AT_ONCE", 16 * WORDS)
    with largest_storage() as chunked:
        run()
    tables = 4 * WORDS * 64  # the widest table of words, in bytes: the graph convolution's hidden layer
    assert max(whole) >= 4 * TOKENS * WORDS // 2
    assert max(chunked) <= max(tables, 4 * 16 * WORDS)
