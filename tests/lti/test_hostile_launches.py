"""Send strange values in every parameter of a login and a launch: none is a fault of ours."""

import json
from typing import Any

import httpx
import pytest

from gradesync_sandbox.lti.platform import CLAIM, LTI_CLAIMS
from harness.hostile import TEXTS, percent
from harness.lti import TOOL, LtiHarness

INITIATION = ("iss", "login_hint", "client_id", "target_link_uri", "lti_message_hint", "lti_deployment_id")
SIGNED = (
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_timestamp",
    "oauth_signature_method",
    "oauth_version",
    "roles",
)
CLAIMS = (
    "iss",
    "aud",
    "sub",
    "azp",
    "exp",
    "iat",
    "nbf",
    "nonce",
    *(CLAIM + name for name in sorted(LTI_CLAIMS)),
)
ODD_CLAIMS: tuple[Any, ...] = (
    "\x00",
    "a\x00b",
    "http://[",
    10**400,
    -(10**400),
    1e300,
    [{}],
    {"id": "\x00", "title": "\x00"},
)


def encoded(form: dict[str, str]) -> bytes:
    return "&".join(f"{name}={percent(value)}" for name, value in form.items()).encode()


async def post(tool: LtiHarness, path: str, form: dict[str, str]) -> httpx.Response:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return await tool.browser.post(path, content=encoded(form), headers=kind)


@pytest.mark.parametrize("name", [*INITIATION, "lti_storage_target", "cookie_tried"])
async def test_no_value_of_a_login_is_a_fault_of_ours(tool: LtiHarness, name: str) -> None:
    for text in TEXTS:
        form = tool.initiation() | {name: text}
        for response in (
            await tool.browser.get(f"/lti/login?{encoded(form).decode()}"),
            await post(tool, "/lti/login", form),
        ):
            assert response.status_code < 500, (name, text)


@pytest.mark.parametrize("name", ["state", "id_token", "error"])
async def test_no_value_of_a_launch_is_a_fault_of_ours(tool: LtiHarness, name: str) -> None:
    asked = tool.authorization_request(await tool.login())
    for text in TEXTS:
        form = tool.forge(asked) | {name: text}
        assert (await post(tool, "/lti/launch", form)).status_code < 500, (name, text)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "name", [*SIGNED, "oauth_signature", "context_id", "context_title", "custom_user_id"]
)
async def test_no_value_of_a_form_is_a_fault_of_ours(tool: LtiHarness, name: str) -> None:
    from gradesync_sandbox.lti.basic import basic_launch

    room = tool.room
    for text in TEXTS:
        if text == "\ud800":
            continue  # cannot be signed
        form = basic_launch(tool.world.lti, room.teacher, room.section, f"{TOOL}/lti/launch", **{name: text})
        for sent in (form, form | {name: text}):
            assert (await post(tool, "/lti/launch", sent)).status_code < 500, (name, text)


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", CLAIMS)
async def test_no_signed_claim_is_a_fault_of_ours(tool: LtiHarness, name: str) -> None:
    for value in ODD_CLAIMS:
        assert (await tool.launch(**{name: value})).status_code < 500, (name, value)


@pytest.mark.parametrize("text", TEXTS)
async def test_no_proof_is_a_fault_of_ours(tool: LtiHarness, text: str) -> None:
    origins = (TOOL.encode(), text.encode("utf-8", "surrogatepass"))
    bodies = [json.dumps({"ticket": text, "value": text}), "[" * 9000, '{"x":' * 9000]
    for origin in origins:
        for body in bodies:
            response = await tool.browser.post("/lti/confirm", content=body, headers={b"origin": origin})
            assert response.status_code in {400, 403}
