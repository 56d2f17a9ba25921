"""Test the setup of a district by invitation: link, session, settings, secrets, check, audit log."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from gradesync.cli import operator
from gradesync.db import audit, districts
from gradesync.settings import Settings
from gradesync.sync.claim import claim_from
from gradesync.sync.run import run_sync
from gradesync_sandbox.district_file import district
from gradesync_sandbox.world import build
from harness.known_districts import request_as_teacher
from harness.lti import LtiHarness, open_lti

NEW = "hilltop"
OPEN = ("name", "timezone", "schoology", "sis", "match")
SECRETS = ("consumer_secret", "client_secret")


@dataclass
class Setup:
    """Drive the setup of a district over HTTP, as the page does."""

    tool: LtiHarness
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        url = f"/console/setup/{path}"
        return await self.tool.browser.request(method, url, json=body, headers=self.headers)

    async def invite(self, district_id: str = NEW) -> str:
        """Return what follows the # of a new link."""
        return (await operator.invite(self.tool.runtime, district_id, "Ann Lee")).partition("#")[2]

    async def open(self, link: str) -> httpx.Response:
        answer = await self.ask("POST", "session", {"link": link})
        if answer.status_code == 200:
            self.headers = {"authorization": f"Bearer {answer.json()['session']}"}
        return answer

    async def mistakes(self, **settings: Any) -> list[tuple[str, str, str]]:
        answer = await self.ask("PUT", "district", settings)
        assert answer.status_code == 422, answer.text
        return [(each["setting"], each["message"], each["hint"]) for each in answer.json()["mistakes"]]

    def settings(self) -> dict[str, Any]:
        """Return the settings of the sandbox's district, as a person fills them in."""
        return {name: district(self.tool.sandbox)[name] for name in OPEN}


@pytest.fixture
async def setup(settings: Settings) -> AsyncIterator[Setup]:
    async with open_lti(settings, build(students=1, assignments=1, sections=1)) as tool:
        yield Setup(tool)


def expect_over(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["title"]) == (401, "This link was used before, or is too old.")


async def test_invited_person_sets_up_a_district(setup: Setup) -> None:
    opened = await setup.open(await setup.invite())
    assert (opened.json()["district"], opened.json()["name"]) == (NEW, "Ann Lee")
    empty = (await setup.ask("GET", "district")).json()
    assert (empty["settings"], empty["secrets"]) == ({}, [])
    assert (await setup.ask("POST", "check", {})).status_code == 409
    saved = await setup.ask("PUT", "district", setup.settings())
    assert saved.json() == {"district": NEW, "applied": "created"}
    shown = await setup.ask("GET", "district")
    assert shown.json()["secrets"] == ["schoology.consumer_secret", "sis.client_secret"]
    for table in ("schoology", "sis"):
        kept = setup.settings()[table]
        assert [kept[name] for name in SECRETS if name in kept and kept[name] in shown.text] == []
    section = str(setup.tool.room.section.id)
    report = (await setup.ask("POST", "check", {"section": section})).json()
    assert report["ok"], report
    async with setup.tool.runtime.context.database.district(NEW) as db:
        log = [(entry.actor, entry.action) for entry in await audit.page(db)]
    assert log == [
        ("invited:Ann Lee", "connections.checked"),
        ("invited:Ann Lee", "district.created"),
        ("invited:Ann Lee", "invitation.used"),
        ("operator:command", "district.invited"),
    ]


