"""Token exchange: an LTI launch becomes a token for that teacher in that section."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from gradesync_sandbox.lti.platform import OMIT, signing_key
from harness.api import ID_TOKEN, Door, Place, problem, refused

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


async def test_a_teacher_gets_a_short_token_for_one_section(place: Place) -> None:
    answer = await place.exchange(place.launch())
    assert answer.status_code == 200
    told = answer.json()
    assert (told["token_type"], told["issued_token_type"]) == ("Bearer", ACCESS_TOKEN)
    assert told["expires_in"] <= 15 * 60
    assert told["scope"] == "syncs:read syncs:write"
    teacher = Door(place.api, told["access_token"])
    assert (await teacher.post(f"{place.path}/syncs")).status_code == 202
    other = place.world.classrooms[1].section.id
    problem(await teacher.get(f"/sections/{other}/syncs"), 404, "section-not-found")
    problem(await teacher.post(f"/sections/{other}/syncs"), 404, "section-not-found")
    problem(await teacher.get("/syncs"), 403, "district-only")


async def test_an_id_token_is_taken_once(place: Place) -> None:
    token = place.launch()
    assert (await place.exchange(token)).status_code == 200
    refused(await place.exchange(token), 400, "invalid_grant", "id-token-used")
    head, claims, seal = token.split(".")
    respelled = seal[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[seal[-1]]
    answer = await place.exchange(f"{head}.{claims}.{respelled}")
    assert answer.json()["error"] == "invalid_grant"


async def test_every_exchange_is_audited(place: Place) -> None:
    await place.teacher()
    office = await place.office()
    (entry,) = (await office.get("/audit")).json()["items"]
    assert entry["action"] == "token.exchanged"
    assert entry["actor"] == f"client:{place.front_end[0]}"
    assert entry["objects"]["teacher"] == str(place.room.teacher.uid)


async def test_only_a_front_end_may_exchange(place: Place) -> None:
    token = place.launch()
    answer = await place.exchange(token, await place.client("syncs:read", "syncs:write"))
    refused(answer, 400, "unauthorized_client", "exchange-not-allowed")
    answer = await place.exchange(token, ("gs_nobody", "x"))
    refused(answer, 401, "invalid_client", "client-not-accepted")
    assert (await place.exchange(token)).status_code == 200


async def test_the_front_end_of_another_district_cannot_use_the_launch(place: Place) -> None:
    other = await place.neighbour()
    client = await place.client("token:exchange", district_id=other.id)
    answer = await place.exchange(place.launch(), client)
    refused(answer, 400, "invalid_grant", "id-token-refused")


async def test_a_district_without_lti_takes_no_launches(place: Place) -> None:
    await place.become(replace(place.district, lti=None))
    answer = await place.exchange(place.launch())
    refused(answer, 400, "unauthorized_client", "lti-not-configured")


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
async def test_an_exchange_that_is_not_understood_is_refused(place: Place, form: dict[str, str]) -> None:
    answer = await place.exchange(place.launch(), None, **form)
    refused(answer, 400, "invalid_request", "token-request-not-valid")


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


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=CLAIMS.keys())
async def test_an_id_token_that_is_not_for_us_and_now_is_refused(
    place: Place, claims: dict[str, Any]
) -> None:
    before = await place.rows()
    answer = await place.exchange(place.launch(**claims))
    refused(answer, 400, "invalid_grant", "id-token-refused")
    assert await place.rows() == before


async def test_an_id_token_without_a_nonce_is_refused(place: Place) -> None:
    refused(await place.exchange(place.launch(nonce=OMIT)), 400, "invalid_grant", "id-token-refused")


async def test_a_party_that_is_us_is_accepted(place: Place) -> None:
    client_id = place.world.lti.client_id
    for claims in ({"azp": client_id}, {"aud": client_id}, {"aud": [client_id, "x"], "azp": client_id}):
        assert (await place.exchange(place.launch(**claims))).status_code == 200


async def test_clocks_may_differ_by_a_minute(place: Place) -> None:
    now = place.world.lti.clock()
    for at in (now + 45, now - 600 - 45):
        assert (await place.exchange(place.launch(at=at))).status_code == 200


async def test_signatures_of_others_are_refused(place: Place) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": signing_key().kid or "", "alg": "RS256", "use": "sig"})
    head, claims, seal = place.launch().split(".")
    public = signing_key().as_pem(private=False)
    hmac = jwt.encode(
        {"alg": "HS256", "kid": signing_key().kid},
        jwt.decode(place.launch(), signing_key(), algorithms=["RS256"]).claims,
        OctKey.import_key(public.replace(b"-----", b"")),
        algorithms=["HS256"],
    )
    for token in (
        place.launch(key=stranger),
        place.launch(key=signing_key("unpublished")),
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{claims}x.{seal}",
        f"eyJhbGciOiJub25lIn0.{claims}.",
        hmac,
        "é.é.é",
        "x" * 20_000,
        ".." * 10,
    ):
        refused(await place.exchange(token), 400, "invalid_grant", "id-token-refused")


async def test_a_new_key_of_the_platform_is_fetched_when_it_is_used(place: Place) -> None:
    assert (await place.exchange(place.launch())).status_code == 200
    place.world.lti.rotate("sandbox-2")
    assert (await place.exchange(place.launch())).status_code == 200


async def test_keys_that_cannot_be_read_are_said_to_be(place: Place) -> None:
    assert place.district.lti is not None
    lti = replace(place.district.lti, jwks_url="http://127.0.0.1:9/jwks")
    await place.become(replace(place.district, lti=lti))
    refused(await place.exchange(place.launch()), 503, "temporarily_unavailable", "lti-keys-unavailable")
