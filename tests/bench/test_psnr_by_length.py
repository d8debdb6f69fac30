"""Quality against length: what is measured is what the tokenizer gives."""

import pytest
import torch
from bench.length import psnr_by_length

from sweettok.metrics.fidelity import psnr
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Patches


@pytest.fixture(scope="module")
def model(codebook_of, tokenizer_of, proxy_params):
    parts = [part for part in ("adjective", "noun", "adverb", "verb") for _ in range(6)]
    edges = torch.tensor([[0, 6], [12, 18]])
    generator = torch.Generator().manual_seed(0)
    codebook = codebook_of([f"word{n}" for n in range(24)], parts, edges, torch.ones(2).long(), generator)
    torch.manual_seed(0)
    params = tokenizer_of(temporal_queries="global")
    return VideoTokenizer(params, Patches(spatial=4, temporal=2), proxy_params, (9, 16), codebook).eval()


def test_a_row_for_each_length(model):
    clips = torch.rand(2, 3, 19, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    own, longer = psnr_by_length(model, clips, [9, 19], overlaps=[0, 3])
    at_nine = psnr(clips[:, :, :9], model.reconstruct(clips[:, :, :9])).mean().item()
    assert own["psnr_one_go"] == pytest.approx(at_nine) == pytest.approx(own["psnr_overlap_0"])
    at_19 = psnr(clips, model.at_length(19).reconstruct(clips)).mean().item()
    assert longer["frames"] == 19 and longer["psnr_one_go"] == pytest.approx(at_19)
    assert longer["psnr_overlap_3"] != pytest.approx(longer["psnr_overlap_0"])
    # In one go 4 + 16 tokens; two windows and one image; with overlap windows from 0, 6 and 12 on.
    assert [longer[f"tokens_{way}"] for way in ("one_go", "overlap_0", "overlap_3")] == [20, 44, 60]


def test_clips_that_are_too_short(model):
    with pytest.raises(ValueError, match=" 19 .* 9$"):
        psnr_by_length(model, torch.zeros(1, 3, 9, 16, 16), [19], [0])
