"""The connection test: what an admin is told."""

from datetime import timedelta
from typing import Any

import pytest

from gradesync.core.ports import Finding
from gradesync.schoology.check import check_connection
from harness.canned_schoology import NOW, SECTION, CannedResponse, CannedSchoology, canned_source


async def findings(
    section_id: str | None = None, answers: dict[str, Any] | None = None, **options: Any
) -> dict[str, Finding]:
    schoology = CannedSchoology(
        {
            "/app-user-info": {"api_uid": 5790004, "web_session_timestamp": 1},
            "/users/5790004/sections": {"section": [{"id": SECTION}], "total": 1},
            **(answers or {}),
        }
    )
    async with canned_source(schoology, **options) as source:
        return {found.check: found for found in await check_connection(source, section_id)}


async def test_a_key_that_works_has_three_good_findings() -> None:
    found = await findings()
    assert list(found) == ["Schoology key", "Schoology clock", "Schoology reading"]
    assert all(each.ok and each.detail and not each.fix for each in found.values())
    assert SECTION in found["Schoology reading"].detail


async def test_a_section_may_be_named() -> None:
    found = await findings("8800000001")
    assert not found["Schoology reading"].ok
    assert "404" in found["Schoology reading"].detail


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (CannedResponse(b"Invalid signature.", 401), "consumer key"),
        (CannedResponse(b"", 401), "personal keys"),
        (CannedResponse(b"<html>", 200), "base address"),
        (b'{"api_uid":null}', "base address"),
        (CannedResponse(b"", 404), "base address"),
    ],
)
async def test_a_key_that_does_not_work_ends_the_test_with_a_fix(answer: Any, words: str) -> None:
    found = await findings(answers={"/app-user-info": answer})
    assert list(found) == ["Schoology key"]
    assert not found["Schoology key"].ok
    assert words in found["Schoology key"].fix


async def test_a_schoology_that_does_not_answer_is_said_to_be_away() -> None:
    found = await findings(answers={"/app-user-info": CannedResponse(b"", 503)})
    assert not found["Schoology key"].ok
    assert "later" in found["Schoology key"].fix


@pytest.mark.parametrize(
    ("seconds", "ok", "word"),
    [(5, True, "ahead of"), (-100, True, "behind"), (700, False, "ahead of"), (-700, False, "behind")],
)
async def test_a_clock_that_is_wrong_is_found(seconds: int, ok: bool, word: str) -> None:
    found = (await findings(clock=lambda: NOW + timedelta(seconds=seconds)))["Schoology clock"]
    assert found.ok is ok
    assert f"{abs(seconds)} s {word}" in found.detail
    assert bool(found.fix) is not ok


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_may_not_read_a_roster_is_told_apart_from_a_wrong_key(status: int) -> None:
    found = await findings(answers={f"/sections/{SECTION}/enrollments": CannedResponse(b"", status)})
    assert found["Schoology key"].ok
    assert not found["Schoology reading"].ok
    assert "approved" in found["Schoology reading"].fix


async def test_an_owner_without_sections_is_no_failure_and_says_what_to_do() -> None:
    found = (await findings(answers={"/users/5790004/sections": {"section": []}}))["Schoology reading"]
    assert found.ok
    assert "name one" in found.detail


async def test_sections_that_make_no_sense_are_a_failure() -> None:
    answer = {"section": [{"id": ["?"]}]}
    assert not (await findings(answers={"/users/5790004/sections": answer}))["Schoology reading"].ok


async def test_a_schoology_without_a_date_does_not_fail_the_clock() -> None:
    schoology = CannedSchoology({"/app-user-info": {"api_uid": "5790004"}}, date=None)
    async with canned_source(schoology) as source:
        found = {each.check: each for each in await check_connection(source, SECTION)}
    assert found["Schoology clock"].ok
    assert "did not send" in found["Schoology clock"].detail
