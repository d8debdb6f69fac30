"""How much is computed at once, by what computes."""

from types import SimpleNamespace

import pytest
import torch

from sweettok.models.devices import at_once


@pytest.mark.parametrize("bytes_each, expected", [(2**20, 800), (2**30, 1)])
def test_a_gpu_takes_what_a_share_of_its_memory_holds(monkeypatch, bytes_each, expected):
    whole = SimpleNamespace(total_memory=80_000 * 2**20)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: whole)
    assert at_once(torch.device("cuda"), bytes_each, on_cpu=7) == expected
    assert at_once(torch.device("cpu"), bytes_each, on_cpu=7) == 7
