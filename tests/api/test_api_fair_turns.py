"""Test that districts whose turns always fail keep no other from its own, in every queue."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.core.windows import Times
from gradesync.db import comparisons, preflights, queue, retention, syncs, webhooks
from gradesync.db.pauses import Where
from gradesync.observability.rotation import Rotation
from gradesync.sync import comparison, preflight
from gradesync.sync.claim import claim
from gradesync.sync.manual_links import Author
from gradesync.sync.runs import Choice, advance_runs, start_run
from gradesync.sync.schedules import add_schedule, begin_scheduled
from gradesync.sync.sweep import sweep
from gradesync.worker.pool import webhook_sender
from harness.api import ApiHarness
from harness.database_outages import broken_rows
from harness.known_districts import register_district
from harness.webhook_receiver import Receiver

BROKEN = 6  # more than any queue serves at once
WHO = Author("operator:test", None)
KNOWN = """
    INSERT INTO section_link (section_id, title, sis_key, chosen, rules_hash) VALUES ('1', '', '1', false, '')
"""
PROCESSING = "SELECT count(*) = 0 FROM {table} WHERE status = 'processing'"


@dataclass(frozen=True)
class Line:
    """Describe a queue of districts: how one of them gets in line, and `served`, true once it had its turn.

    `overdue` moves what waits into the past. In a broken district, changes of the `table` fail.
    """

    table: str
    enter: Callable[[ApiHarness, District, AsyncSession], Awaitable[object]]
    serve: Callable[[ApiHarness], Awaitable[object]]
    served: str
    overdue: str = ""


async def add_delivery(_: ApiHarness, district: District, db: AsyncSession) -> None:
    await webhooks.create(db, district.id, "http://127.0.0.1:1/hook")
    await webhooks.enqueue(db, uuid4(), {"type": "sync.settled"})


async def add_sync(_: ApiHarness, __: District, db: AsyncSession) -> None:
    await syncs.insert(db, section_id="1", requested_by_kind="client", requested_by_id="test", settles_in=900)
    await queue.mark_waiting(db)


async def add_comparison(api: ApiHarness, _: District, db: AsyncSession) -> None:
    await comparisons.begin(db, api.section, requested_by="operator:test", settles_in=900)


async def add_preflight(api: ApiHarness, _: District, db: AsyncSession) -> None:
    await preflights.begin(db, sections=[api.section], requested_by="operator:test", settles_in=900)


async def know_section(_: ApiHarness, __: District, db: AsyncSession) -> None:
    await db.execute(text(KNOWN))


async def add_run(api: ApiHarness, district: District, _: AsyncSession) -> None:
    await start_run(
        api.runtime.context, district.id, Choice(sections=["1"]), WHO, mode="changes", dry_run=False
    )


async def schedule(api: ApiHarness, district: District, _: AsyncSession) -> None:
    now = api.runtime.clock()
    times = Times(
        frozenset(range(1, 8)), (now - timedelta(hours=1)).time(), (now + timedelta(hours=3)).time()
    )
    await add_schedule(api.runtime.context, district.id, Where("section", "1"), times, WHO, mode="changes")


LINES = {
    "claim": Line(
        table="sync",
        enter=add_sync,
        serve=lambda api: claim(api.runtime.context),
        served="SELECT lease_token IS NOT NULL FROM sync",
        overdue="UPDATE sync SET not_before = now() - interval '1 minute'",
    ),
    "overdue": Line(
        table="sync",
        enter=add_sync,
        serve=lambda api: sweep(api.runtime.context),
        served=PROCESSING.format(table="sync"),
        overdue="UPDATE sync SET settles_by = now() - interval '1 minute'",
    ),
    "wrong turn": Line(
        table="turn",
        enter=add_sync,
        serve=lambda api: sweep(api.runtime.context),
        served="SELECT waiting FROM turn",
        overdue="UPDATE turn SET waiting = false",
    ),
    "deliver": Line(
        table="delivery",
        enter=add_delivery,
        serve=lambda api: webhook_sender(api.runtime).deliver(),
        served="SELECT attempt = 1 FROM delivery",
        overdue="UPDATE delivery SET not_before = now() - interval '1 minute'",
    ),
    "purge": Line(
        table="delivery",
        enter=add_delivery,
        serve=lambda api: retention.purge_all(api.runtime.context.database, Rotation("purge")),
        served="SELECT count(*) = 0 FROM delivery",
        overdue="UPDATE delivery SET created_at = now() - interval '31 days'",
    ),
    "comparison": Line(
        table="comparison",
        enter=add_comparison,
        serve=lambda api: comparison.advance(api.runtime.context),
        served=PROCESSING.format(table="comparison"),
        overdue="UPDATE comparison SET not_before = now() - interval '1 minute'",
    ),
    "nightly": Line(
        table="comparison",
        enter=know_section,
        serve=lambda api: comparison.queue_nightly(api.runtime.context),
        served="SELECT count(*) = 1 FROM comparison",
    ),
    "preflight": Line(
        table="preflight",
        enter=add_preflight,
        serve=lambda api: preflight.advance(api.runtime.context),
        served="SELECT done > 0 FROM preflight",
        overdue="UPDATE preflight SET not_before = now() - interval '1 minute'",
    ),
    "run": Line(
        table="sync",
        enter=add_run,
        serve=lambda api: advance_runs(api.runtime.context, 900),
        served="SELECT count(*) = 1 FROM sync",
    ),
    "schedule": Line(
        table="run",
        enter=schedule,
        serve=lambda api: begin_scheduled(api.runtime.context),
        served="SELECT count(*) = 1 FROM run",
        overdue="UPDATE schedule SET next_at = next_at - interval '1 day'",
    ),
}


async def ready(api: ApiHarness, line: Line, district: District) -> None:
    """Register a district that allows everything, and let it get in line."""
    night = f"Etc/GMT{(api.runtime.clock().hour - 2 + 11) % 24 - 11:+d}"
    zone = night if line is LINES["nightly"] else "UTC"
    policy = replace(district.policy, runs=True, schedules=True, compare_nightly=True)
    await register_district(
        api.runtime.context.database, replace(district, policy=policy, timezone=zone, lti=None, lti11=None)
    )
    async with api.runtime.context.database.district(district.id) as db:
        await line.enter(api, district, db)
    if line.overdue:
        async with api.runtime.context.database.district(district.id) as db:
            await db.execute(text(line.overdue))


@pytest.mark.parametrize("name", LINES)
async def test_broken_districts_keep_no_other_from_its_turn(api: ApiHarness, name: str) -> None:
    line = LINES[name]
    for number in range(BROKEN):
        await ready(api, line, replace(api.district, id=f"a-broken-{number}"))
    await ready(api, line, api.district)
    async with broken_rows(api.urls, line.table, "a-broken-%"):
        await line.serve(api)
        async with api.runtime.context.database.district(api.district.id) as db:
            assert await db.scalar(text(line.served))


async def test_unreadable_secret_fails_its_own_messages_alone(api: ApiHarness, receiver: Receiver) -> None:
    async with api.runtime.context.database.district(api.district.id) as db:
        for _ in range(2):
            await webhooks.create(db, api.district.id, receiver.url)
        await webhooks.enqueue(db, uuid4(), {"type": "sync.settled"})
        unreadable = "UPDATE webhook SET secret = '?' WHERE id = (SELECT min(id::text)::uuid FROM webhook)"
        await db.execute(text(unreadable))
    assert await webhook_sender(api.runtime).deliver() == 2
    assert len(receiver.received) == 1
    async with api.runtime.context.database.district(api.district.id) as db:
        errors = {row.error for row in await db.execute(text("SELECT error FROM delivery"))}
    assert errors == {None, "secret-unreadable"}
