"""Define the commands `district move` and `district routes`: districts in several cells."""

import asyncio
import re
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from gradesync.cli.districts import DistrictId
from gradesync.cli.environment import open_settings, owner_url
from gradesync.cli.output import URLS, CommandError, as_command_error, err, out
from gradesync.errors import GradeSyncError

if TYPE_CHECKING:
    from gradesync.db.moving import Move, MoveTiming, Step

CELL_FORM = "Write --cell west=postgresql://owner:…@host/gradesync."


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
    from gradesync.db.moving import TargetAway, open_move

    steps: list[Step] = []

    def report(step: "Step") -> None:
        steps.append(step)
        out.print(f"[green]✓[/] {step}")

    late = 0
    try:
        async with open_move(source, target, district_id, timing, report) as opened:
            try:
                if abort:
                    await opened.abort()
                else:
                    late = await opened.run()
            except Exception as error:
                next_step = await _find_next_step(opened, abort)
                if not isinstance(error, GradeSyncError):
                    error.add_note(next_step)
                    raise
                failed = as_command_error(error, f"{URLS}, or --to")
                hint = " ".join(filter(None, (failed.hint, next_step)))
                raise CommandError(failed.message, hint) from error
    except TargetAway as error:
        raise as_command_error(error, "--to") from error
    if not steps:
        out.print(f"{district_id} is at the target already: its move is over.", soft_wrap=True)
    if late:
        err.print(f"{late} rows were written at the source after the switch, and erased.", soft_wrap=True)


async def _find_next_step(opened: "Move", abort: bool) -> str:
    """Return what a failed move leaves, as both ends have it, and what to do."""
    try:
        place = await opened.find_place()
    except Exception:  # the error that is shown is the one before it
        return "Run it again: it goes on where it was broken off."
    if place == "source":
        return "The district stays at the source." + ("" if abort else " Mend this, and run it again.")
    if place == "paused":
        return "The district stays paused. Run it again, or with --abort."
    return "The district is at the target, paused. Run it again without --abort." if place == "target" else ""


def routes(
    cell: Annotated[list[str], typer.Option(help="NAME=URL of a cell, by its owner; once for each cell.")],
) -> None:
    """Print the cell of each district, client and LTI installation, as the map of a proxy reads it."""
    from gradesync.db.cell_routes import list_routes
    from gradesync.observability.logs import configure_logging

    configure_logging("warning", "text")
    cells = dict(each.partition("=")[::2] for each in cell)
    if not all(cells.values()):
        raise CommandError("A cell has no URL.", CELL_FORM)
    if len(cells) < len(cell) or not all(re.fullmatch(r"[\w.-]+", name, re.ASCII) for name in cells):
        raise CommandError("Each cell needs a name of its own: letters, digits, - and _.", CELL_FORM)
    for name, where in asyncio.run(list_routes(cells)).items():
        typer.echo(render_route(name, where))


def render_route(name: str, where: str) -> str:
    """Return a line of the table. The name is percent-encoded: a proxy reads it up to the first space."""
    return f"{quote(name, safe='')}\t{where}"
