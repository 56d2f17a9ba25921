"""Live random, repeatable school years on a virtual calendar, and judge every sync by the rules."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from harness.environment import Environment
from harness.year import YearMachine

SHORT, LONG = (
    settings(max_examples=years, stateful_step_count=steps, suppress_health_check=list(HealthCheck))
    for years, steps in ((3, 16), (7, 35))
)


@pytest.fixture
async def year_machine(environment: Environment) -> type[YearMachine]:
    return type("ShortYear", (YearMachine,), {"environment": environment, "loop": asyncio.get_running_loop()})


def test_school_year_breaks_no_rule(year_machine: type[YearMachine]) -> None:
    run_state_machine_as_test(year_machine, settings=SHORT)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_longer_school_years_break_no_rule(year_machine: type[YearMachine]) -> None:
    run_state_machine_as_test(year_machine, settings=LONG)
