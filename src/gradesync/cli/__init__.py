"""Define the `gradesync` command."""

from typing import Any

import typer
from typer.core import TyperGroup

from gradesync.cli import districts, moves, records, reports, servers
from gradesync.cli.demo import demo
from gradesync.cli.document import openapi
from gradesync.cli.output import report_errors
from gradesync.cli.rehearse import rehearse
from gradesync.cli.sandbox import OPTIONS, sandbox


class Commands(TyperGroup):
    """Group commands whose errors are reported in a line or two."""

    def invoke(self, ctx: Any) -> Any:
        with report_errors():
            return super().invoke(ctx)


app = typer.Typer(
    cls=Commands,
    help="Sends assignments and scores from the Schoology gradebook to the district's SIS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(servers.up)
app.command()(servers.serve)
app.command()(servers.worker)
app.command()(servers.migrate)
app.command()(servers.maintain)
app.command()(rehearse)
app.command(context_settings=OPTIONS)(sandbox)
app.command()(demo)
app.command()(openapi)
districts.district.command()(moves.move)
districts.district.command()(moves.routes)
app.add_typer(districts.district, name="district")
app.add_typer(districts.client, name="client")
app.add_typer(records.secrets, name="secrets")
app.add_typer(records.audit, name="audit")
app.add_typer(records.ledger, name="ledger")
app.add_typer(reports.report, name="report")
