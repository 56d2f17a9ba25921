"""Token exchange: an LTI launch becomes a token for that teacher in that section."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from gradesync_sandbox.lti.platform import OMIT, signing_key
from installed import ID_TOKEN, Door, Place, problem, refused

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def launch(place: Place, **overrides: Any) -> str:
    return place.world.lti.id_token(place.room.teacher, place.room.section, **overrides)


async def test_a_teacher_gets_a_short_token_for_one_section(place: Place) -> None:
    answer = await place.exchange(launch(place))
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
    token = launch(place)
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
    token = launch(place)
    answer = await place.exchange(token, await place.client("syncs:read", "syncs:write"))
    refused(answer, 400, "unauthorized_client", "exchange-not-allowed")
    answer = await place.exchange(token, ("gs_nobody", "x"))
    refused(answer, 401, "invalid_client", "client-not-accepted")
    assert (await place.exchange(token)).status_code == 200


async def test_the_front_end_of_another_district_cannot_use_the_launch(place: Place) -> None:
    other = await place.neighbour()
    client = await place.client("token:exchange", district_id=other.id)
    answer = await place.exchange(launch(place), client)
    refused(answer, 400, "invalid_grant", "id-token-refused")


async def test_a_district_without_lti_takes_no_launches(place: Place) -> None:
    await place.become(replace(place.district, lti=None))
    answer = await place.exchange(launch(place))
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
    answer = await place.exchange(launch(place), None, **form)
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
    answer = await place.exchange(launch(place, **claims))
    refused(answer, 400, "invalid_grant", "id-token-refused")
    assert await place.rows() == before


async def test_an_id_token_without_a_nonce_is_refused(place: Place) -> None:
    claims = verified(launch(place))
    del claims["nonce"]
    refused(await place.exchange(sign(claims)), 400, "invalid_grant", "id-token-refused")


async def test_a_party_that_is_us_is_accepted(place: Place) -> None:
    client_id = place.world.lti.client_id
    for claims in ({"azp": client_id}, {"aud": client_id}, {"aud": [client_id, "x"], "azp": client_id}):
        assert (await place.exchange(launch(place, **claims))).status_code == 200


async def test_clocks_may_differ_by_a_minute(place: Place) -> None:
    now = place.world.lti.clock()
    for at in (now + 45, now - 600 - 45):
        assert (await place.exchange(launch(place, at=at))).status_code == 200


async def test_signatures_of_others_are_refused(place: Place) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": signing_key().kid or "", "alg": "RS256", "use": "sig"})
    head, claims, seal = launch(place).split(".")
    public = signing_key().as_pem(private=False)
    hmac = jwt.encode(
        {"alg": "HS256", "kid": signing_key().kid},
        verified(launch(place)),
        OctKey.import_key(public.replace(b"-----", b"")),
        algorithms=["HS256"],
    )
    for token in (
        launch(place, key=stranger),
        launch(place, key=signing_key("unpublished")),
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
    assert (await place.exchange(launch(place))).status_code == 200
    place.world.lti.rotate("sandbox-2")
    assert (await place.exchange(launch(place))).status_code == 200


async def test_keys_that_cannot_be_read_are_said_to_be(place: Place) -> None:
    assert place.district.lti is not None
    lti = replace(place.district.lti, jwks_url="http://127.0.0.1:9/jwks")
    await place.become(replace(place.district, lti=lti))
    refused(await place.exchange(launch(place)), 503, "temporarily_unavailable", "lti-keys-unavailable")


async def test_R22_a_student_gets_nothing(place: Place) -> None:
    student = place.world.schoology.users[next(iter(place.room.students))]
    token = place.world.lti.id_token(student, place.room.section)
    refused(await place.exchange(token), 400, "invalid_grant", "lti-not-instructor")


@pytest.mark.parametrize(
    "roles",
    [
        [],
        [MEMBERSHIP + "Learner"],
        [MEMBERSHIP + "Administrator"],
        [MEMBERSHIP + "Mentor"],
        [INSTITUTION + "Instructor"],
        [INSTITUTION + "Faculty", MEMBERSHIP + "Learner"],
        [SYSTEM + "Administrator"],
        ["http://evil.example/membership#Instructor"],
        ["XInstructor"],
        [7],
        "Instructor",
        OMIT,
    ],
)
async def test_only_a_membership_role_makes_an_instructor(place: Place, roles: Any) -> None:
    token = with_roles(place, place.room.teacher, roles)
    refused(await place.exchange(token), 400, "invalid_grant", "lti-not-instructor")


@pytest.mark.parametrize(
    "role",
    [
        MEMBERSHIP + "Instructor",
        "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant",
        "http://purl.imsglobal.org/vocab/lis/v2/institution/membership#Instructor",
        "urn:lti:role:ims/lis/Instructor",
        "Instructor",
    ],
)
async def test_every_spelling_of_instructor_counts(place: Place, role: str) -> None:
    answer = await place.exchange(with_roles(place, place.room.teacher, [role]))
    assert answer.json()["scope"] == "syncs:read syncs:write"


@pytest.mark.parametrize(
    "role",
    [
        MEMBERSHIP + "Administrator",
        INSTITUTION + "Administrator",
        SYSTEM + "Administrator",
        SYSTEM + "SysAdmin",
        "urn:lti:sysrole:ims/lis/Administrator",
        "urn:lti:instrole:ims/lis/Administrator",
        MEMBERSHIP + "Learner",
    ],
)
async def test_R22_an_administrator_may_only_read_unless_enrolled_as_course_admin(
    place: Place, role: str
) -> None:
    roles = [MEMBERSHIP + "Instructor", role]
    admin = place.world.admin
    answer = await place.exchange(with_roles(place, admin, roles))
    assert answer.json()["scope"] == "syncs:read"
    reader = Door(place.api, answer.json()["access_token"])
    problem(await reader.post(f"{place.path}/syncs"), 403, "scope-missing")
    assert (await reader.get(f"{place.path}/syncs")).status_code == 200
    insider = await place.exchange(with_roles(place, place.room.teacher, roles))
    assert insider.json()["scope"] == "syncs:read syncs:write"


async def test_R22_a_district_can_let_its_administrators_sync(place: Place) -> None:
    await place.choose(admin_sync=True)
    answer = await place.exchange(place.world.lti.id_token(place.world.admin, place.room.section))
    assert answer.json()["scope"] == "syncs:read syncs:write"


async def test_where_enrollments_cannot_be_read_an_administrator_reads(place: Place) -> None:
    place.refuse("schoology")
    token = with_roles(place, place.room.teacher, [MEMBERSHIP + "Instructor", MEMBERSHIP + "Administrator"])
    assert (await place.exchange(token)).json()["scope"] == "syncs:read"


async def test_enrollments_are_asked_for_once_in_ten_minutes(place: Place) -> None:
    place.world.schoology.log.clear()
    for _ in range(3):
        await place.exchange(place.world.lti.id_token(place.world.admin, place.room.section))
    assert sum(place.world.schoology.log.counts().values()) == 1


async def test_an_instructor_alone_costs_no_call(place: Place) -> None:
    place.world.schoology.log.clear()
    await place.exchange(launch(place))
    assert not place.world.schoology.log.counts()


@pytest.mark.parametrize(
    "user_id", [None, "", "$User.id", "5790000::abc", "-1", "0", "1" * 21, 5.5, True, ["5790000"]]
)
async def test_without_a_user_id_nobody_is_guessed(place: Place, user_id: Any) -> None:
    custom = {**place.world.lti.custom(place.room.teacher, place.room.section), "user_id": user_id}
    token = launch(place, custom=custom)
    refused(await place.exchange(token), 400, "invalid_grant", "lti-user-unknown")
    refused(await place.exchange(launch(place, custom=OMIT)), 400, "invalid_grant", "lti-user-unknown")


async def test_the_section_is_the_contexts_or_else_the_custom_parameters(place: Place) -> None:
    custom = place.world.lti.custom(place.room.teacher, place.room.section)
    alone = {name: value for name, value in custom.items() if name != "section_id"}
    launches: list[dict[str, Any]] = [
        {"context": OMIT},
        {"custom": alone},
        {"custom": {**custom, "section_id": "$com.schoology.CourseSection.id"}},
        {"context": {"id": int(place.section)}},
    ]
    for claims in launches:
        teacher = await place.teacher(**claims)
        assert (await teacher.get(f"{place.path}/syncs")).status_code == 200


async def test_a_launch_of_no_section_or_of_two_is_refused(place: Place) -> None:
    custom = place.world.lti.custom(place.room.teacher, place.room.section)
    alone = {name: value for name, value in custom.items() if name != "section_id"}
    launches: list[dict[str, Any]] = [
        {"context": OMIT, "custom": alone},
        {"context": {"id": "41"}},
        {"context": {"id": ""}, "custom": alone},
        {"context": place.section, "custom": alone},
    ]
    for claims in launches:
        answer = await place.exchange(launch(place, **claims))
        refused(answer, 400, "invalid_grant", "lti-section-unknown")


async def test_a_front_end_may_ask_for_less(place: Place) -> None:
    answer = await place.exchange(launch(place), scope="syncs:read")
    assert answer.json()["scope"] == "syncs:read"
    answer = await place.exchange(launch(place), scope="audit:read")
    refused(answer, 400, "invalid_scope", "scope-not-allowed")
    answer = await place.exchange(launch(place), scope="syncs:read audit:read")
    assert answer.json()["scope"] == "syncs:read"


def with_roles(place: Place, user: Any, roles: Any) -> str:
    """A launch whose roles claim is exactly this."""
    claims = verified(place.world.lti.id_token(user, place.room.section))
    name = "https://purl.imsglobal.org/spec/lti/claim/roles"
    if roles is OMIT:
        del claims[name]
    else:
        claims[name] = roles
    return sign(claims)


def verified(token: str) -> dict[str, Any]:
    return jwt.decode(token, signing_key(), algorithms=["RS256"]).claims


def sign(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": signing_key().kid}, claims, signing_key(), algorithms=["RS256"])
