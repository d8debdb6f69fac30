import json

import numpy as np
import pytest

from sweettok.metrics.record import KEYS, flatten_records, is_record, record


def test_holds_what_was_given_as_plain_json():
    interval = np.array([21.0, 22.0])
    entry = record(np.float32(21.5), np.int64(256), "test", np.int64(3), interval, frames=17, size=[32, 32])
    assert entry == {
        "value": 21.5,
        "n": 256,
        "split": "test",
        "seed": 3,
        "interval": [21.0, 22.0],
        "protocol": {"frames": 17, "size": [32, 32]},
    }
    assert json.loads(json.dumps(entry)) == entry
    assert is_record(entry) and tuple(entry) == KEYS


def test_seed_and_interval_may_be_absent():
    entry = record(1, 2, "val")
    assert entry["seed"] is None and entry["interval"] is None and entry["protocol"] == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_refuses_non_finite_values_and_names_the_metric(value):
    with pytest.raises(ValueError, match="frechet_video/judge.*finite"):
        record(value, 4, "test", metric="frechet_video/judge")
    with pytest.raises(ValueError, match="psnr.*interval"):
        record(1.0, 4, "test", interval=(0.0, abs(value)), metric="psnr")


@pytest.mark.parametrize(
    "bad", [{"n": 0}, {"n": 2.5}, {"interval": (2.0, 1.0)}, {"sha": object()}, {"temperature": float("nan")}]
)
def test_refuses_what_a_record_cannot_hold(bad):
    with pytest.raises(ValueError, match="psnr"):
        record(1.0, **{"n": 4, "split": "test", "metric": "psnr"} | bad)


def test_flatten_finds_records_at_any_depth_and_skips_the_rest():
    metrics = {"psnr": record(20, 1, "test"), "ssim": record(0.5, 1, "test")}
    tree = {
        "methods": {"sweettok": {"metrics": metrics, "bits": 560}},
        "fid": record(3, 1, "test"),
        "learned": [1, 2],
    }
    assert flatten_records(tree) == {
        "methods.sweettok.metrics.psnr": 20.0,
        "methods.sweettok.metrics.ssim": 0.5,
        "fid": 3.0,
    }


def test_flatten_names_the_non_finite_metric():
    broken = record(1.0, 1, "test") | {"value": float("nan")}
    with pytest.raises(ValueError, match="ssim"):
        flatten_records({"ssim": broken})
