"""Whichever call of a later sync goes wrong: it ends, nothing is twice or lost, and all is told as it is."""

from collections.abc import Callable

import pytest

from harness.environment import Environment
from harness.fault_matrix import EFFECTS, run_cells


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("phase", ["change", "recreate"])
async def test_one_fault_costs_no_promise(
    environment: Environment, phase: str, effect: str, record_property: Callable[[str, object], None]
) -> None:
    cells, broken = await run_cells(environment, phase, effect)
    record_property("cells", cells)
    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
