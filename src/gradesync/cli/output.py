"""Print the output of commands, and report errors in two lines: the message and a hint."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradesync.embedded import EmbeddedError
from gradesync.errors import CANCELED, FULL, LOCKED, DatabaseAway, GradeSyncError

out = Console(highlight=False)
err = Console(highlight=False, stderr=True)

URLS = "GRADESYNC_DATABASE_URL, or the URL of the owner"
HINT = f"Is it running? See {URLS}."


class CommandError(GradeSyncError):
    """Stop a command, with a `message` and a `hint` of what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn errors that a person can fix into two lines and exit code 1; show others in full."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception as error:
        expected = _as_expected(error)
        if expected is None:
            raise
        print_error(expected.message, expected.hint, err)
        raise typer.Exit(1) from None


def print_error(message: str, hint: str, console: Console) -> None:
    """Print what is wrong, and what to do."""
    console.print(Text.assemble(("✗ ", "bold red"), message), soft_wrap=True)
    if hint:
        console.print(Text(f"  {hint}", "dim"), soft_wrap=True)


def as_command_error(error: GradeSyncError | EmbeddedError, urls: str = URLS) -> CommandError:
    """Return an error of gradesync's own as a command reports it. `urls`: where a database is named."""
    if isinstance(error, CommandError):
        return error
    return _as_outage(error, urls) if isinstance(error, DatabaseAway) else CommandError(str(error))


def _as_expected(error: Exception) -> CommandError | None:
    if isinstance(error, GradeSyncError | EmbeddedError):
        return as_command_error(error)
    from redis.exceptions import RedisError
    from sqlalchemy.exc import OperationalError

    if isinstance(error, RedisError):
        return CommandError("Redis does not respond.", "Is it running? See GRADESYNC_REDIS_URL.")
    if isinstance(error, OperationalError | ConnectionError):
        return CommandError("The database does not respond.", HINT)
    return None


def _as_outage(error: DatabaseAway, urls: str) -> CommandError:
    if error.cause in (CANCELED, LOCKED):  # by a database that works
        return CommandError(f"The database kept this waiting ({error.cause}).", "Run it again.")
    if error.cause == FULL:
        return CommandError(f"The database's disk is full ({error.cause}).", "Make room, and run it again.")
    what = "refuses this connection" if error.refused else "does not respond"
    return CommandError(f"The database {what} ({error.cause}).", f"Is it running? See {urls}.")


def print_rows(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print rows as one JSON array, or as a table of `columns` (key -> heading)."""
    if as_json:
        typer.echo(json.dumps([dict(row) for row in rows], default=str))
        return
    printed = make_table(None, *columns.values())
    for row in rows:
        printed.add_row(*("" if row[key] is None else str(row[key]) for key in columns))
    out.print(printed)


def make_table(title: str | None, *headings: str) -> Table:
    """Make a table without lines."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table
