"""One of each tokenizer of this project, for clips of 9 frames of 16 x 16, and outputs to fit baselines on."""

import pytest
import torch

from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import CodecPoint
from sweettok.tokenizers.codecs import CodecTokenizer
from sweettok.tokenizers.copy_first_frame import CopyFirstFrame
from sweettok.tokenizers.mean_colour import MeanColour
from sweettok.tokenizers.proxy import Proxy
from sweettok.tokenizers.sweettok import wrapped
from sweettok.tokenizers.trilinear import Trilinear
from sweettok.training.curriculum import weights_hash


@pytest.fixture(scope="session")
def tokenizers(make_model, proxy_params):
    """Name -> tokenizer."""
    torch.manual_seed(0)
    network = ProxyTokenizer(proxy_params, make_model().patches).eval()
    point = CodecPoint(crf=40, time=2, space=1)
    tokenizers = [
        wrapped("sweettok", make_model()), Proxy("proxy", 9, 16, network, weights_hash(network)),
        MeanColour("mean_colour", 9, 16), CopyFirstFrame("copy_first_frame", 9, 16),
        Trilinear("trilinear", 9, 16, (3, 4, 4)), CodecTokenizer("h264", 9, 16, "h264", point),
        CodecTokenizer("av1", 9, 16, "av1", point),
    ]  # fmt: skip
    return {tokenizer.name: tokenizer for tokenizer in tokenizers}
