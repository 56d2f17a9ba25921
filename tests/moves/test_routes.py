"""Check that no table of routes is printed without every cell, and that the one in the way is named."""

import pytest
from sqlalchemy import make_url, text

from gradesync.db.cell_routes import CellUnreadable, list_routes
from harness.cells import Cells
from harness.commands import run_gradesync
from harness.runtimes import settings_on
from harness.servers import Urls


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (("west=postgresql://o@h/d", "west=postgresql://o@i/d"), "name of its own"),
        (("we st=postgresql://o@h/d",), "name of its own"),
        (("=postgresql://o@h/d",), "name of its own"),
        (("west",), "has no URL"),
        (("west=nonsense",), "URL is postgresql"),
    ],
)
async def test_cells_that_make_no_table_are_refused(
    servers: Urls, given: tuple[str, ...], refusal: str
) -> None:
    cells = (f"--cell={cell}" for cell in given)
    printed = await run_gradesync(
        "district", "routes", *cells, environment=settings_on(servers).environment()
    )
    assert (printed.code, printed.out) == (1, "")
    assert refusal in printed.err


async def test_cell_that_cannot_be_read_is_named(cells: Cells, fresh: Urls) -> None:
    owner = cells.west.migrate_database_url
    nowhere = make_url(owner).set(port=1, password="hidden").render_as_string(hide_password=False)
    for url in (
        nowhere,
        cells.east.database_url,
        fresh.migrate_database_url,
        "postgresql://o:hidden@h:x/d",
    ):
        printed = await run_gradesync(
            *("district", "routes", f"--cell=west={owner}", f"--cell=east={url}"),
            environment=settings_on(cells.west).environment(),
        )
        assert (printed.code, printed.out) == (1, "")
        assert printed.err.startswith("✗ The cell east cannot be read: ")
        assert len(printed.err.splitlines()) == 1
        assert "hidden" not in printed.err


async def test_cell_of_another_release_is_named(cells: Cells) -> None:
    async with cells.east.owner() as owner:
        await owner.execute(text("ALTER TABLE invitation RENAME TO later"))
    try:
        with pytest.raises(CellUnreadable, match="The cell east cannot be read: it is of another release"):
            await list_routes({"east": cells.east.migrate_database_url})
    finally:
        async with cells.east.owner() as owner:
            await owner.execute(text("ALTER TABLE later RENAME TO invitation"))
