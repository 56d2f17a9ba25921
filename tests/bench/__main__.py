"""`make bench`: measures what gradesync must measure up to, and compares it with the targets.

Prints a table, or with `--json` one JSON object.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.cold_start import cold_start
from bench.ledger_size import ledger_bytes
from bench.planning import planning_rates
from bench.whole_sync import ASSIGNMENTS, CHANGES, STUDENTS, whole_sync
from gradesync import embedded
from gradesync.cli.say import out, table
from gradesync.cli.servers import bring_up
from gradesync.runtime import open_runtime
from gradesync.settings import Settings


@dataclass(frozen=True, slots=True)
class Measure:
    """One line: what was measured, the bound, the result. `least`: the result must not be below."""

    what: str
    target: float
    result: float
    least: bool = False

    @property
    def met(self) -> bool:
        return self.result >= self.target if self.least else self.result <= self.target


@contextmanager
def servers() -> Iterator[Settings]:
    """Servers as durable as in production, with a migrated database."""
    with tempfile.TemporaryDirectory(prefix="gradesync-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        started = embedded.start(folder / "data", durable=True)
        settings = Settings(
            database_url=SecretStr(started.database_url),
            migrate_database_url=SecretStr(started.migrate_database_url),
            redis_url=SecretStr(started.redis_url),
            secret_keys=(SecretStr("a key for measurements and nothing else"),),
            allow_private_network=True,
        )
        bring_up(settings)
        yield settings
        started.stop()


def planning() -> list[Measure]:
    """Scores planned per second; the slowest of the sizes counts."""
    rates = planning_rates()
    unchanged = min(rate for case, rate in rates.items() if "changed" in case and "unchanged" in case)
    changed = min(rate for case, rate in rates.items() if case.endswith(" changed"))
    return [
        Measure("planning, nothing changed: scores/s", 1_000_000, unchanged, least=True),
        Measure("planning, all changed: scores/s", 200_000, changed, least=True),
    ]


async def syncs(settings: Settings) -> list[Measure]:
    """Calls, and time beside the calls."""
    measured = await whole_sync(settings)
    size = f"{CHANGES} of {ASSIGNMENTS * STUDENTS} scores changed"
    return [
        Measure("nothing changed: Schoology calls", 3, measured.schoology_idle),
        Measure("nothing changed: SIS calls", 1, measured.sis_idle),
        Measure("nothing changed: SIS writes", 0, measured.writes_idle),
        Measure(f"{size}: further calls", 1, measured.extra_calls_changed),
        Measure("first sync: creates", ASSIGNMENTS, measured.creates),
        Measure("first sync: lists", 2, measured.lists),
        Measure("first sync: score calls", -(-ASSIGNMENTS * STUDENTS // 500), measured.score_calls),
        Measure(f"{size}, 100 ms: sync ÷ bare replay", 1.05, measured.ratio),
        Measure(f"{size}: own time, ms", measured.own_ms_target, measured.own_ms),
    ]


async def ledger(settings: Settings) -> list[Measure]:
    """Bytes that are kept for each score."""
    async with open_runtime(settings, name="bench") as runtime, _owner(settings) as owner:
        measured = await ledger_bytes(runtime.database, owner)
    return [
        Measure("ledger, bytes a score", 40, measured.filled),
        Measure("ledger after ten change syncs, bytes a score", 80, measured.changed),
    ]


async def starts(settings: Settings) -> list[Measure]:
    """How soon a process is at work."""
    measured = await cold_start(settings)
    return [
        Measure("serve: from its start to an answer, s", 1.5, measured.serve),
        Measure("worker: from its start to a sync taken, s", 2, measured.worker),
    ]


@asynccontextmanager
async def _owner(settings: Settings) -> AsyncIterator[AsyncConnection]:
    assert settings.migrate_database_url is not None
    engine = create_async_engine(
        settings.migrate_database_url.get_secret_value(), isolation_level="AUTOCOMMIT"
    )
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


def measures() -> Iterator[Measure]:
    with out.status("planning"):
        yield from planning()
    with servers() as settings:
        with out.status("the ledger"):
            yield from asyncio.run(ledger(settings))
        with out.status("whole syncs"):
            yield from asyncio.run(syncs(settings))
        with out.status("cold starts"):
            yield from asyncio.run(starts(settings))


def show(found: list[Measure]) -> None:
    lines = table(None, "Measured", "Target", "Result", "")
    for measure in found:
        bound = f"{'≥' if measure.least else '≤'} {measure.target:,.10g}"
        mark = "[green]✓[/]" if measure.met else "[red]✗[/]"
        lines.add_row(
            measure.what,
            bound,
            f"{measure.result:,.4g}" if measure.result < 1000 else f"{measure.result:,.0f}",
            mark,
        )
    out.print(lines)


if __name__ == "__main__":
    everything = list(measures())
    if "--json" in sys.argv:
        out.print_json(json.dumps([asdict(measure) | {"met": measure.met} for measure in everything]))
    else:
        show(everything)
