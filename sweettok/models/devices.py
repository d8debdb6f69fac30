"""What depends on the device that computes."""

import torch


def waits(device: torch.device) -> bool:
    """Whether to read a tensor's value is to wait for everything that the device was told to compute: not on a CPU."""
    return device.type != "cpu"
