"""Send strange values in every parameter of every operation: each is an error of the caller, none of ours."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import pytest

from harness.api import ApiClient, ApiHarness, expect_oauth_error, expect_problem
from harness.api_document import api_document
from harness.every_route import create_rows
from harness.hostile import TEXTS, Probe, percent, probes

REFUSED_UPSTREAM = 502  # of an id that PowerSchool refuses to look up


async def send(http: httpx.AsyncClient, token: str | None, probe: Probe) -> httpx.Response:
    bearer = {b"authorization": f"Bearer {token}".encode()} if token and probe.form is None else {}
    content: bytes | None = None
    kind: dict[bytes, bytes] = {}
    if probe.form is not None:
        kind = {b"content-type": b"application/x-www-form-urlencoded"}
        content = "&".join(f"{name}={percent(value)}" for name, value in probe.form.items()).encode()
    elif probe.body is not None and probe.method != "GET":
        kind = {b"content-type": b"application/json"}
        content = json.dumps(probe.body).encode()
    headers = {**kind, **bearer, **{name.encode(): value for name, value in probe.headers.items()}}
    return await http.request(probe.method, probe.url, headers=headers, content=content)


async def test_no_value_of_any_parameter_is_an_error_of_ours(patient: ApiHarness, run_all: bool) -> None:
    office = await patient.office()
    await patient.change_policy(runs=True, schedules=True)
    ids = await create_rows(patient, office, patient.section)
    broken = []
    for number, slot in enumerate(probes(api_document(), ids)):
        sample = slot if run_all else {0: slot[0], 1: slot[1 + number % (len(slot) - 1)]}.values()
        for probe in sample:
            response = await send(patient.http, office.token, probe)
            # What reads both systems at once gives way to syncs: another 503 than one of ours.
            theirs = response.status_code == REFUSED_UPSTREAM or "upstream-unavailable" in response.text
            if response.status_code >= 500 and not theirs:
                broken.append(f"{response.status_code} {probe}")
    assert broken == []


@pytest.mark.parametrize("text", TEXTS)
async def test_no_credential_is_an_error_of_ours(api: ApiHarness, text: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": text, "client_secret": text}
    body = "&".join(f"{name}={percent(value)}" for name, value in form.items())
    kind = {"content-type": "application/x-www-form-urlencoded"}
    posted = await api.http.post("/oauth/token", content=body, headers=kind)
    assert posted.status_code in {400, 401}
    basic = urlsafe_b64encode(f"{percent(text)}:{percent(text)}".encode()).decode()
    response = await api.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers={"authorization": f"Basic {basic}"}
    )
    expect_oauth_error(response, 401, "invalid_client", "client-not-accepted")


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS256", "crit": [{}]},
        {"alg": {}},
        {"alg": "HS256", "kid": [{}]},
        {"alg": "HS256", "kid": "\x00"},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {"alg": "HS256", "x": 10**400},
    ],
)
async def test_token_with_a_strange_header_is_refused(api: ApiHarness, header: dict[str, object]) -> None:
    part = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    strange = ApiClient(api.http, f"{part}.e30.c2ln")
    expect_problem(await strange.get("/syncs"), 401, "token-not-accepted")
    response = await api.exchange(f"{part}.e30.c2ln")
    expect_oauth_error(response, 400, "invalid_grant", "id-token-refused")


async def test_deeply_nested_tokens_are_refused(api: ApiHarness) -> None:
    deep = urlsafe_b64encode(b'{"alg":"HS256","x":' + b"[" * 9000).decode()
    expect_problem(await ApiClient(api.http, f"{deep}.e30.c2ln").get("/syncs"), 401, "token-not-accepted")
    response = await api.exchange(f"{deep}.{deep}.c2ln")
    expect_oauth_error(response, 400, "invalid_grant", "id-token-refused")


async def test_times_outside_the_calendar_are_refused(api: ApiHarness) -> None:
    office = await api.office()
    for name in ("since", "until"):
        for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"):
            expect_problem(await office.get("/syncs", **{name: text}), 422, "request-not-valid")
        for text in ("0001-01-02T00:00:00Z", "9999-12-30T23:59:59Z"):
            assert (await office.get("/syncs", **{name: text})).status_code == 200


@pytest.mark.sample(5)
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [10**400, -(10**400), 1e300, "soon", True, [], None])
async def test_signed_times_without_sense_are_refused(api: ApiHarness, claim: str, value: object) -> None:
    claims: dict[str, Any] = {claim: value}
    response = await api.exchange(api.launch(**claims))
    assert response.status_code in {200, 400}
    assert response.status_code == 400 or (claim, value) in {
        ("iat", -(10**400)),
        ("nbf", -(10**400)),
        ("nbf", None),
    }


@pytest.mark.parametrize("claim", ["deployment_id", "version", "message_type", "nonce"])
async def test_claim_that_is_a_list_is_refused(api: ApiHarness, claim: str) -> None:
    right = {"deployment_id": api.world.lti.deployment_id, "version": "1.3.0", "nonce": "n"}
    value = right.get(claim, "LtiResourceLinkRequest")
    several: dict[str, Any] = {claim: [value, "another"]}
    response = await api.exchange(api.launch(**several))
    expect_oauth_error(response, 400, "invalid_grant", "id-token-refused")


async def test_rows_of_a_file_with_a_nul_are_refused(api: ApiHarness) -> None:
    office = await api.office()
    content = f"section,sis_section,teacher\r\n{api.section},4\x009,\r\n".encode()
    response = await office.ask(
        "POST", "/sections/import", content=content, headers={"content-type": "text/csv"}
    )
    assert response.status_code in {200, 422}
    assert response.status_code == 422 or response.json()["failed"] == 1


def test_every_form_of_a_token_request_is_probed() -> None:
    slots = {probe.slot.partition("=")[0] for slot in probes(api_document(), {}) for probe in slot}
    assert {"form client_id", "form scope", "query since", "header Idempotency-Key", "path code"} <= slots
    assert {"query as_of", "query from", "path run_id", "path student_id", "body ('begins',)"} <= slots
    assert "body ('rows', 0, 'sis_section')" in slots
