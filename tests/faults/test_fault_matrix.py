"""Whichever call goes wrong: every sync ends, nothing is there twice or lost, and all is told as it is."""

import asyncio
from collections.abc import Callable

import pytest

from matrix import EFFECTS, PHASES, Cell, Scale, kinds_of, wrong_in
from stage import Theatre

AT_ONCE = 12
"""Cells under way at a time: most of them wait."""


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("phase", PHASES)
async def test_one_fault_costs_no_promise(
    theatre: Theatre, phase: str, effect: str, record_property: Callable[[str, object], None]
) -> None:
    scale = Scale()
    cells = [Cell(phase, system, kind, effect) for system, kind in await kinds_of(theatre, phase, scale)]
    places = asyncio.Semaphore(AT_ONCE)

    async def run(cell: Cell) -> list[str]:
        async with places:
            return await wrong_in(theatre, cell, scale)

    found = await asyncio.gather(*(run(cell) for cell in cells))
    record_property("cells", len(cells))
    if broken := [line for lines in found for line in lines]:
        pytest.fail("\n".join(broken), pytrace=False)
