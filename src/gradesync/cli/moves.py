"""Define the commands `district move` and `district routes`: districts in several cells."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from gradesync.cli.districts import DistrictId
from gradesync.cli.environment import open_settings, owner_url
from gradesync.cli.output import CommandError, as_command_error, err, out
from gradesync.errors import GradeSyncError

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

    steps: list[Step] = []

    def report(step: "Step") -> None:
        steps.append(step)
        out.print(f"[green]✓[/] {step}")

    late = 0
    try:
        async with open_move(source, target, district_id, timing, report) as opened:
            if abort:
                await opened.abort()
            else:
                late = await opened.run()
    except GradeSyncError as error:
        raise _with_next_step(error, steps) from error
    if late:
        err.print(f"{late} rows were written at the source after the switch, and erased.", soft_wrap=True)


def _with_next_step(error: GradeSyncError, steps: Sequence["Step"]) -> GradeSyncError:
    """Return the error of a move, with what it leaves and what to do."""
    if not steps or steps[-1] in ("resumed", "aborted"):
        return error
    where = "is at the target, paused" if "switched" in steps else "stays paused"
    abort = "" if "switched" in steps else ", or with --abort"
    return CommandError(as_command_error(error).message, f"The district {where}. Run it again{abort}.")


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
    for name, where in asyncio.run(list_routes(cells)).items():
        typer.echo(render_route(name, where))


def render_route(name: str, where: str) -> str:
    """Return a line of the table. The name is percent-encoded: a proxy reads it up to the first space."""
    return f"{quote(name, safe='')}\t{where}"
