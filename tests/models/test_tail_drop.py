"""Tokens left out from the end: which go first, what the decoder gets for them, and what training draws."""

import pytest
import torch

from sweettok.models.tail_drop import ABSENT, TailDrop, drop_tails, ranks
from sweettok.models.tokenizer import VideoTokenizer


@pytest.fixture(scope="module")
def model(make_model):
    return make_model(tail_drop=1.0, temporal_queries="global")


def test_tokens_are_kept_from_coarse_to_fine():
    """Of an 8 x 8 grid the first 4^k tokens are every (8 / 2^k)th place of rows and columns."""
    of_grid = ranks(64, frames=1)
    assert sorted(of_grid.tolist()) == list(range(64))
    for level, spacing in enumerate((8, 4, 2, 1)):
        kept = {(place // 8, place % 8) for place in range(64) if of_grid[place] < 4**level}
        assert kept == {(row, column) for row in range(0, 8, spacing) for column in range(0, 8, spacing)}


def test_every_frame_keeps_the_same_places():
    of_frames = ranks(48, frames=3).view(3, 16)
    for count in range(0, 48, 3):
        kept = of_frames < count
        assert (kept == kept[0]).all() and kept.sum() == count
    assert ranks(5, 1, placed=False).tolist() == list(range(5))
    assert ranks(6, 2, placed=False).tolist() == [0, 2, 4, 1, 3, 5]
    assert ranks(9, frames=1).argsort()[0] == 0 and sorted(ranks(9, 1).tolist()) == list(range(9))


def test_absent_tokens_become_one_learned_vector(model):
    quantizer = model.quantizers["spatial"]
    with torch.no_grad():
        quantizer.absent.normal_()
        tokens = torch.tensor([[3, 4, 5, 6], [6, 5, 4, 3]])
        cut = quantizer.shortened(tokens, torch.tensor([1, 3]))
        assert cut.tolist() == [[3, -1, -1, -1], [6, 5, 4, -1]]
        z_q, whole = quantizer.lookup(cut), quantizer.quantizer.lookup(tokens)
    assert torch.equal(z_q[cut >= 0], whole[cut >= 0])
    assert torch.equal(z_q[cut < 0], quantizer.absent.expand(4, -1))
    quantizer.absent.data.zero_()


@pytest.mark.parametrize("overrides", [{"lookup": "composed"}, {"quantizer": "factorised"}, {"quantizer": "fsq"}])
def test_other_codes_can_be_left_out_too(make_model, clips, overrides):
    model = make_model(tail_drop=0.5, temporal_queries="global", **overrides)
    tokens = model.encode(clips(2))
    for group, part in zip(model.groups, tokens.split([4, 16], dim=1), strict=True):
        quantizer = model.quantizers[group]
        cut = quantizer.shortened(part, torch.tensor([1, 2]))
        absent = (cut == ABSENT).flatten(2).all(-1) if cut.ndim == 3 else cut == ABSENT
        assert (~absent).sum(1).tolist() == [1, 2]
        assert torch.equal(quantizer.lookup(cut)[~absent], quantizer.lookup(part)[~absent])
        with pytest.raises(ValueError, match="expected"):
            quantizer.lookup(torch.full_like(part, -2))


def test_nothing_is_dropped_unless_training_says_so(model, clips):
    z = torch.randn(4, 16, 24, generator=torch.Generator().manual_seed(0))
    quantizer = model.quantizers["temporal"]
    with torch.no_grad():
        whole = quantizer(z)
        drop_tails(model)
        dropped = quantizer(z)
        model.eval()
        assert torch.equal(quantizer(z).z_q, whole.z_q) and torch.equal(whole.z_q, quantizer.lookup(whole.indices))
    assert torch.equal(dropped.indices, whole.indices)
    gone = (dropped.z_q == quantizer.absent).all(-1)
    assert gone.any() and torch.equal(dropped.z_q[~gone], whole.z_q[~gone])


def test_lengths_are_drawn_evenly_for_the_share_of_clips(model):
    quantizer = TailDrop(model.quantizers["temporal"].quantizer, 24, torch.arange(16), share=0.5)
    quantizer.absent.data.fill_(7.0)
    torch.manual_seed(0)
    quantizer.dropping = True
    with torch.no_grad():
        kept = (quantizer(torch.randn(4000, 16, 24)).z_q != 7.0).any(-1).sum(1)
    counts = kept.bincount(minlength=17)[1:] / 4000
    assert counts[-1].item() == pytest.approx(0.5 + 0.5 / 16, abs=0.03)
    assert torch.allclose(counts[:-1], torch.tensor(0.5 / 16), atol=0.015)


def test_a_model_of_all_lengths_is_saved_whole(model, clips, tmp_path):
    model.save(tmp_path / "model")
    loaded = VideoTokenizer.load(tmp_path / "model")
    clip = clips(2)
    tokens = model.encode(clip)
    cut = torch.cat(
        [tokens[:, :4], model.quantizers["temporal"].shortened(tokens[:, 4:], torch.tensor([3, 16]))], dim=1
    )
    assert torch.equal(loaded.encode(clip), tokens) and torch.equal(loaded.decode(cut), model.decode(cut))
    assert torch.equal(model.decode(cut)[1], model.decode(tokens)[1])
    assert not torch.equal(model.decode(cut)[0], model.decode(tokens)[0])
    assert model.words(tokens) == loaded.words(tokens)
