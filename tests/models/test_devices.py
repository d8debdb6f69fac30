"""How much is computed at once, by what computes."""

import pytest
import torch

from sweettok.models.devices import ROOM, at_once


@pytest.mark.parametrize("kind, bytes_each, expected", [("cuda", 2**20, 512), ("cuda", 2 * ROOM, 1), ("cpu", 2**20, 7)])
def test_a_gpu_takes_what_its_room_holds(kind, bytes_each, expected):
    assert at_once(torch.device(kind), bytes_each, on_cpu=7) == expected
