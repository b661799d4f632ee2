"""The engine in a simulated world; DAVENPORT_SIMULATION_SEED replays the seed that a failure names.

DAVENPORT_SIMULATION_OPERATIONS sets how many operations the slow run makes.
"""

import os
from pathlib import Path

import pytest

from davenport.sync.plan import Mode
from tests.sync.simulation import Simulation, Violation

SEED = os.environ.get("DAVENPORT_SIMULATION_SEED")
OPERATIONS = int(os.environ.get("DAVENPORT_SIMULATION_OPERATIONS", "100000"))
EACH = 100


def simulate(path: Path, seed: int, mode: Mode, operations: int) -> Simulation:
    path.mkdir()
    simulation = Simulation(path / "state", seed, mode)
    try:
        simulation.go(operations)
    except Violation as violation:
        name = "DAVENPORT_SIMULATION_SEED"
        pytest.fail(f"{violation}\nreplay with {name}={seed} (mode {mode}, {simulation.wild})")
    finally:
        simulation.state.close()
    return simulation


def seeds(first: int, count: int) -> list[int]:
    return [int(SEED)] if SEED else list(range(first, first + count))


@pytest.mark.parametrize("mode, count", [("sync", 24), ("copy", 6), ("mirror", 6)])
def test_nothing_is_lost_or_doubled(tmp_path: Path, mode: Mode, count: int) -> None:
    crashes = 0
    for seed in seeds(0, count):
        crashes += simulate(tmp_path / str(seed), seed, mode, EACH).crashes
    assert crashes or SEED


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_in_the_long_run(tmp_path: Path) -> None:
    modes: tuple[Mode, ...] = ("sync", "sync", "sync", "copy", "mirror")
    for seed in seeds(10_000, OPERATIONS // EACH):
        simulate(tmp_path / str(seed), seed, modes[seed % len(modes)], EACH)
