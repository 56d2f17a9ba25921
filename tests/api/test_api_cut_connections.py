"""Cut the connection to PostgreSQL anywhere within a request: every route then asks to try again."""

from dataclasses import dataclass, replace

import httpx

from gradesync.api.app import create_app
from harness.api import ApiClient, ApiHarness, expect_problem
from harness.apps import lend_app
from harness.database_outages import open_database
from harness.every_route import RULES, SECTION, SYNC, TwoDistricts, create_rows
from harness.relays import Cut, relay
from harness.servers import Urls

FINDINGS = "/preflight/{preflight_id}/findings"
FILES = {f"{SYNC}/outcomes": "text/csv", FINDINGS: "text/csv", f"{SECTION}/statement": "application/zip"}
# What ends a row of another ends it for all that follow.
ROUTES = sorted(RULES, key=lambda route: route[0] == "DELETE")
TRIES = [*((route, "*/*") for route in ROUTES), *((("GET", path), kind) for path, kind in FILES.items())]
EVERY, EVERY_OF_ALL = 50, 6  # of the places where a connection can be cut, in a sample and with `--all`
UNCUT = 0


@dataclass
class CutAt(Cut):
    """Cut once, at the `left`th piece of data in either direction."""

    left: int = UNCUT

    def strikes(self, data: bytes) -> bool:
        self.left -= 1
        return self.left == 0 and super().strikes(data)


async def test_no_cut_connection_is_an_error_of_ours(
    patient: ApiHarness, servers: Urls, run_all: bool
) -> None:
    office = await patient.office()
    await patient.change_policy(runs=True, schedules=True)
    ids = await create_rows(patient, office, patient.section)
    cut, refused = CutAt(b""), 0
    async with relay(servers.database_url, cut) as url, open_database(url) as database:
        runtime = replace(patient.runtime, context=replace(patient.runtime.context, database=database))
        with lend_app(create_app, runtime) as app:
            for number, (route, kind) in enumerate(TRIES):
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(
                    transport=transport, base_url="http://gradesync.test", headers={"accept": kind}
                ) as http:
                    asked = TwoDistricts(patient, ids, {}), ApiClient(http, office.token), route, ids
                    every = EVERY_OF_ALL if run_all else EVERY
                    refused += await cut_everywhere(cut, asked, 1 + number % every, every)
    assert refused > len(TRIES) // 2  # how many pieces a request is sent in differs


async def cut_everywhere(
    cut: CutAt, asked: tuple[TwoDistricts, ApiClient, tuple[str, str], dict[str, str]], first: int, every: int
) -> int:
    """Ask until a request is not cut, each time cut later; return how many were refused."""
    districts, client, route, ids = asked
    place, refused = first, 0
    while True:
        cut.left, cut.done = place, False
        response = await districts.ask(client, route, ids)
        if not cut.done:
            return refused
        if response.status_code >= 500:  # what is cut once the work is done, goes well
            expect_problem(response, 503, "service-unavailable")
            assert int(response.headers["retry-after"]), (route, place)
            refused += 1
        place += every
