"""What depends on the device that computes."""

import torch

ROOM = 2**29  # bytes


def waits(device: torch.device) -> bool:
    """Whether to read a tensor's value is to wait for everything that the device was told to compute: not on a CPU."""
    return device.type != "cpu"


def at_once(device: torch.device, bytes_each: int, on_cpu: int) -> int:
    """How many items of so many bytes to compute together: `ROOM` of a GPU's memory holds them; a CPU takes `on_cpu`, for
    its cache. Not what memory is free: then a training that resumes would round otherwise than one that was not stopped."""
    return max(1, ROOM // bytes_each if waits(device) else on_cpu)
