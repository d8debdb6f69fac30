"""Energy that the processor packages draw, where the kernel lets it be read (Intel's and AMD's RAPL, Linux powercap)."""

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Joules since it was made, of the whole machine: other programs' work counts as well.

    folder: of the kernel's counters. Their files are often readable for root alone, and absent in most containers.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        self._zones = _packages(folder)
        self._start = {zone: _number(zone / "energy_uj") for zone in self._zones}

    def joules(self) -> float | None:
        """Energy drawn so far; None where it cannot be read. A counter that has started anew once is put right."""
        total = 0
        for zone in self._zones:
            before, now, largest = self._start[zone], _number(zone / "energy_uj"), _number(zone / "max_energy_range_uj")
            if before is None or now is None or largest is None:
                return None
            total += (now - before) % (largest + 1)
        return total / 1e6 if self._zones else None


def _packages(folder: Path) -> list[Path]:
    """The counters of whole processors; those of their parts, and of the platform around them, would count twice."""
    found = []
    for zone in sorted(folder.glob("*:*")) if folder.is_dir() else ():
        try:
            name = (zone / "name").read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            continue
        if name.startswith("package"):
            found.append(zone)
    return found


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
