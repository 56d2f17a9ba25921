"""Define the commands `district` and `client`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gradesync.cli.output import CommandError, err, out, print_error, print_rows

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DistrictId = Annotated[str, typer.Argument(metavar="DISTRICT", help="The id that its file gives it.")]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="Its id, as `client list` shows it.")]

district = typer.Typer(
    help="Districts: apply their files, list them, check their systems.", no_args_is_help=True
)
client = typer.Typer(help="Clients of the API: create, list, rotate, revoke.", no_args_is_help=True)


@district.command()
def apply(
    file: Annotated[Path, typer.Argument(help="A district file, TOML, or -.", metavar="FILE.toml")],
    as_json: AsJson = False,
) -> None:
    """Create or change a district as its file describes it."""
    from gradesync.cli import operator

    with _explain_mistakes(file):
        district_id, applied = operator.run(partial(operator.apply, text=_text(file)))
    if as_json:
        typer.echo(json.dumps({"district": district_id, "applied": applied}))
    else:
        out.print(f"[green]✓[/] District [bold]{district_id}[/] {applied}.")


@district.command()
def invite(
    district_id: DistrictId,
    name: Annotated[
        str, typer.Option(help="Who gets the link, as the audit log names them.", metavar="NAME")
    ],
    as_json: AsJson = False,
) -> None:
    """Print a link that lets a person set up the district in a browser: once, within 24 hours."""
    from gradesync.cli import operator

    link = operator.run(partial(operator.invite, district_id=district_id, name=name))
    typer.echo(json.dumps({"link": link}) if as_json else link)


@district.command("file")
def show_file(district_id: DistrictId) -> None:
    """Print the file of a district as it is in force, without its secrets."""
    from gradesync.cli import operator

    typer.echo(operator.run(partial(operator.export_file, district_id=district_id)), nl=False)


@district.command()
def diff(
    file: Annotated[Path, typer.Argument(help="A district file, TOML, or -.", metavar="FILE.toml")],
    as_json: AsJson = False,
) -> None:
    """Show what a district file would change: settings that people set since without it."""
    from gradesync.cli import operator

    with _explain_mistakes(file):
        found = operator.run(partial(operator.find_file_differences, text=_text(file)))
    rows = [each._asdict() for each in found]
    columns = {"setting": "Setting", "filed": "In the file", "in_force": "In force"}
    print_rows(rows, columns, as_json=as_json)
    if found:
        raise typer.Exit(1)


@district.command("list")
def list_districts(as_json: AsJson = False) -> None:
    """List the districts."""
    from gradesync.cli import operator

    rows = [{"id": each.id, "name": each.name} for each in operator.run(operator.list_districts)]
    print_rows(rows, {"id": "District", "name": "Name"}, as_json=as_json)


@district.command()
def check(
    district_id: DistrictId,
    section: Annotated[
        str | None,
        typer.Option(help="A Schoology section id, to try with it how ids lead from there to the SIS."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try a district's credentials, clocks, permissions and ids in both systems, without any write."""
    from gradesync.cli import operator

    with err.status("Checking both systems"):
        findings = operator.run(partial(operator.check, district_id=district_id, section_id=section))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            result = f"{finding.check}: {finding.detail}"
            if finding.ok:
                out.print(Text.assemble(("✓ ", "green"), result), soft_wrap=True)
            else:
                print_error(result, finding.fix, out)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


School = Annotated[str | None, typer.Option(help="Only the sections of this school.")]
Section = Annotated[str | None, typer.Option(help="Only this section, by its Schoology id.")]


@district.command()
def pause(
    district_id: DistrictId,
    reason: Annotated[str, typer.Option(help="Why, as teachers read it.")],
    school: School = None,
    section: Section = None,
) -> None:
    """Pause the syncs of a district, a school or a section; what runs stops at its next checkpoint."""
    from gradesync.cli import operator
    from gradesync.db.pauses import Where

    where = Where(school, section)
    operator.run(partial(operator.pause, district_id=district_id, where=where, reason=reason))
    out.print(f"[green]✓[/] {_named(district_id, school, section)} paused. Resume with district resume.")


@district.command()
def resume(district_id: DistrictId, school: School = None, section: Section = None) -> None:
    """Resume what was paused; what waited goes on."""
    from gradesync.cli import operator
    from gradesync.db.pauses import Where

    where = Where(school, section)
    operator.run(partial(operator.resume, district_id=district_id, where=where))
    out.print(f"[green]✓[/] {_named(district_id, school, section)} resumed.")


def _named(district_id: str, school: str | None, section: str | None) -> str:
    kind = "Section" if section else "School" if school else "District"
    return f"{kind} [bold]{section or school or district_id}[/]"


@client.command()
def create(
    district_id: DistrictId,
    scope: Annotated[list[str], typer.Option(help="What it may do; may be given several times.")],
    name: Annotated[str, typer.Option(help="What it is, for the people of the district.")] = "",
    as_json: AsJson = False,
) -> None:
    """Create a client. Its secret is printed once, and stored nowhere."""
    from gradesync.cli import operator

    make = partial(operator.create_client, district_id=district_id, scopes=scope, name=name)
    client_id, secret = operator.run(make)
    rows = [{"client_id": client_id, "client_secret": secret}]
    print_rows(rows, {"client_id": "Client id", "client_secret": "Secret, shown once"}, as_json=as_json)


@client.command("list")
def list_clients(district_id: DistrictId, as_json: AsJson = False) -> None:
    """List a district's clients, the revoked ones too."""
    from gradesync.cli import operator

    clients = operator.run(partial(operator.list_clients, district_id=district_id))
    rows = [
        {
            "client_id": each.id,
            "name": each.name,
            "scopes": " ".join(each.scopes),
            "created_at": _time(each.created_at),
            "last_used_at": _time(each.last_used_at),
            "revoked_at": _time(each.revoked_at),
        }
        for each in clients
    ]
    columns = {"client_id": "Client id", "name": "Name", "scopes": "Scopes", "created_at": "Created"}
    columns |= {"last_used_at": "Last used", "revoked_at": "Revoked"}
    print_rows(rows, columns, as_json=as_json)


@client.command()
def rotate(
    district_id: DistrictId,
    client_id: ClientId,
    keep_old_hours: Annotated[
        int, typer.Option(min=0, max=72, help="How long the old secret is accepted too; 0: not at all.")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Replace a client's secret. The new one is printed once, and stored nowhere."""
    from gradesync.cli import operator

    keep = timedelta(hours=keep_old_hours)
    secret = operator.run(
        partial(operator.rotate_client, district_id=district_id, client_id=client_id, keep_old=keep)
    )
    rows = [{"client_id": client_id, "client_secret": secret}]
    print_rows(rows, {"client_id": "Client id", "client_secret": "Secret, shown once"}, as_json=as_json)


def _time(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


@client.command()
def revoke(district_id: DistrictId, client_id: ClientId) -> None:
    """End a client and its tokens."""
    from gradesync.cli import operator

    operator.run(partial(operator.revoke_client, district_id=district_id, client_id=client_id))
    out.print(f"[green]✓[/] Client {client_id} revoked.")


@contextmanager
def _explain_mistakes(file: Path) -> Iterator[None]:
    """Print each mistake of a district file with its line, and exit."""
    from gradesync.cli.district_file import DistrictFileRefused

    try:
        yield
    except DistrictFileRefused as refused:
        for mistake in refused.mistakes:
            print_error(f"{file}, line {mistake.line}: {mistake.message}.", f"{mistake.hint}.", err)
        raise typer.Exit(1) from None


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}.") from None
