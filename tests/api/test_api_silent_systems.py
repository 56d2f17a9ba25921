"""Test that a district whose systems don't respond keeps no other district's work waiting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.db import comparisons, preflights
from gradesync.worker.pool import run_worker
from gradesync_sandbox.serving import Served
from harness.api import ApiHarness
from harness.known_districts import register_district
from harness.webhook_receiver import Receiver

SOON = 8  # seconds: less than a call to a silent system takes
Begin = Callable[[AsyncSession, str], Awaitable[object]]


async def compare(db: AsyncSession, section: str) -> object:
    return await comparisons.begin(db, section, requested_by="operator:test", settles_in=900)


async def check(db: AsyncSession, section: str) -> object:
    return await preflights.begin(db, sections=[section], requested_by="operator:test", settles_in=900)


@pytest.fixture
async def silent() -> AsyncIterator[Receiver]:
    """Serve a system that receives calls, and answers none until the test ends."""
    system = Receiver(silent=asyncio.Event())
    served = Served(system, "127.0.0.1")
    system.url = f"{served.url}/v1"
    await served.start()
    yield system
    assert system.silent is not None
    system.silent.set()
    await served.stop()


@pytest.mark.parametrize(
    ("begin", "path"), [(compare, "{section}/comparisons"), (check, "/preflight")], ids=["compare", "check"]
)
async def test_a_silent_system_delays_no_other_district(
    api: ApiHarness, silent: Receiver, begin: Begin, path: str
) -> None:
    office = await api.office()
    await api.sync(office)
    other = replace(api.district, id="silentville", lti=None, lti11=None)
    await add_district(api, replace(other, schoology=replace(other.schoology, base_url=silent.url)), begin)
    async with run_worker(api.runtime):
        async with asyncio.timeout(SOON):
            await silent.called.wait()
        made = await office.post(path.format(section=api.path), {} if begin is check else None)
        assert made.status_code == 202, made.text
        async with asyncio.timeout(SOON):
            while (await office.get(made.headers["location"])).json()["status"] == "processing":
                await asyncio.sleep(0.1)


async def add_district(api: ApiHarness, district: District, begin: Begin) -> None:
    """Register a district in which something begins that reads from its systems."""
    await register_district(api.runtime.context.database, district)
    async with api.runtime.context.database.district(district.id) as db:
        await begin(db, api.section)
