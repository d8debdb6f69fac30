"""The proxy: its codes against another library and by hand, shapes, causality, codes as the decoder reads them."""

import itertools
import math

import pytest
import torch

from sweettok.models.proxy import FiniteScalarQuantizer, ProxyTokenizer
from sweettok.params import Patches

LEVELS = [(4, 5), (2,), (8, 8, 8, 4, 4), (3, 2, 7)]


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("levels", LEVELS)
def test_values_are_those_of_vector_quantize_pytorch(levels):
    """Its symmetric kind (Parker et al. 2024, arXiv 2411.19842), which rounds to evenly spaced values in [-1, 1]."""
    from vector_quantize_pytorch import FSQ

    reference, z = FSQ(list(levels), preserve_symmetry=True), 2 * draw(200, len(levels))
    quantizer = FiniteScalarQuantizer(levels)
    assert torch.allclose(quantizer(z), reference.quantize(z), atol=1e-6)
    digits = reference.indices_to_level_indices(reference.codes_to_indices(reference.quantize(z)))
    assert torch.equal(quantizer.digits(quantizer.indices(z)), digits.long())


def test_codes_by_hand():
    quantizer = FiniteScalarQuantizer((4, 5))
    z = torch.tensor([[-9.0, -9.0], [9.0, 9.0], [-0.3, 0.0], [0.4, 0.6]])  # tanh: -0.29, 0; 0.38, 0.54
    values = torch.tensor([[-1.0, -1.0], [1.0, 1.0], [-1 / 3, 0.0], [1 / 3, 0.5]])
    assert torch.allclose(quantizer(z), values, atol=1e-6)
    assert quantizer.indices(z).tolist() == [0, 19, 1 * 5 + 2, 2 * 5 + 3]


@pytest.mark.parametrize("levels", LEVELS)
def test_every_index_is_one_code(levels):
    """Indices count the codes, the last digit fastest; value, digits and index say the same."""
    quantizer, count = FiniteScalarQuantizer(levels), math.prod(levels)
    digits = quantizer.digits(torch.arange(count))
    if count < 100:
        assert digits.tolist() == [list(code) for code in itertools.product(*map(range, levels))]
    values = quantizer.value_of(digits)
    assert values.min() == -1 and values.max() == 1 and len(values.unique(dim=0)) == count
    z = torch.atanh(values.clamp(-0.9999, 0.9999))
    assert torch.equal(quantizer.indices(z), torch.arange(count)) and torch.allclose(quantizer(z), values, atol=1e-5)


@pytest.mark.parametrize("shape", [(), (3,), (2, 5, 16)])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_any_number_of_leading_axes(shape, dtype):
    quantizer = FiniteScalarQuantizer((4, 5))
    z = draw(*shape, 2)
    indices = quantizer.indices(z)
    assert indices.shape == shape and indices.dtype == torch.int64 and quantizer(z).shape == (*shape, 2)
    assert torch.allclose(quantizer.value_of(quantizer.digits(indices.to(dtype))), quantizer(z), atol=1e-6)


def test_the_gradient_goes_straight_through_the_rounding():
    quantizer, z = FiniteScalarQuantizer((4, 5)), draw(7, 2).requires_grad_()
    weights = draw(7, 2, seed=1)
    (quantizer(z) * weights).sum().backward()
    assert torch.allclose(z.grad, weights * (1 - z.detach().tanh().square()), atol=1e-6)


def test_expected_values():
    quantizer, indices = FiniteScalarQuantizer((4, 5)), torch.tensor([0, 7, 19])
    digits = quantizer.digits(indices)
    certain = torch.cat([1e4 * torch.nn.functional.one_hot(digits[:, i], n) for i, n in enumerate((4, 5))], dim=-1)
    assert torch.allclose(quantizer.expected(certain), quantizer.value_of(digits), atol=1e-6)
    assert torch.allclose(quantizer.expected(torch.zeros(1, 9)), torch.zeros(1, 2), atol=1e-6)
    logits = draw(6, 9)
    first = logits[:, :4].softmax(-1) @ torch.tensor([-1, -1 / 3, 1 / 3, 1])
    second = logits[:, 4:].softmax(-1) @ torch.tensor([-1, -0.5, 0, 0.5, 1])
    assert torch.allclose(quantizer.expected(logits), torch.stack([first, second], dim=-1), atol=1e-6)


