"""Define the command `report`: state what became of scores, and verify such statements."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gradesync.cli.districts import AsJson, DistrictId
from gradesync.cli.output import CommandError, err, out, print_error

report = typer.Typer(
    help="Statements of what became of scores: create them, verify them.", no_args_is_help=True
)


@report.command()
def create(
    district_id: DistrictId,
    file: Annotated[Path, typer.Option("--out", help="A new file, a ZIP.", metavar="FILE")],
    *,
    section: Annotated[str | None, typer.Option(help="One section, by its Schoology id.")] = None,
    school: Annotated[str | None, typer.Option(help="The sections of a school, by its Schoology id.")] = None,
    term: Annotated[
        str | None, typer.Option(help="The sections whose SIS term ends on this day.", metavar="DAY")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="The first day, in the district's zone, or a time with its offset; that of the term.",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="The last day, which has ended, or a time; now, if not given.")
    ] = None,
) -> None:
    """Write statements: every line as CSV, a summary to print, a manifest and a signature, in one file.

    They are of the whole district where neither a section, a school nor a term is named.
    """
    from gradesync.cli import operator, statements

    if section is not None and (school is not None or term is not None):
        raise CommandError("A section has its own school and term.", "Give --section alone.")
    wanted = statements.Wanted(district_id, section, school, term, since, until, file)
    created = operator.run(partial(statements.create, wanted=wanted))
    signed = f"signed by the key {created.key_id}" if created.key_id else "not signed"
    about = f"{created.lines} lines of {created.sections} sections"
    out.print(f"[green]✓[/] {about} in {file}, {signed}.", soft_wrap=True)
    if created.key_id is None:
        err.print("  [dim]Set GRADESYNC_REPORT_KEY to sign statements.[/]")


@report.command()
def verify(
    file: Annotated[Path, typer.Argument(help="Statements, as `report create` wrote them.", metavar="FILE")],
    key: Annotated[str, typer.Option(help="The public key: its file, or its base64 text.")],
    as_json: AsJson = False,
) -> None:
    """Verify statements with nothing but their file and the public key: no settings, and no database."""
    from gradesync.access import signing_key, statement_check

    public = signing_key.read_public_key(_read_key(key))
    try:
        with file.open("rb") as packed:
            verified = statement_check.verify(packed, public)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    if as_json:
        typer.echo(json.dumps({"manifest": verified.manifest, "faults": verified.faults}))
    elif not verified.faults:
        signed = verified.manifest
        named = [f"{name} {signed[name]}" for name in ("section", "school", "term") if name in signed]
        about = (
            f"{signed['district']}, {', '.join(named) or 'all sections'}, {signed['from']} to {signed['to']},"
        )
        out.print(f"[green]✓[/] {about} is as the key {signed['key']} signed it.", soft_wrap=True)
    for fault in () if as_json else verified.faults:
        print_error(fault, "", err)
    if verified.faults:
        raise typer.Exit(1)


@report.command("key")
def show_key() -> None:
    """Print the public key of GRADESYNC_REPORT_KEY, for those who verify statements."""
    from gradesync.access import signing_key
    from gradesync.cli.environment import read_settings

    key = signing_key.read_signing_key(read_settings().report_key)
    if key is None:
        raise CommandError("GRADESYNC_REPORT_KEY is not set.", "Make one: openssl genpkey -algorithm ed25519")
    typer.echo(key.public, nl=False)
    err.print(f"  [dim]Its id is {key.id}.[/]")


def _read_key(key: str) -> str:
    """Return the text of a key: that of its file, or the text itself where there is no such file."""
    try:
        return Path(key).read_text()
    except (OSError, UnicodeDecodeError, ValueError):
        return key
