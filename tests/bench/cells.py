"""Measure what a cell's processes take for a sync with its requests, and how long a move refuses them."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.api import DISTRICT, issue_token, serve
from bench.environment import owner, register_districts, simulate_district, workers
from bench.ledger_size import make_section
from bench.measure import Measure
from bench.overview import fill
from bench.workers import ASSIGNMENTS, CHANGES, DISTRICTS, STUDENTS
from gradesync.core.history import Cause, find_change
from gradesync.db import district_rows, migrate
from gradesync.db.codec import uuid7
from gradesync.db.ledger import save
from gradesync.db.moving import MoveTiming, Step, open_move
from gradesync.db.session import Database
from gradesync.redis_client.pool import open_redis
from gradesync.runtime import open_runtime
from gradesync.settings import Settings

SECTIONS = 40
PARTS = ("worker", "API", "PostgreSQL", "Valkey")
COST = f"a cell, {CHANGES} of {ASSIGNMENTS * STUDENTS} scores changed: processor time of {{}} for a sync, ms"
REFUSED = "a district of {:,} sections moves: its requests are refused for, s"
ROWS = "a district of {:,} sections moves: rows"
USUAL, LARGE = 215, 2_150  # sections: of a district where 13,000 have 2,800,000, and ten times as many
DAYS, OUTCOMES_PER_SYNC = 22, 12
KNOWN = 20  # sections whose ledger and history are made; the others are copies of them
BACKEND = text("SELECT pg_backend_pid()")
# Of the known sections, as often as it takes; a table's own columns are listed by the catalog.
COPIES = """
    INSERT INTO {name} ({columns}) SELECT {values}
    FROM {name} CROSS JOIN generate_series(:known, :sections - 1) n
    WHERE district_id = :district AND section_id = (7900000000 + n % :known)::text
"""
OUTCOMES = text("""
    INSERT INTO outcome (district_id, sync_id, assignment_length, student_length, assignment_id, student_id,
                         title, result, before, after)
    SELECT :district, sync.id, 10, 8, '5000000000', (20000000 + n)::text, 'Unit 3: practice and quiz',
           'written', '7.5', '9'
    FROM sync CROSS JOIN generate_series(1, :outcomes) n WHERE sync.district_id = :district
""")
ROW_COUNT = "SELECT count(*) FROM {name} WHERE {key} = :district"


@dataclass(frozen=True, slots=True)
class CellProcesses:
    """Hold the process ids of a cell; a server's are those of its children too."""

    worker: int
    api: int
    postgresql: int
    valkey: int

    def read(self) -> Mapping[str, float]:
        """Return the processor time of each part until now."""
        spent = map(_processor_seconds, (self.worker, self.api, self.postgresql, self.valkey))
        return dict(zip(PARTS, spent, strict=True))


async def cells(settings: Settings, *, quick: bool = False) -> list[Measure]:
    """Measure a cell at work, and moves of a usual district and of a large one."""
    costs = await _costs(settings, 1 if quick else 3)
    found = [Measure(COST.format(part), None, costs[part] * 1000) for part in PARTS]
    async with _other_cell(settings) as target:
        for sections in (USUAL // 10,) if quick else (USUAL, LARGE):
            rows, refused = await _move(settings, target, sections, 1 if quick else 3)
            found += [
                Measure(REFUSED.format(sections), None, refused),
                Measure(ROWS.format(sections), None, rows),
            ]
    return found


async def _costs(settings: Settings, rounds: int) -> Mapping[str, float]:
    """Return each part's processor seconds for a sync that is requested, followed and listed over HTTP."""
    busy = settings.model_copy(update={"requests_per_minute": 1_000_000})
    assert settings.redis_url is not None
    async with (
        simulate_district(sections=SECTIONS, assignments=ASSIGNMENTS, students=STUDENTS) as served,
        open_runtime(settings, name="bench") as runtime,
        owner(settings) as connection,
        open_redis(settings.redis_url.get_secret_value(), patience_seconds=5) as redis,
        serve(busy, "gradesync", "serve", "--port") as (port, api),
        workers(settings) as (worker,),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=600) as client,
    ):
        await register_districts(runtime, served.district, DISTRICTS)
        tokens = [await issue_token(runtime, district) for district in DISTRICTS]
        backend = await connection.scalar(BACKEND)
        valkey = (await redis.info("server"))["process_id"]
        processes = CellProcesses(worker.process.pid, api, _parent(backend), valkey)
        sections = [section["id"] for section in served.sections]
        await _sync_all(client, tokens, sections)
        found = []
        for number in range(rounds):
            for section in sections:
                await served.grade(section, number, CHANGES)
            before = processes.read()
            await _sync_all(client, tokens, sections)
            found.append({part: after - before[part] for part, after in processes.read().items()})
    return {part: median(each[part] for each in found) / SECTIONS for part in PARTS}


