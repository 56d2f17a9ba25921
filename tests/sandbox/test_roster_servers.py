"""Test the invented OneRoster servers: what Teams sent is taken, what is not served is refused as JSON."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from gradesync.oneroster.connection import profile_of
from gradesync.oneroster.profiles import PROFILES
from gradesync_sandbox.__main__ import main
from gradesync_sandbox.oneroster.app import create_app
from gradesync_sandbox.oneroster.demands import SERVERS, TEAMS, Demands, change_demands
from gradesync_sandbox.oneroster.state import OneRoster, open_face
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build
from harness.known_districts import district_of

BASE = "/ims/oneroster/v1p1"


@asynccontextmanager
async def served(face: OneRoster) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(face))
    async with httpx.AsyncClient(transport=transport, base_url="http://sis.example") as client:
        yield client


@asynccontextmanager
async def teams() -> AsyncIterator[tuple[OneRoster, httpx.AsyncClient]]:
    """Serve what Teams sent its grades to, and yield a client with a token for everything."""
    face = open_face(build(7, 1, 2, 1, ideal=True).powerschool, "teams")
    plugin = face.sis.plugin
    async with served(face) as client:
        auth = httpx.BasicAuth(plugin.client_id, plugin.client_secret)
        answer = await client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        yield face, client


async def test_what_teams_sent_is_taken_and_deleted() -> None:
    async with teams() as (face, client):
        section = str(next(iter(face.sis.sections)))
        term = face.sis.term_of(next(iter(face.sis.sections.values())))
        (student, *_) = (await client.get(f"{BASE}/classes/{section}/students")).json()["users"]
        due = f"{term.lastday}T12:00:00.000Z"
        item: dict[str, Any] = {
            **{"sourcedId": "7", "title": "Sent by Teams", "assignDate": due, "dueDate": due},
            **{"resultValueMin": 0, "resultValueMax": 100},
            "class": {"type": "class", "sourcedId": section},
            "gradingPeriod": {"type": "academicSession", "sourcedId": str(term.dcid)},
        }
        result = {
            **{"sourcedId": "8", "score": 41.5, "scoreStatus": "fully graded", "scoreDate": due},
            **{"lineItem": {"sourcedId": "7"}, "student": {"sourcedId": student["sourcedId"]}},
        }
        assert (await client.put(f"{BASE}/lineitems/7", json={"lineItem": item})).status_code == 201
        assert (await client.put(f"{BASE}/results/8", json={"result": result})).status_code == 201
        listed = await client.get(f"{BASE}/classes/{section}/students/{student['sourcedId']}/results")
        assert [each["score"] for each in listed.json()["results"]] == [41.5]
        for path in ("results/8", "lineitems/7"):
            assert (await client.delete(f"{BASE}/{path}")).status_code == 204
        assert (await client.get(f"{BASE}/classes/{section}/lineitems")).json()["lineItems"] == []


async def test_people_are_listed_with_their_classes() -> None:
    async with teams() as (face, client):
        section = str(next(iter(face.sis.sections)))
        (teacher,) = (await client.get(f"{BASE}/classes/{section}/teachers")).json()["users"]
        named = {"filter": f"email='{teacher['email']}'"}
        users = (await client.get(f"{BASE}/users", params=named)).json()["users"]
        assert [user["sourcedId"] for user in users] == [teacher["sourcedId"]]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/courses", 404), ("PATCH", "/users", 405)])
async def test_what_is_not_served_is_refused_as_json(method: str, path: str, status: int) -> None:
    async with teams() as (_, client):
        answer = await client.request(method, BASE + path)
        assert (answer.status_code, answer.json()["imsx_codeMajor"]) == (status, "failure")


def test_every_version_of_every_profile_has_a_server() -> None:
    spoken = {(name, version) for name, vendor in PROFILES.items() for version in vendor.versions}
    assert SERVERS.keys() - {(TEAMS, "1.1")} == spoken


async def test_a_server_takes_so_many_calls_a_minute() -> None:
    face = open_face(build(7, 1, 1, 1, ideal=True).powerschool, "standard")
    face.demands = replace(face.demands, per_minute=2)
    async with served(face) as client:
        assert [(await client.get("/ims")).status_code for _ in range(3)] == [404, 404, 429]


async def test_a_demand_is_a_setting_of_the_districts_file() -> None:
    world = build(7, 1, 1, 1)
    face = open_face(world.powerschool, "standard")
    changes = {"auth": "form", "decimals": "2", "keeps_entries": "true", "per_minute": "90", "at_once": "3"}
    face.demands = change_demands(face.demands, changes)
    async with Sandbox(world, oneroster=face) as sandbox:
        access = district_of(sandbox).sis.oneroster
    assert access is not None
    chosen = profile_of(access)
    assert (chosen.auth, chosen.decimals, chosen.keeps_entries) == ("form", 2, True)
    assert (chosen.calls_per_minute, chosen.connections) == (90, 3)


@pytest.mark.parametrize("change", [{"mood": "good"}, {"auth": "none"}, {"decimals": "many"}])
def test_a_demand_that_makes_no_sense_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        change_demands(Demands(), change)


@pytest.mark.parametrize(
    "options", [["--profile", "skyward"], ["--version", "1.1"], ["--demand", "auth=form"]]
)
def test_a_dialect_of_oneroster_needs_its_sis(options: list[str]) -> None:
    app = typer.Typer()
    app.command()(main)
    refused = CliRunner().invoke(app, options)
    assert refused.exit_code == 2
    assert "oneroster" in refused.output


def test_a_demand_that_makes_no_sense_is_named() -> None:
    with pytest.raises(ValueError, match=r"^decimals: Input should be a valid integer[^\n]*$"):
        change_demands(Demands(), {"decimals": "few"})
