"""What a call costs beside time: peak memory by the kernel, operations and where the time goes by torch."""

import ctypes
import gc
from pathlib import Path

import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count


def peak_memory(function) -> tuple[object, float | None]:
    """What a call returns, and by how many MB it raises the process's resident memory at its peak; None where the kernel does
    not tell.

    Linux keeps the peak of a process (VmHWM), and forgets it when asked to (clear_refs); see proc(5).
    """
    process, status = psutil.Process(), Path("/proc/self/status")
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed earlier must not hide what this call takes
        before = process.memory_info().rss
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return function(), None
    result = function()
    peak = next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return result, max(0, peak - before) / 1e6


def giga_operations(function) -> tuple[object, float]:
    """What a call returns, and its floating-point operations in 10^9; it takes no gradients. Torch does not count the CPU's
    attention by itself."""
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    counted = {attention: lambda query, key, value, *rest, **more: sdpa_flop_count(query, key, value)}
    with FlopCounterMode(display=False, custom_mapping=counted) as counter:
        result = function()
    return result, counter.get_total_flops() / 1e9


def profile(function) -> dict[str, float]:
    """Share of a call's time by operation, the six largest."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        function()
    times = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    whole = sum(times.values())
    largest = sorted(times, key=times.get, reverse=True)[:6]
    return {name.removeprefix("aten::"): times[name] / whole for name in largest}