async def _sync_all(client: httpx.AsyncClient, tokens: Sequence[str], sections: Sequence[str]) -> None:
    """Sync every section in its own district; each client follows its sync, and lists the section's."""

    async def sync(number: int, section: str) -> None:
        headers = {"Authorization": f"Bearer {tokens[number % len(tokens)]}"}
        asked = await client.post(f"/sections/{section}/syncs", headers=headers)
        async with client.stream("GET", asked.json()["links"]["events"], headers=headers) as events:
            async for _ in events.aiter_lines():
                pass
        listed = await client.get(f"/sections/{section}/syncs", headers=headers)
        assert listed.json()["items"][0]["status"] == "complete", listed.text

    await asyncio.gather(*(sync(number, section) for number, section in enumerate(sections)))


def _processor_seconds(pid: int) -> float:
    """Return the processor time of a process and its children, by Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_processor_seconds(int(child)) for child in children)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@asynccontextmanager
async def _other_cell(settings: Settings) -> AsyncIterator[str]:
    """Make another migrated database on the same server, and yield its owner's URL."""
    assert settings.migrate_database_url is not None
    assert settings.database_url is not None
    url = make_url(settings.migrate_database_url.get_secret_value()).set(database="east")
    async with owner(settings) as connection:
        await connection.execute(text("CREATE DATABASE east"))
    target = url.render_as_string(hide_password=False)
    await migrate.upgrade(target, make_url(settings.database_url.get_secret_value()).username or "")
    yield target


async def _move(settings: Settings, target: str, sections: int, times: int) -> tuple[int, float]:
    """Move a district there and back; return its rows, and the median of the seconds without requests."""
    assert settings.migrate_database_url is not None
    name, here = f"moved-{sections}", settings.migrate_database_url.get_secret_value()
    async with open_runtime(settings, name="bench") as runtime, owner(settings) as connection:
        await register_districts(runtime, DISTRICT, [name])
        await _fill(runtime.context.database, connection, name, sections)
        tables = await district_rows.find_tables(connection)
        counts = [text(ROW_COUNT.format(name=table.name, key=table.key)) for table in tables]
        rows = sum([await connection.scalar(count, {"district": name}) for count in counts])
    ends = [(here, target), (target, here)]
    return rows, median([await _time_move(*ends[number % 2], name) for number in range(times)])


async def _time_move(source: str, target: str, name: str) -> float:
    """Move the district, and return the seconds from its pause to its end."""
    at: dict[Step, float] = {}

    def report(step: Step) -> None:
        at[step] = perf_counter()

    timing = MoveTiming(takeover_wait=0, patience=600, least=900)
    async with open_move(source, target, name, timing, report) as move:
        await move.run()
    return at["resumed"] - at["paused"]


async def _fill(database: Database, owner: AsyncConnection, name: str, sections: int) -> None:
    """Store a district whose sections were synced every school day of a month."""
    chance, known = random.Random(7), min(KNOWN, sections)
    for number in range(known):
        book = make_section(number, chance)
        changes = [change for entry in book if (change := find_change(None, entry)) is not None]
        async with database.district(name) as db:
            cause = Cause(str(uuid7()), "changes", "teacher:5790000")
            await save(db, str(7_900_000_000 + number), book, changed=changes, cause=cause)
    await fill(owner, {"district": name, "sections": sections, "days": DAYS, "schools": 10})
    await owner.execute(OUTCOMES, {"district": name, "outcomes": OUTCOMES_PER_SYNC})
    for table in await district_rows.find_tables(owner):
        if table.name in {"ledger", "section_cursor", "history"}:
            own = {"section_id": "(7900000000 + n)::text", "ref_key": "ref_key || '-' || n"}
            values = (own.get(column, f"{table.name}.{column}") for column in table.columns)
            copies = COPIES.format(name=table.name, columns=table.listed, values=", ".join(values))
            await owner.execute(text(copies), {"district": name, "sections": sections, "known": known})
