"""`secrets`, `audit`, `ledger`, `district export`, `district delete`: what is kept, and what it is worth."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gradesync.cli.districts import AsJson, DistrictId, district
from gradesync.cli.output import CommandError, err, out

EachDistrict = Annotated[str | None, typer.Argument(metavar="[DISTRICT]", help="All, if not given.")]

secrets = typer.Typer(help="Secrets at rest: seal them with a new key.", no_args_is_help=True)
ledger = typer.Typer(help="The ledger: what was sent to the SIS.", no_args_is_help=True)
audit = typer.Typer(help="The audit log: prove that nobody changed it.", no_args_is_help=True)


@secrets.command()
def rotate() -> None:
    """Seal every secret with the first of GRADESYNC_SECRET_KEYS, so that the others can be dropped."""
    from gradesync.cli import maintenance, operator

    sealed = operator.done(maintenance.rotate)
    out.print(f"[green]✓[/] The secrets of {sealed} districts, and of the LTI tool, have the newest key.")
    out.print("  [dim]Tokens that an older key signed end within the hour; then it can be dropped.[/]")


@secrets.callback()
def _group() -> None:
    """Keeps `rotate` a command by name, although it is the only one."""


@ledger.command()
def doubt(district_id: EachDistrict = None) -> None:
    """After a restore: the next sync of each section compares all that was sent with what the SIS holds."""
    from gradesync.cli import maintenance, operator

    sections = operator.done(partial(maintenance.doubt, district_id=district_id))
    out.print(f"[green]✓[/] The next sync of each of {sections} sections looks at everything again.")


@ledger.callback()
def _ledger() -> None:
    """Keeps `doubt` a command by name, although it is the only one."""


@audit.command()
def verify(
    district_id: EachDistrict = None,
    as_json: AsJson = False,
) -> None:
    """Follow the hashes of the log. The last one, noted elsewhere, tells a log that was cut short later."""
    from gradesync.cli import maintenance, operator

    found = operator.done(partial(maintenance.verify, district_id=district_id))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
    else:
        for one in found:
            if one.broken_at is None:
                out.print(
                    f"[green]✓[/] [bold]{one.district}[/]  {one.entries} entries, the last is {one.head}"
                )
            else:
                err.print(
                    f"[bold red]✗[/] [bold]{one.district}[/]  entry {one.broken_at} does not follow from "
                    f"the ones before: it, or what stood before it, was changed or taken out.",
                    soft_wrap=True,
                )
    if any(one.broken_at is not None for one in found):
        raise typer.Exit(1)


@audit.callback()
def _log() -> None:
    """Keeps `verify` a command by name, although it is the only one."""


@district.command()
def export(
    district_id: DistrictId,
    file: Annotated[Path, typer.Argument(help="A new file, or -: JSON, a row on each line.", metavar="FILE")],
) -> None:
    """Write everything that is kept of a district to a file, its secrets apart."""
    from gradesync.cli import maintenance, operator

    piped = str(file) == "-"
    write = partial(maintenance.export, district_id=district_id, file=None if piped else file)
    told, there = (err, "written") if piped else (out, f"in {file}")
    rows = operator.done(write)
    told.print(f"[green]✓[/] {sum(rows.values())} rows of {district_id} are {there}.", soft_wrap=True)


@district.command()
def delete(
    district_id: DistrictId,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; nothing brings it back.")] = False,
) -> None:
    """Erase everything that is kept of a district, its audit log too, and print the proof as JSON."""
    from gradesync.cli import maintenance, operator
    from gradesync.cli.environment import owner_url, settled

    if not yes:
        raise CommandError(
            f"This erases everything that is kept of {district_id}.",
            f"Run `gradesync district export {district_id} FILE` first, then repeat with --yes.",
        )
    with settled() as settings:
        owner = owner_url(settings)
        erased = operator.done(partial(maintenance.erase, owner=owner, district_id=district_id))
    typer.echo(json.dumps(asdict(erased)))
