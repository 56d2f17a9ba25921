"""Define the command `report`: state what became of a section's scores, and verify such statements."""

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
    section: Annotated[str, typer.Option(help="The section, by its Schoology id.")],
    since: Annotated[
        str, typer.Option("--from", help="The first day, in the district's zone, or a time with its offset.")
    ],
    until: Annotated[str, typer.Option("--to", help="The last day, which has ended, or a time.")],
    file: Annotated[Path, typer.Option("--out", help="A new file, a ZIP.", metavar="FILE")],
) -> None:
    """Write the statement of a section: CSV, manifest and signature, in one file."""
    from gradesync.cli import operator, statements

    wanted = statements.Wanted(district_id, section, since, until, file)
    created = operator.run(partial(statements.create, wanted=wanted))
    signed = f"signed by the key {created.key_id}" if created.key_id else "not signed"
    out.print(f"[green]✓[/] {created.lines} lines in {file}, {signed}.", soft_wrap=True)
    if created.key_id is None:
        err.print("  [dim]Set GRADESYNC_REPORT_KEY to sign statements.[/]")


@report.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A statement, as `report create` wrote it.", metavar="FILE")],
    key: Annotated[str, typer.Option(help="The public key: its file, or its base64 text.")],
    as_json: AsJson = False,
) -> None:
    """Verify a statement with nothing but its file and the public key: no settings, and no database."""
    from gradesync.access import statement_file

    public = statement_file.read_public_key(_read_key(key))
    verified = statement_file.verify(_read(file), public)
    if as_json:
        typer.echo(json.dumps({"manifest": verified.manifest, "faults": verified.faults}))
    elif not verified.faults:
        signed = verified.manifest
        about = f"Section {signed['section']} of {signed['district']}, {signed['from']} to {signed['to']},"
        out.print(f"[green]✓[/] {about} is as the key {signed['key']} signed it.", soft_wrap=True)
    for fault in () if as_json else verified.faults:
        print_error(fault, "", err)
    if verified.faults:
        raise typer.Exit(1)


@report.command("key")
def show_key() -> None:
    """Print the public key of GRADESYNC_REPORT_KEY, for those who verify statements."""
    from gradesync.access import statement_file
    from gradesync.cli.environment import read_settings

    key = statement_file.read_signing_key(read_settings().report_key)
    if key is None:
        raise CommandError("GRADESYNC_REPORT_KEY is not set.", "Make one: openssl genpkey -algorithm ed25519")
    typer.echo(key.public, nl=False)
    err.print(f"  [dim]Its id is {key.id}.[/]")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None


def _read_key(key: str) -> str:
    """Return the text of a key: that of its file, or the text itself where there is no such file."""
    try:
        return Path(key).read_text()
    except (OSError, UnicodeDecodeError, ValueError):
        return key
