"""Test that a district whose systems don't respond keeps no other district's work waiting."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District
from gradesync.db import comparisons, preflights
from gradesync.worker.pool import run_worker
from harness.api import ApiHarness
from harness.known_districts import register_district
from harness.webhook_receiver import Receiver

SOON = 8  # seconds: less than a call to a silent system takes
Begin = Callable[[AsyncSession, str], Awaitable[object]]


async def compare(db: AsyncSession, section: str) -> object:
    return await comparisons.begin(db, section, requested_by="operator:test", settles_in=900)


async def check(db: AsyncSession, section: str) -> object:
    return await preflights.begin(db, sections=[section], requested_by="operator:test", settles_in=900)


@pytest.mark.parametrize(
    ("begin", "path"), [(compare, "{section}/comparisons"), (check, "/preflight")], ids=["compare", "check"]
)
async def test_a_silent_system_delays_no_other_district(
    api: ApiHarness, silent_server: Receiver, begin: Begin, path: str
) -> None:
    office = await api.office()
    await api.sync(office)
    schoology = replace(api.district.schoology, base_url=silent_server.url)
    other = replace(api.district, id="silentville", schoology=schoology, lti=None, lti11=None)
    await add_district(api, other, begin)
    async with run_worker(api.runtime):
        async with asyncio.timeout(SOON):
            await silent_server.called.wait()
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