async def test_first_synced_section_is_seen(setup: Setup) -> None:
    await setup.open(await setup.invite())
    assert (await setup.ask("GET", "sync")).status_code == 409
    await setup.ask("PUT", "district", setup.settings())
    before = (await setup.ask("GET", "sync")).json()
    assert (before["sync"], before["sis"]) == (None, "PowerSchool")
    context, room = setup.tool.runtime.context, setup.tool.room
    await request_as_teacher(context, NEW, room)
    queued = (await setup.ask("GET", "sync")).json()["sync"]
    assert (queued["status"], queued["stage"]) == ("processing", "queued")
    while claimed := await claim_from(context, NEW):
        await run_sync(context, claimed)
    seen = (await setup.ask("GET", "sync")).json()
    assert (seen["sync"]["section_id"], seen["sync"]["status"]) == (str(room.section.id), "complete")
    assert seen["title"]
    assert str(room.teacher.uid) not in str(seen)


async def test_first_sync_shows_no_person_and_no_words_of_one(setup: Setup) -> None:
    await setup.open(await setup.invite())
    await setup.ask("PUT", "district", setup.settings())
    context = setup.tool.runtime.context
    await request_as_teacher(context, NEW, setup.tool.room)
    undo = {"sync_id": None, "assignment": "1", "student": "hush of a student", "as_of": None}
    async with context.database.district(NEW) as db:
        await db.execute(
            text(
                "UPDATE sync SET reason = 'hush of a request', requested_by_id = 'hush of a person',"
                " paused_at = now(), pause_reason = 'hush of a pause', undo = CAST(:undo AS jsonb),"
                " error_code = 'sis-unreadable', error_detail = 'hush of a detail'"
            ),
            {"undo": json.dumps(undo | {"reason": "hush of an undo"})},
        )
    shown = (await setup.ask("GET", "sync")).json()["sync"]
    assert "hush" not in str(shown)
    assert (shown["status"], list(shown["paused"])) == ("processing", ["since"])
    assert set(shown["error"]) == {"explanation", "fix"}


async def test_keys_of_lti_1_1_and_headers_are_kept(setup: Setup) -> None:
    await setup.open(await setup.invite())
    lti11 = {"consumer_key": "launches", "consumer_secret": "hush of launches"}
    roster = {
        "kind": "oneroster",
        "profile": "infinite-campus",
        "base_url": "https://sis.example.org",
        "token_url": "https://sis.example.org/token",
        "client_id": "id",
        "client_secret": "hush of the SIS",
        "headers": ["x-vendor: hush of the vendor"],
    }
    filled_in = setup.settings() | {"lti11": lti11, "sis": roster, "match": None}
    assert (await setup.ask("PUT", "district", filled_in)).json()["applied"] == "created"
    shown = await setup.ask("GET", "district")
    assert "hush" not in shown.text
    assert {"lti11.consumer_secret", "sis.headers"} <= set(shown.json()["secrets"])
    left_out = {"name": "Hilltop", "lti11": {"consumer_key": "launches", "consumer_secret": ""}}
    left_out["sis"] = {"kind": "oneroster", "headers": []}
    assert (await setup.ask("PUT", "district", left_out)).json()["applied"] == "changed"
    async with setup.tool.runtime.context.database.district(NEW) as db:
        stored = await districts.get(db)
    assert stored
    assert (stored.sis.headers, stored.name) == ("x-vendor: hush of the vendor", "Hilltop")
    assert stored.lti11
    assert stored.lti11.consumer_secret == lti11["consumer_secret"]
    ((_, message, hint),) = await setup.mistakes(
        sis={"kind": "oneroster", "headers": ["hush without a name"]}
    )
    assert "hush" not in message + hint


async def test_check_names_what_is_missing(setup: Setup) -> None:
    await setup.open(await setup.invite())
    wrong = setup.settings()
    wrong["sis"] |= {"client_secret": "wrong"}
    await setup.ask("PUT", "district", wrong)
    report = (await setup.ask("POST", "check", {})).json()
    assert not report["ok"]
    assert all(finding["fix"] for finding in report["findings"] if not finding["ok"])


async def test_link_is_good_once_and_for_its_district(setup: Setup) -> None:
    link = await setup.invite()
    expect_over(await setup.open(link.replace(NEW, setup.tool.district.id)))
    await setup.open(link)
    expect_over(await setup.open(link))
    for wrong in ("", "hilltop", f"{NEW}.x", "-." + "x" * 43):
        expect_over(await setup.open(wrong))


