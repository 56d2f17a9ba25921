"""Test token exchange: an LTI launch becomes a token for that teacher in that section."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import text

from gradesync_sandbox.lti.platform import OMIT, signing_key
from harness.api import ID_TOKEN, ApiClient, ApiHarness, expect_oauth_error, expect_problem

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


async def test_a_teacher_gets_a_short_token_for_one_section(api: ApiHarness) -> None:
    response = await api.exchange(api.launch())
    assert response.status_code == 200
    token = response.json()
    assert (token["token_type"], token["issued_token_type"]) == ("Bearer", ACCESS_TOKEN)
    assert token["expires_in"] <= 15 * 60
    assert token["scope"] == "syncs:read syncs:write"
    teacher = ApiClient(api.http, token["access_token"])
    assert (await teacher.post(f"{api.path}/syncs")).status_code == 202
    other_section = api.world.classrooms[1].section.id
    expect_problem(await teacher.get(f"/sections/{other_section}/syncs"), 404, "section-not-found")
    expect_problem(await teacher.post(f"/sections/{other_section}/syncs"), 404, "section-not-found")
    expect_problem(await teacher.get("/syncs"), 403, "district-only")


async def test_an_id_token_is_accepted_once(api: ApiHarness) -> None:
    token = api.launch()
    assert (await api.exchange(token)).status_code == 200
    expect_oauth_error(await api.exchange(token), 400, "invalid_grant", "id-token-used")
    head, claims, seal = token.split(".")
    respelled = seal[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[seal[-1]]
    response = await api.exchange(f"{head}.{claims}.{respelled}")
    assert response.json()["error"] == "invalid_grant"


async def test_every_exchange_is_audited(api: ApiHarness) -> None:
    await api.teacher()
    office = await api.office()
    (entry,) = (await office.get("/audit")).json()["items"]
    assert entry["action"] == "token.exchanged"
    assert entry["actor"] == f"client:{api.front_end[0]}"
    assert entry["objects"]["teacher"] == str(api.room.teacher.uid)


async def test_only_a_front_end_may_exchange(api: ApiHarness) -> None:
    token = api.launch()
    response = await api.exchange(token, await api.client("syncs:read", "syncs:write"))
    expect_oauth_error(response, 400, "unauthorized_client", "exchange-not-allowed")
    response = await api.exchange(token, ("gs_nobody", "x"))
    expect_oauth_error(response, 401, "invalid_client", "client-not-accepted")
    assert (await api.exchange(token)).status_code == 200


async def test_another_districts_front_end_cannot_use_the_launch(api: ApiHarness) -> None:
    neighbor = await api.add_neighbor()
    client = await api.client("token:exchange", district_id=neighbor.id)
    response = await api.exchange(api.launch(), client)
    expect_oauth_error(response, 400, "invalid_grant", "id-token-refused")


async def test_client_of_a_district_that_just_left_is_refused(api: ApiHarness) -> None:
    launch = api.launch()
    async with api.urls.owner() as owner:  # between the client's authentication and what follows
        await owner.execute(text("DELETE FROM district WHERE id = :id"), {"id": api.district.id})
    expect_oauth_error(await api.exchange(launch), 401, "invalid_client", "client-not-accepted")


async def test_a_district_without_lti_refuses_launches(api: ApiHarness) -> None:
    await api.replace_district(replace(api.district, lti=None))
    response = await api.exchange(api.launch())
    expect_oauth_error(response, 400, "unauthorized_client", "lti-not-configured")


@pytest.mark.parametrize(
    "form",
    [
        {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
        {"subject_token_type": ""},
        {"subject_token": ""},
        {"actor_token": "x", "actor_token_type": ID_TOKEN},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
    ],
)
async def test_a_malformed_exchange_is_refused(api: ApiHarness, form: dict[str, str]) -> None:
    response = await api.exchange(api.launch(), None, **form)
    expect_oauth_error(response, 400, "invalid_request", "token-request-not-valid")


CLAIMS: dict[str, dict[str, Any]] = {
    "wrong issuer": {"iss": "https://canvas.example"},
    "wrong audience": {"aud": ["7480000999"]},
    "no audience": {"aud": OMIT},
    "empty audience": {"aud": []},
    "audience is a number": {"aud": 7480000123},
    "several audiences, no party": {"aud": ["7480000123", "other"]},
    "another party": {"azp": "other"},
    "expired": {"at": 1_700_000_000},
    "from the future": {"at": 4_000_000_000},
    "no expiry": {"exp": OMIT},
    "expiry is text": {"exp": "tomorrow"},
    "endless": {"exp": 10**18},
    "not before tomorrow": {"nbf": 4_000_000_000},
    "no time of issue": {"iat": OMIT},
    "no subject": {"sub": OMIT},
    "another version": {"version": "1.1.0"},
    "no version": {"version": OMIT},
    "a deep link": {"message_type": "LtiDeepLinkingRequest"},
    "another deployment": {"deployment_id": "7480000123-1"},
    "no deployment": {"deployment_id": OMIT},
}


@pytest.mark.sample(6)
@pytest.mark.parametrize("claims", CLAIMS.values(), ids=CLAIMS.keys())
async def test_an_id_token_not_for_us_or_not_now_is_refused(api: ApiHarness, claims: dict[str, Any]) -> None:
    before = await api.rows()
    response = await api.exchange(api.launch(**claims))
    expect_oauth_error(response, 400, "invalid_grant", "id-token-refused")
    assert await api.rows() == before


async def test_an_id_token_without_a_nonce_is_refused(api: ApiHarness) -> None:
    expect_oauth_error(await api.exchange(api.launch(nonce=OMIT)), 400, "invalid_grant", "id-token-refused")


async def test_our_own_authorized_party_is_accepted(api: ApiHarness) -> None:
    client_id = api.world.lti.client_id
    for claims in ({"azp": client_id}, {"aud": client_id}, {"aud": [client_id, "x"], "azp": client_id}):
        assert (await api.exchange(api.launch(**claims))).status_code == 200


async def test_clocks_may_differ_by_a_minute(api: ApiHarness) -> None:
    now = api.world.lti.clock()
    for at in (now + 45, now - 600 - 45):
        assert (await api.exchange(api.launch(at=at))).status_code == 200


async def test_foreign_signatures_are_refused(api: ApiHarness) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": signing_key().kid or "", "alg": "RS256", "use": "sig"})
    head, claims, seal = api.launch().split(".")
    public = signing_key().as_pem(private=False)
    hmac = jwt.encode(
        {"alg": "HS256", "kid": signing_key().kid},
        jwt.decode(api.launch(), signing_key(), algorithms=["RS256"]).claims,
        OctKey.import_key(public.replace(b"-----", b"")),
        algorithms=["HS256"],
    )
    for token in (
        api.launch(key=stranger),
        api.launch(key=signing_key("unpublished")),
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{claims}x.{seal}",
        f"eyJhbGciOiJub25lIn0.{claims}.",
        hmac,
        "é.é.é",
        "x" * 20_000,
        ".." * 10,
    ):
        expect_oauth_error(await api.exchange(token), 400, "invalid_grant", "id-token-refused")


async def test_a_new_platform_key_is_fetched_when_used(api: ApiHarness) -> None:
    assert (await api.exchange(api.launch())).status_code == 200
    api.world.lti.rotate("sandbox-2")
    assert (await api.exchange(api.launch())).status_code == 200


async def test_unreadable_platform_keys_are_reported(api: ApiHarness) -> None:
    assert api.district.lti is not None
    lti = replace(api.district.lti, jwks_url="http://127.0.0.1:9/jwks")
    await api.replace_district(replace(api.district, lti=lti))
    expect_oauth_error(
        await api.exchange(api.launch()), 503, "temporarily_unavailable", "lti-keys-unavailable"
    )
