"""Inception for FID: torch-fidelity's network, loaded without unpickling, fed as FID is defined."""

import pytest
import torch

from sweettok.errors import InputError
from sweettok.metrics.inception import Inception, inception_shapes


@pytest.fixture(scope="module")
def state():
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in inception_shapes().items():
        values = torch.rand(shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            values = torch.tensor(0)
        elif len(shape) > 1:
            values = (values * 2 - 1) * (6 / values[0].numel()) ** 0.5
        elif name.endswith(("bias", "running_mean")):
            values = values * 0.1
        else:
            values = values + 0.5
        state[name] = values
    return state


def test_it_has_the_published_files_entries(state):
    """566 entries; the classifier still has TensorFlow's 1,008 classes."""
    assert len(state) == 566 and state["fc.weight"].shape == (1008, 2048)


def test_features_are_those_of_torch_fidelity_on_bytes(state, tmp_path):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.save(state, tmp_path / "weights.pth")
    reference = FeatureExtractorInceptionV3("reference", ["2048"], str(tmp_path / "weights.pth"))
    pixels = torch.randint(0, 256, (2, 3, 40, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    images = (pixels.float() / 127.5 - 1).unsqueeze(2)
    features = Inception(state)(images)
    assert features.shape == (2, 2048) and features.std() > 0
    torch.testing.assert_close(features, reference(pixels)[0], rtol=0, atol=0)


def test_other_weights_are_refused(state):
    with pytest.raises(InputError, match=r"Inception-v3 .*: .*fc\.bias"):
        Inception({name: tensor for name, tensor in state.items() if name != "fc.bias"})
    with pytest.raises(InputError, match=r"fc\.weight .*\(1000, 2048\), .*\(1008, 2048\)"):
        Inception(state | {"fc.weight": torch.zeros(1000, 2048)})  # torchvision's classifier, another network


def test_images_only(state):
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        Inception(state)(torch.full((1, 3, 1, 40, 40), 200.0))
