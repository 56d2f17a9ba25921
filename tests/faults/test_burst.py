"""Run many sections, faults and several workers at once: a small part of `make soak`."""

from harness.burst import Burst, run_burst
from harness.environment import Environment


async def test_burst_with_faults_breaks_no_rule(environment: Environment) -> None:
    burst = Burst(seed=1, sections=4, rounds=3, faults=6)
    assert await run_burst(environment, burst) == []
    assert environment.seen.syncs == burst.sections * burst.rounds
    assert environment.seen.faults
