"""Test the token: fetched once, shared, renewed in time and on refusal; and the connection check."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gradesync.core.reasons import Reason
from gradesync.powerschool.connection import PowerSchool
from gradesync_sandbox.faults import Body, RefuseBefore, Status
from harness.errors import expect_stop
from harness.powerschool_target import Classroom, now


def tokens(room: Classroom) -> int:
    return len(room.sis.log.of("token"))


async def test_one_token_serves_every_target_of_a_district_at_once(room: Classroom) -> None:
    key = str(room.section.dcid)
    await asyncio.gather(*(room.target().resolve_section(key) for _ in range(5)))
    assert tokens(room) == 1


@pytest.mark.parametrize("form", ["string", "number"])
async def test_a_token_is_renewed_a_minute_before_it_ends(room: Classroom, form: str) -> None:
    room.sis.switches.expires_in, room.sis.switches.expires_in_as = 3600, form  # type: ignore[assignment]
    now = datetime.now(UTC)
    room.connection = room.connect(clock=lambda: now)
    await room.connection.auth.get_token()
    now += timedelta(seconds=3539)
    await room.connection.auth.get_token()
    assert tokens(room) == 1
    now += timedelta(seconds=2)
    await room.connection.auth.get_token()
    assert tokens(room) == 2


async def test_a_refused_token_is_replaced_once_for_all_who_used_it(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.tokens.revoke_all()
    await asyncio.gather(*(room.target().assignments(section) for _ in range(4)))
    assert tokens(room) == 1


async def test_a_create_whose_token_was_refused_is_sent_once_more(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.tokens.revoke_all()
    assert (await room.target().create_assignment(section, room.spec(), "a1")).ref is not None
    assert len(room.sis.gradebook.assignments) == 1


async def test_a_second_401_stops_the_sync(room: Classroom) -> None:
    section = await room.resolved()
    room.order("assignment.list", Status(401), times=None)
    with expect_stop(Reason.SIS_CREDENTIALS_REFUSED):
        await room.target().assignments(section)
    assert len(room.faults.struck) == 2


async def test_a_401_for_a_missing_capability_costs_no_token(room: Classroom) -> None:
    section = await room.resolved()
    room.sis.plugin.v1_access = "NONE"
    assert await room.target().roster(section) is not None
    assert tokens(room) == 0
    assert room.kinds().count("v1.section_enrollment") == 1


async def test_wrong_credentials_stop_the_sync(room: Classroom) -> None:
    room.connection = room.connect(secret="wrong")
    with expect_stop(Reason.SIS_CREDENTIALS_REFUSED) as stopped:
        await room.target().resolve_section(str(room.section.dcid))
    assert "wrong" not in stopped.value.detail


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"error":"invalid_client"}', Reason.SIS_CREDENTIALS_REFUSED),
        ("<html>", Reason.UPSTREAM_ANSWER_UNEXPECTED),
        ("[]", Reason.UPSTREAM_ANSWER_UNEXPECTED),
        ('{"access_token":""}', Reason.UPSTREAM_ANSWER_UNEXPECTED),
        ('{"access_token":"a\\nb"}', Reason.UPSTREAM_ANSWER_UNEXPECTED),
    ],
)
async def test_a_garbled_token_response_stops_the_sync(room: Classroom, body: str, reason: Reason) -> None:
    room.order("token", Body(body, done=False))
    with expect_stop(reason):
        await room.target().resolve_section(str(room.section.dcid))


@pytest.mark.parametrize("expires", ['"soon"', "null", "-5", "30"])
async def test_a_token_with_a_garbled_expiry_is_used(room: Classroom, expires: str) -> None:
    token = room.sis.tokens.issue(3600)
    room.order("token", Body(f'{{"access_token":"{token}","expires_in":{expires}}}', done=False))
    await room.target().resolve_section(str(room.section.dcid))


async def test_a_create_without_a_token_is_not_in_doubt(room: Classroom) -> None:
    section = await room.resolved()
    room.connection = room.connect()
    room.order("token", RefuseBefore())
    assert (await room.target().create_assignment(section, room.spec(), "a1")).ref is not None


async def test_the_check_of_a_sound_plugin_finds_nothing(room: Classroom) -> None:
    findings = await room.target().check()
    assert [finding.check for finding in findings if not finding.ok] == []
    assert len(findings) == 16
    assert all(call.method == "GET" for call in room.sis.log.calls if call.kind != "token")


async def test_the_check_names_every_missing_grant(room: Classroom) -> None:
    room.sis.plugin.deny("cc", "studentid")
    room.sis.plugin.deny("terms", "lastday")
    room.sis.plugin.v1_access = "NONE"
    room.order("schema.assignment", Status(405, "{}"))
    bad = {finding.check: finding for finding in await room.target().check() if not finding.ok}
    assert set(bad) == {"Version 1 API", "Table TERMS", "Table CC", "Table ASSIGNMENT"}
    assert "CC.STUDENTID" in bad["Table CC"].detail
    assert "TERMS.LASTDAY" in bad["Table TERMS"].detail
    assert "405" in bad["Table ASSIGNMENT"].detail
    assert all(finding.fix for finding in bad.values())


async def test_a_check_ends_at_the_first_outage(room: Classroom) -> None:
    room.connection = room.connect(secret="wrong")
    (only,) = await room.target().check()
    assert (only.ok, only.check) == (False, "PowerSchool credentials")
    room.connection = room.connect()
    room.order("schema.*", Status(503), times=None)
    *_, last = await room.target().check()
    assert (last.ok, last.check) == (False, "PowerSchool connection")


async def test_the_check_reports_clock_skew_and_unknown_plugins(room: Classroom) -> None:
    room.order("v1.metadata", Status(404))
    room.connection = room.connect(clock=lambda: now() + timedelta(minutes=5))
    bad = {finding.check: finding for finding in await room.target().check() if not finding.ok}
    assert set(bad) == {"PowerSchool clock", "Plugin"}
    assert "behind ours" in bad["PowerSchool clock"].detail


async def test_a_plugin_id_known_before_is_used(room: Classroom) -> None:
    connection: PowerSchool = room.connect(plugin_id="744")
    assert connection.memory.plugin_id == "744"
