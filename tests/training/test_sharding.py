"""What the launcher may ask for, and that nothing changes where nothing is sharded; test_processes.py shards."""

import pytest
import torch
from torch import nn

from sweettok.errors import InputError
from sweettok.training.sharding import adam_state_for, own, sharding_asked, whole, whole_state


@pytest.fixture
def launched(monkeypatch):
    """Settings of a launcher -> what training makes of them."""

    def ask(**settings):
        for name in ("ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP", "FSDP_VERSION", "FSDP_OFFLOAD_PARAMS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return sharding_asked()

    return ask


def test_sharding_is_asked_for_by_the_launcher(launched):
    assert launched() is None and launched(ACCELERATE_USE_FSDP="false") is None
    assert launched(ACCELERATE_USE_FSDP="true", FSDP_VERSION="2").reshard_after_forward is True
    kept = launched(ACCELERATE_USE_FSDP="true", FSDP_VERSION="2", FSDP_RESHARD_AFTER_FORWARD="false")
    assert kept.reshard_after_forward is False


@pytest.mark.parametrize(
    "settings, named",
    [
        ({"ACCELERATE_USE_DEEPSPEED": "true"}, "DeepSpeed"),
        ({"ACCELERATE_USE_FSDP": "true"}, "add --fsdp_version 2"),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "1"}, "add --fsdp_version 2"),
        (
            {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_OFFLOAD_PARAMS": "true"},
            "fsdp_offload_params to false",
        ),
    ],
)
def test_what_is_refused(launched, settings, named):
    with pytest.raises(InputError, match=named) as refused:
        launched(**settings)
    assert "\n" not in str(refused.value)


def test_whole_tensors_stay_what_they_are():
    model = nn.Linear(3, 2)
    adam = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    adam.step()
    state = adam.state_dict()
    assert own(model.weight) is model.weight and whole(model.weight) is model.weight
    assert whole_state(state) == adam_state_for(state, list(model.parameters())) == state
