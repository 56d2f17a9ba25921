"""Break each call of a later sync: it ends, nothing is lost or written twice, and every outcome is true."""

from collections.abc import Callable

import pytest

from harness.environment import Environment
from harness.fault_matrix import EFFECTS, run_cells


@pytest.mark.sample(3)
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("phase", ["change", "recreate"])
async def test_single_fault_breaks_no_rule(
    environment: Environment,
    phase: str,
    effect: str,
    one_in: int,
    record_property: Callable[[str, object], None],
) -> None:
    cells, broken = await run_cells(environment, phase, effect, one_in=one_in)
    record_property("cells", cells)
    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
