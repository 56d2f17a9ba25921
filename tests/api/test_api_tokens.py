"""Test the token endpoint for the district's own clients, and its tokens."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from gradesync.access.tokens import CLIENT_LIFETIME, Caller, Tokens
from gradesync.db import clients
from gradesync.db.codec import Secrets
from harness.api import ApiClient, ApiHarness, expect_oauth_error, expect_problem
from harness.servers import KEYS

CALLER = Caller("d", "gs_1", "gs_1", frozenset({"syncs:read"}))


async def test_a_client_authenticates_by_http_basic(api: ApiHarness) -> None:
    client = await api.client("syncs:read", "audit:read")
    response = await api.grant(client, grant_type="client_credentials")
    assert response.status_code == 200
    body = response.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert body["scope"] == "audit:read syncs:read"
    assert "issued_token_type" not in body
    assert response.headers["cache-control"] == "no-store"
    assert (await ApiClient(api.http, body["access_token"]).get("/syncs")).status_code == 200


async def test_a_client_authenticates_in_the_form(api: ApiHarness) -> None:
    id_, secret = await api.client("syncs:read")
    response = await api.grant(None, grant_type="client_credentials", client_id=id_, client_secret=secret)
    assert response.status_code == 200


async def test_http_basic_accepts_form_encoded_credentials(api: ApiHarness) -> None:
    id_, secret = await api.client("syncs:read")
    value = b64encode(f"{quote_plus(id_)}:{quote_plus(secret)}".replace("_", "%5F").encode()).decode()
    response = await api.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": f"bAsIc {value}"},
    )
    assert response.status_code == 200


async def test_scopes_are_narrowed_on_request_and_never_widened(api: ApiHarness) -> None:
    client = await api.client("syncs:read", "audit:read")
    response = await api.grant(client, grant_type="client_credentials", scope="audit:read")
    assert response.json()["scope"] == "audit:read"
    for scope in ("syncs:write", "syncs:read syncs:write", "everything"):
        response = await api.grant(client, grant_type="client_credentials", scope=scope)
        expect_oauth_error(response, 400, "invalid_scope", "scope-not-allowed")


async def test_wrong_credentials_are_refused_alike(api: ApiHarness) -> None:
    id_, secret = await api.client("syncs:read")
    texts = set()
    for client in ((id_, "wrong"), ("gs_nobody", secret), ("", secret), (id_, ""), ("é", "\0")):
        response = await api.grant(client, grant_type="client_credentials")
        expect_oauth_error(response, 401, "invalid_client", "client-not-accepted")
        assert response.headers["www-authenticate"].startswith("Basic")
        texts.add(response.text)
    assert len(texts) == 1


@pytest.mark.parametrize("header", ["Basic", "Basic !!", "Basic bm9jb2xvbg==", "Bearer x", "Basic /w=="])
async def test_a_malformed_credential_header_is_refused(api: ApiHarness, header: str) -> None:
    response = await api.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers={"authorization": header}
    )
    expect_oauth_error(response, 401, "invalid_client", "client-not-accepted")


async def test_a_malformed_token_request_is_refused(api: ApiHarness) -> None:
    id_, secret = client = await api.client("syncs:read")
    response = await api.grant(client)
    expect_oauth_error(response, 400, "invalid_request", "token-request-not-valid")
    response = await api.grant(client, grant_type="password", username="x", password="y")
    expect_oauth_error(response, 400, "unsupported_grant_type", "grant-not-supported")
    response = await api.http.post("/oauth/token", json={"grant_type": "client_credentials"}, auth=client)
    expect_oauth_error(response, 400, "invalid_request", "token-request-not-valid")
    response = await api.grant(client, grant_type="client_credentials", client_id=id_, client_secret=secret)
    expect_oauth_error(response, 400, "invalid_request", "token-request-not-valid")
    twice = b"grant_type=client_credentials&scope=syncs:read&scope=syncs:write"
    form = {"content-type": "application/x-www-form-urlencoded"}
    response = await api.http.post("/oauth/token", content=twice, headers=form, auth=client)
    expect_oauth_error(response, 400, "invalid_request", "token-request-not-valid")


async def test_too_many_parameters_are_refused(api: ApiHarness) -> None:
    client = await api.client("syncs:read")
    response = await api.grant(client, **{f"p{number}": "x" for number in range(100)})
    assert response.status_code in {400, 413}


async def test_a_revoked_client_gets_no_token_and_its_tokens_end(api: ApiHarness) -> None:
    credentials = await api.client("syncs:read")
    token = (await api.grant(credentials, grant_type="client_credentials")).json()["access_token"]
    client = ApiClient(api.http, token)
    assert (await client.get("/syncs")).status_code == 200
    async with api.runtime.context.database.district(api.district.id) as db:
        await clients.revoke(db, credentials[0])
    expect_problem(await client.get("/syncs"), 401, "token-not-accepted")
    response = await api.grant(credentials, grant_type="client_credentials")
    expect_oauth_error(response, 401, "invalid_client", "client-not-accepted")


async def test_revoking_a_front_end_ends_its_teachers_tokens(api: ApiHarness) -> None:
    teacher = await api.teacher()
    async with api.runtime.context.database.district(api.district.id) as db:
        await clients.revoke(db, api.front_end[0])
    expect_problem(await teacher.get(f"{api.path}/syncs"), 401, "token-not-accepted")


async def test_a_missing_token_is_challenged(api: ApiHarness) -> None:
    response = await api.anonymous.get("/syncs")
    expect_problem(response, 401, "token-missing")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_tokens_that_are_not_ours_are_refused(api: ApiHarness) -> None:
    client_id, _ = await api.client("syncs:read")
    ours = Caller(api.district.id, client_id, client_id, frozenset({"syncs:read"}))
    good = api.runtime.tokens.issue(ours, CLIENT_LIFETIME)
    assert (await ApiClient(api.http, good).get("/syncs")).status_code == 200
    head, claims, seal = good.split(".")
    others = Tokens.of([b"another installation's secret key"], api.runtime.clock)
    past = Tokens.of(keys(), lambda: datetime.now(UTC) - timedelta(hours=2))
    unsigned = b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    for token in (
        "x",
        f"{head}.{claims}.",
        f"{unsigned}.{claims}.",
        f"{head}.{claims}.{seal[::-1]}",
        others.issue(ours, CLIENT_LIFETIME),
        past.issue(ours, CLIENT_LIFETIME),
        signed(aud="someone else"),
        signed(iss="someone else"),
        signed(exp=None),
    ):
        response = await ApiClient(api.http, token).get("/syncs")
        expect_problem(response, 401, "token-not-accepted")
        assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_tokens_of_an_old_key_are_valid_until_its_removal() -> None:
    def clock() -> datetime:
        return datetime.now(UTC)

    old, new = b"0" * 32, b"1" * 32
    token = Tokens.of([old], clock).issue(CALLER, CLIENT_LIFETIME)
    assert Tokens.of([new, old], clock).verify(token) == CALLER
    with pytest.raises(Exception, match="InvalidKeyId"):
        Tokens.of([new], clock).verify(token)


def keys() -> tuple[bytes, ...]:
    return Secrets(KEYS).signing_keys()


def signed(**changes: Any) -> str:
    """Return a token with our key and changed claims."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": "gradesync",
        "aud": "gradesync",
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        "sub": "s",
        "client_id": "c",
        "district": "d",
        "scope": "syncs:read",
        **changes,
    }
    key = OctKey.import_key(keys()[0])
    key.ensure_kid()
    return jwt.encode({"alg": "HS256", "kid": key.kid}, claims, key, algorithms=["HS256"])
