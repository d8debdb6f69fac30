"""What a run says of its machine."""

import platform

import pytest

from sweettok.provenance import cpu_name

X86 = """processor\t: {number}
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
stepping\t: 1
power management:
"""


def test_generations_of_one_name_are_told_apart(tmp_path):
    (tmp_path / "cpuinfo").write_text("\n".join(X86.format(number=number) for number in range(2)))
    assert cpu_name(tmp_path / "cpuinfo") == "AMD EPYC (family 25, model 17)"


@pytest.mark.parametrize("content", ["processor\t: 0\nBogoMIPS\t: 50.00\n", ""])
def test_a_processor_without_a_name_is_its_architecture(tmp_path, content):
    (tmp_path / "cpuinfo").write_text(content)
    assert cpu_name(tmp_path / "cpuinfo") == (platform.processor() or platform.machine())
    assert cpu_name(tmp_path / "absent") == (platform.processor() or platform.machine())
