import subprocess
import sys

import pytest

IMPORTS = """
try:
    import torchvision
except RuntimeError:
    pass  # a half-done import must not be in the way
from sweettok.torchvision_operators import define_missing_operators
define_missing_operators()
define_missing_operators()
import torchvision
"""


@pytest.mark.parametrize("after_failed_attempt", [False, True])
def test_torchvision_imports_in_a_fresh_process(after_failed_attempt):
    program = IMPORTS if after_failed_attempt else IMPORTS[IMPORTS.index("from sweettok") :]
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
