"""The section on classical codecs."""

import pytest
from pydantic import ValidationError

from sweettok.params import Codecs


def test_a_codec_without_qualities_is_not_run():
    assert Codecs(h264=[51, 30], av1=[]).points() == [("h264", 51), ("h264", 30)]


@pytest.mark.parametrize("wrong", [{"h264": [52]}, {"av1": [0]}, {"h264": ["51"]}, {"vp8": [3]}])
def test_what_an_encoder_does_not_know_is_refused(wrong):
    with pytest.raises(ValidationError):
        Codecs(**({"h264": [], "av1": []} | wrong))
