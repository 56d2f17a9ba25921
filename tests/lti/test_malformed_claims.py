"""Launch with claims of the wrong kind, rightly signed: each gets a page that names what is wrong."""

from typing import Any

import pytest

from gradesync_sandbox.lti.platform import CLAIM
from harness.lti import LtiHarness

KINDS: dict[str, Any] = {
    "number": 7,
    "fraction": 1.5,
    "list": ["x"],
    "empty list": [],
    "nothing": None,
    "object": {"a": 1},
    "truth": True,
}
VERY_LONG = "x" * 100_000
UNCHECKED = (401, "be checked")
UNKNOWN_PERSON = (400, "who you are")
UNKNOWN_SECTION = (400, "course")
TEXTS = ("iss", "sub", "nonce", *(CLAIM + name for name in ("deployment_id", "version", "message_type")))
TIMES = ("exp", "iat", "nbf")


async def expect(tool: LtiHarness, expected: tuple[int, str], **claims: Any) -> None:
    status, words = expected
    response = await tool.launch(**claims)
    assert (response.status_code, words in response.text) == (status, True), claims


@pytest.mark.parametrize("name", [*TEXTS, CLAIM + "target_link_uri"])
@pytest.mark.parametrize("kind", KINDS)
async def test_claim_that_is_no_text_is_refused(tool: LtiHarness, name: str, kind: str) -> None:
    await expect(tool, UNCHECKED, **{name: KINDS[kind]})


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("kind", ["list", "empty list", "object", "truth"])
async def test_time_that_is_no_number_is_refused(tool: LtiHarness, name: str, kind: str) -> None:
    await expect(tool, UNCHECKED, **{name: KINDS[kind]})


@pytest.mark.parametrize("name", [*TEXTS, CLAIM + "roles", CLAIM + "custom", CLAIM + "context"])
async def test_very_long_claim_is_refused(tool: LtiHarness, name: str) -> None:
    await expect(tool, UNCHECKED, **{name: VERY_LONG})


@pytest.mark.parametrize("text", ["", " ", "x" * 3000, "another"])
async def test_unknown_deployment_is_no_installation(tool: LtiHarness, text: str) -> None:
    await expect(tool, (403, "set up here"), deployment_id=text)


@pytest.mark.parametrize("kind", KINDS)
async def test_malformed_roles_make_nobody_a_teacher(tool: LtiHarness, kind: str) -> None:
    await expect(tool, (403, "for teachers"), **{CLAIM + "roles": KINDS[kind]})


@pytest.mark.parametrize("kind", KINDS)
async def test_malformed_custom_parameters_name_nobody(tool: LtiHarness, kind: str) -> None:
    await expect(tool, UNKNOWN_PERSON, custom=KINDS[kind])
    if kind != "number":  # which is somebody's id
        await expect(tool, UNKNOWN_PERSON, custom={"user_id": KINDS[kind]})


@pytest.mark.parametrize("kind", KINDS)
async def test_malformed_context_names_no_section(tool: LtiHarness, kind: str) -> None:
    person = {"user_id": str(tool.room.teacher.uid)}
    for context in (KINDS[kind], {"id": KINDS[kind] if kind != "number" else "7x"}):
        await expect(tool, UNKNOWN_SECTION, custom=person, context=context)


@pytest.mark.parametrize("name", ["resource_link", "launch_presentation"])
@pytest.mark.parametrize("kind", KINDS)
async def test_claim_that_nobody_reads_changes_nothing(tool: LtiHarness, name: str, kind: str) -> None:
    await expect(tool, (200, "Opening"), **{name: KINDS[kind]})


@pytest.mark.parametrize("kind", KINDS)
async def test_malformed_title_and_time_zone_are_left_out(tool: LtiHarness, kind: str) -> None:
    room = tool.room
    context = {"id": str(room.section.id), "title": KINDS[kind]}
    custom = {"user_id": str(room.teacher.uid), "user_timezone": KINDS[kind]}
    await expect(tool, (200, "Opening"), context=context, custom=custom)
