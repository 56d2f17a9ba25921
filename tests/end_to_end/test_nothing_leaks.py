"""Check that the logs of API and worker contain no secret, token, person or score."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import quote, quote_plus

import pytest
from sqlalchemy import make_url, text

from gradesync.settings import Settings
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.faults import Body, Fault, LoseAfter, Status
from gradesync_sandbox.world import build
from harness.processes import Installation, Teacher, install
from harness.servers import Urls

POINTS = Decimal("97.5319")
"""Choose points that no other number of a log resembles."""
LEAKY_BODY = '{"error": "Avery Lopez 97.5319 is not allowed", "access_token": "leaked-by-the-upstream"}'


@pytest.fixture
def world() -> World:
    world = build(seed=5, sections=2, students=12, assignments=12)
    room = world.classrooms[0]
    for uid, item in zip(room.students, room.section.standing(), strict=False):
        world.schoology.grade(room.section.id, item.id, uid, POINTS)
    return world


@pytest.mark.long
async def test_logs_hold_no_secrets_and_no_personal_data(
    settings: Settings, servers: Urls, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens: list[str] = []
    async with install(settings.filled(log_level="debug", call_timeout_seconds=5), world) as here:
        room = world.classrooms[0]
        teacher = await here.teacher(room)
        tokens += [teacher.token, *here.front_end]
        await whole_syncs(here, teacher, room)
        await syncs_against_faults(here, teacher, room)
        await requests_that_are_refused(here, tokens)
        await crash_the_api(here, servers, teacher)
        await crash_the_worker(servers, teacher, room)
    logs = capsys.readouterr().err
    lines = [json.loads(line) for line in logs.splitlines()]
    events = [line["event"] for line in lines]
    assert [line for line in lines if not is_bound(line)] == []
    assert {"sync.settled", "trying again", "sync.error", "Exception in ASGI application"} <= set(events)
    found = {what: secret for what, secret in secrets(settings, world) if contains(secret, logs)}
    assert found == {}
    assert not [token for token in (*tokens, *issued(world)) if token in logs]
    assert "eyJ" not in logs
    assert not re.search(r"[?&](oauth_|state=|id_token)", logs)


def is_bound(line: dict[str, str]) -> bool:
    """Decide whether a line names its request, or its sync and district."""
    if line["event"] == "Exception in ASGI application":
        return "request_id" in line
    if line["event"].startswith("sync.") or line["event"] in {"upstream call", "trying again"}:
        return "district" in line and ("sync" in line or "request_id" in line)
    return True


async def whole_syncs(here: Installation, teacher: Teacher, room: Classroom) -> None:
    sync = await teacher.sync()
    assert sync["status"] == "failed"  # students who left the SIS
    outcomes = await teacher.get(sync["links"]["outcomes"], limit=200)
    assert any(one["after"] == str(POINTS) for one in outcomes["items"])
    await teacher.sync(dry_run=True)
    await teacher.sync(mode="full")


async def syncs_against_faults(here: Installation, teacher: Teacher, room: Classroom) -> None:
    student = next(iter(room.students))
    for points, fault in enumerate(
        (
            Fault("schoology", "*", Status(500, LEAKY_BODY)),
            Fault("powerschool", "score.write", LoseAfter()),
            Fault("powerschool", "score.write", Status(403, LEAKY_BODY)),
            Fault("powerschool", "*", Body(LEAKY_BODY)),
            Fault("powerschool", "token", Status(401, LEAKY_BODY)),
            Fault("schoology", "*", Body("<html>Avery Lopez</html>")),
        )
    ):
        item = room.section.standing()[0]
        here.world.schoology.grade(room.section.id, item.id, student, POINTS + points)
        here.faults.add(fault)
        await teacher.sync()
        here.faults.clear()


async def requests_that_are_refused(here: Installation, tokens: list[str]) -> None:
    room = here.world.classrooms[1]
    id_token = here.world.lti.id_token(room.teacher, room.section, aud=["somebody else"])
    secret = "a-secret-that-is-wrong-and-must-not-be-repeated"
    tokens += [id_token, secret]
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": id_token}
    form["subject_token_type"] = "urn:ietf:params:oauth:token-type:id_token"
    assert (await here.api.post("/oauth/token", data=form, auth=here.front_end)).status_code == 400
    assert (
        await here.api.post("/oauth/token", data=form, auth=(here.front_end[0], secret))
    ).status_code == 401
    assert (await here.api.get("/syncs", headers={"Authorization": f"Bearer {secret}"})).status_code == 401
    launch = {"id_token": id_token, "state": secret}
    assert (await here.api.post("/lti/launch", data=launch)).status_code >= 400


async def crash_the_worker(servers: Urls, teacher: Teacher, room: Classroom) -> None:
    """Write a ledger that cannot be decoded: the error repeats a score."""
    student = next(iter(room.students))
    owed = json.dumps({str(student): ["student-not-in-sis-section", f"1!{POINTS}"]})
    async with servers.owner() as owner:
        await owner.execute(text("UPDATE ledger SET owed = :owed"), {"owed": owed})
    sync = await teacher.sync()
    assert sync["error"]["code"] == "internal-error"


async def crash_the_api(here: Installation, servers: Urls, teacher: Teacher) -> None:
    """Send a row that the database refuses: the error repeats the whole row."""
    async with servers.owner() as owner:
        await owner.execute(text("ALTER TABLE sync ADD CONSTRAINT no_more CHECK (false) NOT VALID"))
        answer = await here.api.post(f"{teacher.section}/syncs", headers=teacher.bearer)
        await owner.execute(text("ALTER TABLE sync DROP CONSTRAINT no_more"))
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal-error"


def secrets(settings: Settings, world: World) -> Iterator[tuple[str, str]]:
    """Return everything that must never be logged, by its meaning."""
    for key in settings.secret_keys:
        yield "a secret key", key.get_secret_value()
    for url in (settings.database_url, settings.migrate_database_url, settings.redis_url):
        assert url is not None
        yield "a server's password", str(make_url(url.get_secret_value()).password)
    yield "Schoology's secret", world.app_key.secret
    yield "Schoology's key", world.app_key.key
    yield "the SIS's secret", world.powerschool.plugin.client_secret
    yield "LTI 1.1's secret", world.lti.consumer_secret
    yield "a score", str(POINTS)
    yield "a response of an upstream", "leaked-by-the-upstream"
    for user in world.schoology.users.values():
        yield f"the uid of {user.display}", str(user.uid)
        yield "a name", user.display
        if user.school_uid:
            yield f"the school's id of {user.display}", user.school_uid
    for room in world.classrooms:
        for student in room.students.values():
            yield "a student number", str(student.student_number)
            yield "a name", student.last_name
        for item in room.section.standing():
            yield "a title", item.title


def issued(world: World) -> list[str]:
    """Return the tokens that the SIS issued."""
    return list(world.powerschool.tokens.ends)


def contains(secret: str, logs: str) -> bool:
    """Find a text as it stands or as URLs write it, as a word: 12 is not found in 3127."""
    spellings = {secret, quote(secret, safe=""), quote_plus(secret)}
    return any(re.search(rf"(?<![\w.]){re.escape(one)}(?![\w.])", logs) for one in spellings)
