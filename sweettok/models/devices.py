"""What depends on the device that computes."""

import torch


def waits(device: torch.device) -> bool:
    """Whether to read a tensor's value is to wait for everything that the device was told to compute: not on a CPU."""
    return device.type != "cpu"


def at_once(device: torch.device, bytes_each: int, on_cpu: int) -> int:
    """How many items, of so many bytes each, to compute together: on a GPU those that a hundredth of its memory holds,
    on a CPU `on_cpu`, for its cache. All memory counts, not what is free: a training that resumes must round the same."""
    if device.type != "cuda":
        return max(1, on_cpu)
    return max(1, torch.cuda.get_device_properties(device).total_memory // 100 // bytes_each)