def test_cross_entropy_and_accuracy_by_hand():
    quantizer, logits, indices = FiniteScalarQuantizer((4, 5)), draw(2, 3, 9), torch.tensor([[0, 7, 19], [5, 5, 12]])
    nats, right = [], []
    for row, index in zip(logits.flatten(0, 1), indices.flatten().tolist(), strict=True):
        for part, digit in ((row[:4], index // 5), (row[4:], index % 5)):
            nats.append(-part.log_softmax(0)[digit].item())
            right.append(part.argmax().item() == digit)
    assert quantizer.cross_entropy(logits, indices).item() == pytest.approx(sum(nats) / 12, rel=1e-5)
    assert quantizer.accuracy(logits, indices).item() == pytest.approx(sum(right) / 12)


def test_arithmetic_is_fp32_under_autocast():
    """Near levels differ by less than bf16 can tell."""
    quantizer, z, logits = FiniteScalarQuantizer((8, 8, 4)), draw(50, 3), draw(50, 20)
    indices = quantizer.indices(z)
    alone = quantizer(z), indices, quantizer.expected(logits), quantizer.cross_entropy(logits, indices)
    with torch.autocast("cpu", torch.bfloat16):
        under = quantizer(z), quantizer.indices(z), quantizer.expected(logits), quantizer.cross_entropy(logits, indices)
    for one, other in zip(alone, under, strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)


@pytest.mark.parametrize("index", [-1, 20])
def test_an_index_that_is_no_code(index):
    quantizer = FiniteScalarQuantizer((4, 5))
    with pytest.raises(ValueError, match=rf"\[0, 20\), .*{index}"):
        quantizer.digits(torch.tensor([3, index]))
    assert quantizer.digits(torch.zeros(0, dtype=torch.int64)).shape == (0, 2)


@pytest.fixture(scope="module")
def proxy(proxy_params):
    torch.manual_seed(0)
    return ProxyTokenizer(proxy_params, Patches(spatial=4, temporal=2)).eval()


@pytest.mark.parametrize("frames, latent", [(9, 5), (1, 1)])
def test_shapes_and_ranges(proxy, clips, frames, latent):
    clip = clips(2)[:, :, :frames]
    codes = proxy.encode(clip)
    assert proxy(clip).shape == clip.shape and proxy.latents(clip).shape == (2, latent, 16, 2)
    assert codes.shape == (2, latent, 16) and codes.dtype == torch.int64
    assert 0 <= codes.min() <= codes.max() < 20 and len(codes.unique()) > 3
    assert proxy.decode(codes).shape == clip.shape and proxy.decode(codes).abs().max() <= 1


def test_bits_of_a_patch(proxy):
    assert proxy.bits_per_patch == pytest.approx(math.log2(20))


def test_decode_of_encode_is_the_forward_pass(proxy, clips):
    with torch.no_grad():
        expected = proxy(clips(3)).clamp(-1, 1)
    assert torch.allclose(proxy.decode(proxy.encode(clips(3))), expected, atol=1e-6)


def test_codes_do_not_depend_on_the_batch(proxy, clips):
    clip = clips(5, seed=6)
    codes = proxy.encode(clip)
    assert torch.equal(codes, torch.cat([proxy.encode(one) for one in clip.split(1)]))
    shown = torch.cat([proxy.decode(one) for one in codes.split(1)])
    assert torch.allclose(proxy.decode(codes), shown, atol=1e-6)


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


def test_nothing_but_weights_is_saved(proxy):
    """Levels say what codes mean, so there is no codebook that could be lost or damaged."""
    assert set(proxy.state_dict()) == {name for name, _ in proxy.named_parameters()}
    assert list(proxy.quantizer.parameters()) == []


def test_gradients_reach_every_weight(proxy_params, clips):
    torch.manual_seed(0)
    model = ProxyTokenizer(proxy_params, Patches(spatial=4, temporal=2)).train()
    (model(clips(4)) - clips(4)).square().mean().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("index", [-1, 20])
def test_index_outside_the_codebook(proxy, index):
    with pytest.raises(ValueError, match=r"\[0, 20\)"):
        proxy.decode(torch.full((1, 5, 16), index))
