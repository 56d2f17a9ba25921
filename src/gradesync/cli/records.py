"""Define the commands `secrets`, `audit`, `ledger`, `district export` and `district delete`."""

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

    sealed = operator.run(maintenance.rotate)
    out.print(f"[green]✓[/] The secrets of {sealed} districts, and of the LTI tool, have the newest key.")
    out.print("  [dim]Tokens that an older key signed end within the hour; then it can be dropped.[/]")


@secrets.callback()
def _group() -> None:
    """Keep `rotate` a command by name, although it is the only log."""


@ledger.command()
def doubt(district_id: EachDistrict = None) -> None:
    """Make the next sync of each section compare everything with the SIS, after a restore."""
    from gradesync.cli import maintenance, operator

    sections = operator.run(partial(maintenance.doubt, district_id=district_id))
    out.print(f"[green]✓[/] The next sync of each of {sections} sections compares everything again.")


@ledger.callback()
def _ledger() -> None:
    """Keep `doubt` a command by name, although it is the only log."""


@audit.command()
def verify(
    district_id: EachDistrict = None,
    as_json: AsJson = False,
) -> None:
    """Verify the hashes of the log. The last one, noted elsewhere, reveals entries that were cut off."""
    from gradesync.cli import maintenance, operator

    logs = operator.run(partial(maintenance.verify, district_id=district_id))
    if as_json:
        typer.echo(json.dumps([asdict(log) for log in logs]))
    else:
        for log in logs:
            if log.broken_at is None:
                out.print(
                    f"[green]✓[/] [bold]{log.district}[/]  {log.entries} entries, the last is {log.head}"
                )
            else:
                err.print(
                    f"[bold red]✗[/] [bold]{log.district}[/]  entry {log.broken_at} does not follow from "
                    f"the ones before: it, or one before it, was changed or removed.",
                    soft_wrap=True,
                )
    if any(log.broken_at is not None for log in logs):
        raise typer.Exit(1)


@audit.callback()
def _log() -> None:
    """Keep `verify` a command by name, although it is the only log."""


@district.command()
def export(
    district_id: DistrictId,
    file: Annotated[Path, typer.Argument(help="A new file, or -: JSON, a row on each line.", metavar="FILE")],
) -> None:
    """Write everything that is stored of a district to a file, without its secrets."""
    from gradesync.cli import maintenance, operator

    piped = str(file) == "-"
    write = partial(maintenance.export, district_id=district_id, file=None if piped else file)
    console, target = (err, "written") if piped else (out, f"in {file}")
    rows = operator.run(write)
    console.print(f"[green]✓[/] {sum(rows.values())} rows of {district_id} are {target}.", soft_wrap=True)


@district.command()
def delete(
    district_id: DistrictId,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; nothing brings it back.")] = False,
) -> None:
    """Erase everything that is stored of a district, its audit log too, and print the proof as JSON."""
    from gradesync.cli import maintenance, operator
    from gradesync.cli.environment import open_settings, owner_url

    if not yes:
        raise CommandError(
            f"This erases everything that is stored of {district_id}.",
            f"Run `gradesync district export {district_id} FILE` first, then repeat with --yes.",
        )
    with open_settings() as settings:
        owner = owner_url(settings)
        erased = operator.run(partial(maintenance.erase, owner=owner, district_id=district_id))
    typer.echo(json.dumps(asdict(erased)))
