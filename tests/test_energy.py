"""The processor's energy counters, as the kernel lays them out."""

from pathlib import Path

import pytest

from sweettok.energy import EnergyMeter


@pytest.fixture
def zone(tmp_path: Path):
    """(folder, name, counter in microjoules) -> the folder of a counter that starts anew above 999."""

    def make(folder: str, name: str, counter: int) -> Path:
        path = tmp_path / folder
        path.mkdir()
        for file, content in (("name", name), ("energy_uj", counter), ("max_energy_range_uj", 999)):
            (path / file).write_text(f"{content}\n")
        return path

    return make


def test_packages_add_up_and_their_parts_do_not_count(zone, tmp_path: Path):
    counters = [zone("intel-rapl:0", "package-0", 100), zone("intel-rapl:1", "package-1", 200)]
    inner, around = zone("intel-rapl:0:0", "core", 50), zone("intel-rapl:2", "psys", 50)
    meter = EnergyMeter(tmp_path)
    assert meter.joules() == 0
    for counter, now in ((counters[0], 350), (counters[1], 300), (inner, 900), (around, 900)):
        (counter / "energy_uj").write_text(f"{now}\n")
    assert meter.joules() == pytest.approx((250 + 100) / 1e6)


def test_a_counter_that_starts_anew(zone, tmp_path: Path):
    counter = zone("intel-rapl:0", "package-0", 990)
    meter = EnergyMeter(tmp_path)
    (counter / "energy_uj").write_text("20\n")
    assert meter.joules() == pytest.approx(30e-6)


@pytest.mark.parametrize("damage", ["energy_uj", "max_energy_range_uj", "name"])
@pytest.mark.parametrize("content", [None, "no number"])
def test_what_cannot_be_read_is_none_not_zero(zone, tmp_path: Path, damage: str, content: str | None):
    file = zone("intel-rapl:0", "package-0", 5) / damage
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    assert EnergyMeter(tmp_path).joules() is None


def test_without_counters(tmp_path: Path):
    assert EnergyMeter(tmp_path).joules() is EnergyMeter(tmp_path / "absent").joules() is None
