"""Define the commands `district move` and `district routes`: districts in several cells."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from gradesync.cli.districts import DistrictId
from gradesync.cli.environment import open_settings, owner_url
from gradesync.cli.output import CommandError, err, out

if TYPE_CHECKING:
    from gradesync.db.moving import MoveTiming, Step


def move(
    district_id: DistrictId,
    to: Annotated[str, typer.Option(help="The URL of the target's database, with the role that owns it.")],
    abort: Annotated[bool, typer.Option("--abort", help="Break off a move, before its switch.")] = False,
    patience: Annotated[float, typer.Option(min=1, help="Seconds to wait for what runs or changes.")] = 300,
) -> None:
    """Move a district to another database. Broken off anywhere, it goes on when it is run again."""
    from gradesync.db.moving import MoveTiming
    from gradesync.observability.logs import configure_logging
    from gradesync.sync.context import SyncLimits

    configure_logging("warning", "text")
    with open_settings() as settings:
        timing = MoveTiming(SyncLimits().call_timeout, patience, settings.settle_seconds)
        asyncio.run(_move(owner_url(settings), to, district_id, timing, abort))


async def _move(source: str, target: str, district_id: str, timing: "MoveTiming", abort: bool) -> None:
    from gradesync.db.moving import open_move

    def report(step: "Step") -> None:
        out.print(f"[green]✓[/] {step}")

    async with open_move(source, target, district_id, timing, report) as opened:
        if abort:
            await opened.abort()
            return
        late = await opened.run()
    if late:
        err.print(f"{late} rows were written at the source after the switch, and erased.", soft_wrap=True)


def routes(
    cell: Annotated[list[str], typer.Option(help="NAME=URL of a cell, by its owner; once for each cell.")],
) -> None:
    """Print the cell of each district, client and LTI installation, as the map of a proxy reads it."""
    from gradesync.db.moving import list_routes
    from gradesync.observability.logs import configure_logging

    configure_logging("warning", "text")
    cells = dict(each.partition("=")[::2] for each in cell)
    if not all(cells.values()):
        raise CommandError("A cell has no URL.", "Write --cell west=postgresql://owner:…@host/gradesync.")
    for key, name in asyncio.run(list_routes(cells)).items():
        typer.echo(f"{key}\t{name}")
