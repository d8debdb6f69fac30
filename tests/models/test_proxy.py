"""The proxy: shapes, causality (an image is coded as a clip's first frame), codes as the decoder reads them."""

import pytest
import torch

from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import Patches


@pytest.fixture(scope="module")
def proxy(proxy_params, clips):
    torch.manual_seed(0)
    model = ProxyTokenizer(proxy_params, Patches(spatial=4, temporal=2))
    with torch.no_grad():
        model.train()(clips(8))  # k-means start
    return model.eval()


def test_shapes_and_ranges(proxy, clips):
    reconstruction, quantized = proxy(clips(2))
    assert reconstruction.shape == (2, 3, 9, 16, 16)
    assert quantized.indices.shape == (2, 5, 16) and quantized.z_q.shape == (2, 5, 16, 4)
    assert quantized.indices.min() >= 0 and quantized.indices.max() < 20 and 0 < quantized.usage <= 1


def test_decode_of_encode_is_the_forward_pass(proxy, clips):
    with torch.no_grad():
        expected = proxy(clips(3))[0].clamp(-1, 1)
    assert torch.equal(proxy.decode(proxy.encode(clips(3))), expected)


def test_an_image_is_coded_and_decoded_as_the_first_frame_of_its_clip(proxy, clips):
    clip = clips(4)
    codes, code = proxy.encode(clip), proxy.encode(clip[:, :, :1])
    assert torch.equal(codes[:, :1], code)
    assert torch.allclose(proxy.decode(codes)[:, :, :1], proxy.decode(code), atol=1e-5)


def test_later_frames_do_not_change_earlier_codes(proxy, clips):
    clip = clips(4)
    later = torch.cat([clip[:, :, :5], clips(4, seed=9)[:, :, 5:]], dim=2)
    codes, others = proxy.encode(clip), proxy.encode(later)
    assert torch.equal(codes[:, :3], others[:, :3]) and not torch.equal(codes[:, 3:], others[:, 3:])


def test_codebook_is_what_the_decoder_reads(proxy, clips):
    with torch.no_grad():
        quantized = proxy(clips(2))[1]
        assert proxy.codebook().shape == (20, 4)
        assert torch.allclose(proxy.codebook()[quantized.indices], quantized.z_q, atol=1e-6)


def test_evaluation_changes_nothing(proxy, clips):
    before = {name: value.clone() for name, value in proxy.state_dict().items()}
    proxy.encode(clips(4, seed=5))
    assert all(torch.equal(value, before[name]) for name, value in proxy.state_dict().items())


def test_gradients_reach_every_weight(proxy_params, clips):
    torch.manual_seed(0)
    model = ProxyTokenizer(proxy_params, Patches(spatial=4, temporal=2)).train()
    reconstruction, quantized = model(clips(4))
    ((reconstruction - clips(4)).square().mean() + quantized.loss).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("index", [-1, 20])
def test_index_outside_the_codebook(proxy, index):
    with pytest.raises(ValueError, match=r"\[0, 20\)"):
        proxy.decode(torch.full((1, 5, 16), index))
