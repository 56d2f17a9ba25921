"""Run random, repeatable histories of a section and check every rule at every step."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from harness.environment import Environment
from harness.state_machine import SectionMachine

SHORT, LONG = (
    settings(max_examples=examples, stateful_step_count=14, suppress_health_check=list(HealthCheck))
    for examples in (4, 25)
)


@pytest.fixture
async def section_machine(environment: Environment) -> type[SectionMachine]:
    return type(
        "SectionLife", (SectionMachine,), {"environment": environment, "loop": asyncio.get_running_loop()}
    )


@pytest.mark.timeout(1200)  # a few hundred syncs
def test_random_section_history_breaks_no_rule(section_machine: type[SectionMachine], run_all: bool) -> None:
    run_state_machine_as_test(section_machine, settings=LONG if run_all else SHORT)
