"""Test the findings of the connection test."""

from datetime import timedelta
from typing import Any

import pytest

from gradesync.core.ports import Finding
from gradesync.schoology.check import check_connection
from harness.canned_schoology import NOW, SECTION, CannedResponse, CannedSchoology, canned_source


async def findings(
    section_id: str | None = None, responses: dict[str, Any] | None = None, **options: Any
) -> dict[str, Finding]:
    schoology = CannedSchoology(
        {
            "/app-user-info": {"api_uid": 5790004, "web_session_timestamp": 1},
            "/users/5790004/sections": {"section": [{"id": SECTION}], "total": 1},
            **(responses or {}),
        }
    )
    async with canned_source(schoology, **options) as source:
        return {each.check: each for each in await check_connection(source, section_id)}


async def test_a_key_that_works_has_three_good_findings() -> None:
    checks = await findings()
    assert list(checks) == ["Schoology key", "Schoology clock", "Schoology reading"]
    assert all(each.ok and each.detail and not each.fix for each in checks.values())
    assert SECTION in checks["Schoology reading"].detail


async def test_a_section_may_be_named() -> None:
    checks = await findings("8800000001")
    assert not checks["Schoology reading"].ok
    assert "404" in checks["Schoology reading"].detail


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (CannedResponse(b"Invalid signature.", 401), "consumer key"),
        (CannedResponse(b"", 401), "personal keys"),
        (CannedResponse(b"<html>", 200), "base address"),
        (b'{"api_uid":null}', "base address"),
        (CannedResponse(b"", 404), "base address"),
    ],
)
async def test_a_key_that_does_not_work_ends_the_test_with_a_fix(response: Any, words: str) -> None:
    checks = await findings(responses={"/app-user-info": response})
    assert list(checks) == ["Schoology key"]
    assert not checks["Schoology key"].ok
    assert words in checks["Schoology key"].fix


async def test_an_unreachable_schoology_is_reported() -> None:
    checks = await findings(responses={"/app-user-info": CannedResponse(b"", 503)})
    assert not checks["Schoology key"].ok
    assert "later" in checks["Schoology key"].fix


@pytest.mark.parametrize(
    ("seconds", "ok", "word"),
    [(5, True, "ahead of"), (-100, True, "behind"), (700, False, "ahead of"), (-700, False, "behind")],
)
async def test_a_clock_that_is_wrong_is_found(seconds: int, ok: bool, word: str) -> None:
    finding = (await findings(clock=lambda: NOW + timedelta(seconds=seconds)))["Schoology clock"]
    assert finding.ok is ok
    assert f"{abs(seconds)} s {word}" in finding.detail
    assert bool(finding.fix) is not ok


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_may_not_read_rosters_is_no_wrong_key(status: int) -> None:
    checks = await findings(responses={f"/sections/{SECTION}/enrollments": CannedResponse(b"", status)})
    assert checks["Schoology key"].ok
    assert not checks["Schoology reading"].ok
    assert "approved" in checks["Schoology reading"].fix


async def test_an_owner_without_sections_is_no_failure() -> None:
    finding = (await findings(responses={"/users/5790004/sections": {"section": []}}))["Schoology reading"]
    assert finding.ok
    assert "name one" in finding.detail


async def test_sections_that_make_no_sense_are_a_failure() -> None:
    response = {"section": [{"id": ["?"]}]}
    assert not (await findings(responses={"/users/5790004/sections": response}))["Schoology reading"].ok


async def test_a_schoology_without_a_date_does_not_fail_the_clock() -> None:
    schoology = CannedSchoology({"/app-user-info": {"api_uid": "5790004"}}, date=None)
    async with canned_source(schoology) as source:
        checks = {each.check: each for each in await check_connection(source, SECTION)}
    assert checks["Schoology clock"].ok
    assert "did not send" in checks["Schoology clock"].detail
