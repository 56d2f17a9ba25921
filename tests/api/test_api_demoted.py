"""Test that a request and a sync find the new leader after PostgreSQL failed over."""

from dataclasses import replace

from gradesync.errors import DatabaseAway
from gradesync.sync.release import retry_releases
from harness.api import ApiHarness, expect_problem
from harness.database_outages import demoted
from harness.servers import Urls


async def test_demoted_leader_is_503_until_the_new_one_is_found(api: ApiHarness, servers: Urls) -> None:
    office = await api.office()
    async with demoted(servers) as database:
        context = replace(api.runtime.context, database=database)
        api.runtime = api.app.state.runtime = replace(api.runtime, context=context)
        refused = await office.post(f"{api.path}/syncs", {})
        expect_problem(refused, 503, "service-unavailable")
        assert int(refused.headers["retry-after"])
        assert (await api.sync(office))["status"] == "complete"


async def test_worker_on_a_demoted_leader_gives_back_and_goes_on(api: ApiHarness, servers: Urls) -> None:
    office = await api.office()
    started = await office.post(f"{api.path}/syncs", {})
    async with demoted(servers) as database:
        context = replace(api.runtime.context, database=database)
        api.runtime = replace(api.runtime, context=context)
        failed = 0
        while (found := (await office.get(started.headers["location"])).json())["status"] == "processing":
            try:
                await retry_releases(context)
                await api.run_queued()
            except DatabaseAway:
                failed += 1
        await retry_releases(context)
        assert failed
        assert found["status"] == "complete"
        assert not context.unreleased