async def test_session_is_for_its_district_and_time(setup: Setup) -> None:
    expect_over(await setup.ask("GET", "district"))
    await setup.open(await setup.invite())
    own = setup.headers["authorization"]
    setup.headers = {"authorization": own.replace(NEW, setup.tool.district.id)}
    for method, path in (("GET", "district"), ("PUT", "district"), ("POST", "check"), ("GET", "sync")):
        expect_over(await setup.ask(method, path, {}))
    setup.headers = {"authorization": own}
    async with setup.tool.runtime.context.database.district(NEW) as db:
        await db.execute(text("UPDATE invitation SET expires_at = now()"))
    expect_over(await setup.ask("GET", "district"))


async def test_old_link_is_refused(setup: Setup) -> None:
    link = await setup.invite()
    async with setup.tool.runtime.context.database.district(NEW) as db:
        await db.execute(text("UPDATE invitation SET expires_at = now()"))
    expect_over(await setup.open(link))


async def test_mistakes_name_their_setting_with_a_hint(setup: Setup) -> None:
    await setup.open(await setup.invite())
    settings = setup.settings() | {"timezone": "America/Chicaco"}
    settings["sis"] |= {"base_url": "sis.example.org"}
    settings["schoology"] = {"consumer_key": "key", "consumer_secret": ""}
    assert sorted((name, hint) for name, _, hint in await setup.mistakes(**settings)) == [
        ("schoology.consumer_secret", 'Add consumer_secret = "…" under [schoology]'),
        ("sis.base_url", 'Write it like "https://sis.example.org"'),
        ("timezone", 'Write an IANA name, like "America/Chicago"'),
    ]
    assert [name for name, *_ in await setup.mistakes(policy={"runs": True}, id="x")] == ["id", "policy"]
    async with setup.tool.runtime.context.database.district(NEW) as db:
        assert await districts.get(db) is None


async def test_installation_of_another_district_is_refused(setup: Setup) -> None:
    await setup.open(await setup.invite())
    settings = setup.settings() | {"lti": district(setup.tool.sandbox)["lti"]}
    assert [name for name, *_ in await setup.mistakes(**settings)] == ["lti"]


async def test_secret_left_out_stays_with_its_address_alone(setup: Setup) -> None:
    await setup.open(await setup.invite(setup.tool.district.id))
    saved = await setup.ask("PUT", "district", {"name": "Hilltop", "sis": {"name": "Campus"}})
    assert saved.json()["applied"] == "changed"
    async with setup.tool.runtime.context.database.district(setup.tool.district.id) as db:
        stored = await districts.get(db)
    assert stored
    assert (stored.name, stored.sis.name) == ("Hilltop", "Campus")
    assert stored.sis.client_secret == setup.tool.district.sis.client_secret
    assert stored.policy == setup.tool.district.policy
    # Scores or launches of somebody else's need the secrets of both systems.
    for elsewhere in (
        {"sis": {"base_url": "https://sis.attacker.example"}},
        {"schoology": {"base_url": "https://schoology.attacker.example/v1"}},
        {"lti": {"jwks_url": "https://keys.attacker.example"}},
        {"lti11": {"consumer_key": "mine", "consumer_secret": "mine"}},
    ):
        missing = [name for name, *_ in await setup.mistakes(**elsewhere)]
        assert missing == ["schoology.consumer_secret", "sis.client_secret"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"name": "\\u0000"}', b"[" * 100_000, b"\xff"])
async def test_unreadable_settings_are_refused(setup: Setup, body: bytes) -> None:
    await setup.open(await setup.invite())
    answer = await setup.tool.browser.put("/console/setup/district", content=body, headers=setup.headers)
    assert answer.status_code == 400, answer.text
