"""The section on classical codecs."""

import pytest
from pydantic import ValidationError

from sweettok.params import Codecs


def at(crf, time=1, space=1):
    return {"crf": crf, "time": time, "space": space}


def test_every_point_is_listed_with_its_codec():
    codecs = Codecs(h264=[at(51), at(30, 4, 2)], av1=[])
    assert [(name, point.crf, point.time) for name, point in codecs.points()] == [("h264", 51, 1), ("h264", 30, 4)]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"h264": [at(52)]}, "crf .*51 .*h264"),
        ({"av1": [at(0)]}, "crf"),
        ({"av1": [at(30, 0)]}, "time"),
        ({"av1": [at(30), at(30)]}, "twice"),
        ({"h264": [51]}, "h264"),
        ({"vp8": []}, "vp8"),
    ],
)
def test_what_cannot_be_coded_is_refused(wrong, named):
    with pytest.raises(ValidationError, match=named):
        Codecs(**({"h264": [], "av1": []} | wrong))
