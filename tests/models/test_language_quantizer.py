"""Words as codes, against slow plain re-derivations: nearest words, composition, graph convolution, caches."""

import copy

import pytest
import torch
from quantizer_kinds import KINDS, latents

from sweettok.models.quantizers import PARTS_OF_SPEECH, build_quantizers


def test_union_takes_the_nearest_word_by_euclidean_distance(quantizers_of):
    quantizer = quantizers_of()["spatial"]
    z = latents(16, seed=3)
    with torch.no_grad():
        latent, codes, indices = quantizer.to_code(z), quantizer.codes(), quantizer(z).indices
    for point, chosen in zip(latent.flatten(0, 1), indices.flatten().tolist(), strict=True):
        distances = [(point - code).square().sum().item() for code in codes]
        assert distances[chosen] == pytest.approx(min(distances), abs=1e-6)
    assert len(indices.unique()) > 3


def test_composed_lookup_against_a_plain_re_derivation(quantizers_of, codebook):
    """Two best of the first part of speech by left halves, best of the second by right ones, by distance."""
    for group, (first, second) in PARTS_OF_SPEECH.items():
        quantizer = quantizers_of(lookup="composed")[group]
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


def test_composed_tokens_say_which_words_each_index_may_be(quantizers_of, codebook):
    spatial = quantizers_of(lookup="composed")["spatial"]
    assert spatial.slots == [(0, 10), (0, 10), (10, 9)]
    assert quantizers_of()["spatial"].slots == [(0, 19)] and quantizers_of(quantizer="learned")["temporal"].slots == [
        (0, 15)
    ]


@pytest.mark.parametrize(("place", "index"), [(0, 10), (1, 18), (2, 9), (2, 19)])
def test_each_index_of_a_composed_token_has_its_own_range(quantizers_of, place, index):
    """10 adjectives, then 9 nouns: a noun at an adjective's place is a word, but not one that encoding could give."""
    quantizer = quantizers_of(lookup="composed")["spatial"]
    allowed = [(0, 10), (0, 10), (10, 19)]
    tokens = torch.tensor([0, 9, 18]).expand(2, 4, 3).clone()
    assert quantizer.lookup(tokens).isfinite().all()
    tokens[1, 2, place] = index
    start, end = allowed[place]
    with pytest.raises(ValueError, match=rf"\[{start}, {end}\) .*place {place} .*\b{index}\b"):
        quantizer.lookup(tokens)


def test_composed_tokens_need_three_indices(quantizers_of):
    with pytest.raises(ValueError, match=r"\(B, N, 3\).*\(1, 4\)"):
        quantizers_of(lookup="composed")["spatial"].lookup(torch.zeros(1, 4, dtype=torch.int64))


def test_composed_lookup_needs_its_parts_of_speech(quantizers_of):
    with pytest.raises(ValueError, match="by_part_of_speech"):
        quantizers_of(lookup="composed", words="all")


def test_composed_lookup_needs_an_even_code_dim(quantizers_of):
    with pytest.raises(ValueError, match="code_dim"):
        quantizers_of(lookup="composed", code_dim=5)


def test_graph_convolution_against_a_dense_re_derivation(quantizers_of, codebook):
    """F(c) = A relu(A c W1 + c V1) W2 + c V2, A = D^-1/2 (counts + I) D^-1/2 over the group's own words."""
    quantizer = quantizers_of()["temporal"]
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


def test_without_edges_every_word_is_alone(quantizers_of):
    quantizer = quantizers_of(graph="none")["spatial"]
    assert torch.equal(quantizer.edges[0], quantizer.edges[1])
    assert torch.equal(quantizer.edge_weights, torch.ones(quantizer.size))


@pytest.mark.parametrize("kind", ["union", "composed", "all words", "shuffled"])
def test_codes_are_unit_vectors_that_differ(quantizers_of, kind):
    codes = quantizers_of(**KINDS[kind])["spatial"].codes().detach()
    assert torch.allclose(codes.norm(dim=1), torch.ones(len(codes)), atol=1e-5)
    assert (torch.cdist(codes, codes) + 9 * torch.eye(len(codes))).min() > 1e-3


@pytest.mark.parametrize("kind", ["union", "composed", "all words"])
def test_loss_moves_words_and_latents(quantizers_of, kind):
    quantizer = quantizers_of(**KINDS[kind])["spatial"].train()
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


def test_cached_codes_follow_loaded_weights(quantizers_of):
    one, other = quantizers_of()["spatial"], quantizers_of(seed=0)["spatial"]
    with torch.no_grad():
        other.graph_out.weight.add_(
            torch.randn(other.graph_out.weight.shape, generator=torch.Generator().manual_seed(0))
        )
        other.train().eval()
        stale, wanted = one.codes(), other.codes()
        assert not torch.allclose(stale, wanted, atol=1e-3)
        one.load_state_dict(other.state_dict())
        assert torch.equal(one.codes(), wanted)


def test_cached_codes_follow_a_training_step(quantizers_of):
    quantizer = quantizers_of()["spatial"]
    before = quantizer.codes().clone()
    adam = torch.optim.Adam(quantizer.parameters(), 1e-2)
    quantizer.train()(latents(8)).loss.backward()
    adam.step()
    after = quantizer.eval().codes()
    assert not torch.allclose(before, after, atol=1e-4)
    quantizer._cache = None
    assert torch.equal(after, quantizer.codes())


def test_codes_are_computed_once_in_eval_mode(quantizers_of):
    """Whatever mode comes between, until a weight changes."""
    quantizer = quantizers_of()["spatial"]
    fresh = quantizer.codes()
    assert quantizer.train().codes().requires_grad
    assert quantizer.eval().codes() is fresh and not fresh.requires_grad
    with torch.no_grad():
        quantizer.graph_out.weight.mul_(1.5)
    assert not torch.equal(quantizer.codes(), fresh)


def test_codes_by_sums_over_edges_as_by_sparse_products(quantizers_of, monkeypatch):
    """What a GPU computes."""
    quantizer = quantizers_of()["spatial"].train()
    expected = quantizer.codes()
    monkeypatch.setattr("sweettok.models.devices.waits", lambda device: True)
    assert torch.allclose(quantizer.codes(), expected, atol=1e-4)


def test_training_codes_hold_a_graph_for_each_step(quantizers_of):
    """Two steps one after another must not share a graph."""
    quantizer = quantizers_of()["spatial"].train()
    for _ in range(2):
        quantizer(latents(4)).loss.backward()


def test_only_the_graph_convolution_is_folded_away(quantizers_of):
    """Codes computed once, as in eval mode, need none of the folded parameters."""
    quantizer = quantizers_of()["spatial"]
    with torch.no_grad():
        codes, z_q = quantizer.codes(), quantizer(latents(2)).z_q
        for layer in (quantizer.graph_in, quantizer.skip_in, quantizer.graph_out, quantizer.skip_out):
            for parameter in layer.parameters():
                parameter.fill_(float("nan"))
        quantizer.codes = lambda: codes
        assert torch.equal(quantizer(latents(2)).z_q, z_q)
    left = sum(
        parameter.numel() for layer in (quantizer.to_code, quantizer.project_out) for parameter in layer.parameters()
    )
    trained = sum(parameter.numel() for parameter in quantizer.parameters())
    assert trained - quantizer.folded_parameters == left + quantizer.size * quantizer.codes().shape[1]
