"""That freed memory stays with the process where glibc is the C library."""

import platform
import subprocess
import sys

import pytest

PROBE = """
import resource
import torch
from sweettok.allocator import keep_freed_blocks

def pages_of_a_step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16_000_000)  # 64 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

CALL
print(sum([pages_of_a_step() for _ in range(20)][10:]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_blocks_are_used_again_without_paging_them_in():
    def pages(call):
        probe = PROBE.replace("CALL", call)
        return int(subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True).stdout)

    assert pages("keep_freed_blocks()") < pages("") / 10
