"""What the commands say, and how they say that something is wrong."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradesync.embedded import EmbeddedError
from gradesync.errors import GradeSyncError

out = Console(highlight=False)
err = Console(highlight=False, stderr=True)


class CommandError(GradeSyncError):
    """The command cannot go on; `what` says why, and `mend` what to do."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what a person can mend into two lines and exit code 1; let the rest be seen in full."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        complain(told.what, told.mend, err)
        raise typer.Exit(1) from None


def complain(what: str, mend: str, console: Console) -> None:
    """What is wrong, and what to do."""
    console.print(Text.assemble(("✗ ", "bold red"), what), soft_wrap=True)
    if mend:
        console.print(Text(f"  {mend}", "dim"), soft_wrap=True)


def _told(error: Exception) -> CommandError | None:
    if isinstance(error, CommandError):
        return error
    if isinstance(error, GradeSyncError | EmbeddedError):
        return CommandError(str(error))
    from redis.exceptions import RedisError
    from sqlalchemy.exc import OperationalError

    if isinstance(error, RedisError):
        return CommandError("Redis does not answer.", "Is it running? See GRADESYNC_REDIS_URL.")
    if isinstance(error, OperationalError | ConnectionError):
        return CommandError("The database does not answer.", "Is it running? See GRADESYNC_DATABASE_URL.")
    return None


def listing(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print rows: as JSON, one array, or as a table of `columns` (key -> heading)."""
    if as_json:
        typer.echo(json.dumps([dict(row) for row in rows], default=str))
        return
    shown = table(None, *columns.values())
    for row in rows:
        shown.add_row(*("" if row[key] is None else str(row[key]) for key in columns))
    out.print(shown)


def table(title: str | None, *headings: str) -> Table:
    """A table without lines."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading)
    return made
