"""Test PowerSchool's tokens, grants, v1 access and request interval (upstream.md PowerSchool §1, §2, §5)."""

import re

import httpx
import pytest

from gradesync_sandbox.powerschool.app import create_app
from gradesync_sandbox.powerschool.kinds import kind_of
from gradesync_sandbox.powerschool.log import most_in_window
from harness.powerschool_client import District, Plugin, row


def anonymous(district: District) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(district.sis)), base_url="http://sis.example"
    )


@pytest.mark.parametrize("path", ["/oauth/access_token", "/oauth/access_token/"])
async def test_token_has_expires_in_as_text(district: District, path: str) -> None:
    who = (district.sis.plugin.client_id, district.sis.plugin.client_secret)
    given = await anonymous(district).post(path, auth=who, data={"grant_type": "client_credentials"})
    assert given.status_code == 200
    assert given.json()["expires_in"] == "2504956"
    bearer = {"authorization": f"Bearer {given.json()['access_token']}"}
    assert (await anonymous(district).get("/ws/v1/metadata", headers=bearer)).status_code == 200


async def test_expires_in_can_be_a_short_number(district: District) -> None:
    district.sis.switches.expires_in, district.sis.switches.expires_in_as = 0, "number"
    who = (district.sis.plugin.client_id, district.sis.plugin.client_secret)
    http = anonymous(district)
    given = (
        await http.post("/oauth/access_token", auth=who, data={"grant_type": "client_credentials"})
    ).json()
    assert given["expires_in"] == 0
    bearer = {"authorization": f"Bearer {given['access_token']}"}
    assert (await http.get("/ws/v1/metadata", headers=bearer)).status_code == 401


@pytest.mark.parametrize(
    ("auth", "data", "status", "error"),
    [
        (("someone", "else"), {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (None, {"grant_type": "client_credentials"}, 401, "invalid_client"),
        ("plugin", {"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_no_token_without_the_credentials_and_the_grant_type(
    district: District, auth: tuple[str, str] | str | None, data: dict[str, str], status: int, error: str
) -> None:
    plugin = district.sis.plugin
    who = (plugin.client_id, plugin.client_secret) if auth == "plugin" else auth
    given = await anonymous(district).post("/oauth/access_token", auth=who, data=data)  # type: ignore[arg-type]
    assert (given.status_code, given.json()) == (status, {"error": error})


async def test_every_call_needs_a_valid_token(district: District, client: Plugin) -> None:
    assert (await anonymous(district).get("/ws/v1/metadata")).status_code == 401
    assert (await client.list()).status_code == 200
    district.sis.tokens.revoke_all()
    assert (await client.list()).status_code == 401


async def test_v1_without_access_is_401_except_metadata(district: District, client: Plugin) -> None:
    district.sis.plugin.v1_access = "NONE"
    refused = await client.http.get(f"/ws/v1/section/{district.section.dcid}")
    assert refused.status_code == 401
    assert refused.json() == {
        "errorMessage": {"message": "Plugin is missing required accessLevelV1Api READ permission"}
    }
    described = (await client.http.get("/ws/v1/metadata")).json()["metadata"]
    assert described["plugin_id"] == 744
    assert described["schema_table_query_max_page_size"] == 100


async def test_v1_names_a_sections_neighbors_by_dcid(district: District) -> None:
    shown = (await district.client().http.get(f"/ws/v1/section/{district.section.dcid}")).json()["section"]
    staff = district.sis.staff_of(district.teacher, district.school.school_number)
    assert shown["id"] == district.section.dcid
    assert (shown["staff_id"], shown["term_id"]) == (staff.dcid, district.term.dcid)
    assert (await district.client().http.get("/ws/v1/section/1")).status_code == 404


async def test_v1_lists_collapse_one_and_none(district: District, client: Plugin) -> None:
    path = f"/ws/v1/section/{district.section.dcid}/section_enrollment"
    many = (await client.http.get(path)).json()["section_enrollments"]["section_enrollment"]
    assert [e["student_id"] for e in many] == [s.dcid for s in district.students]
    one = (await client.http.get(path, params={"page": 3, "pagesize": 1})).json()
    assert one["section_enrollments"]["section_enrollment"]["student_id"] == district.students[2].dcid
    assert (await client.http.get(path, params={"page": 2})).json() == {"section_enrollments": ""}


@pytest.mark.parametrize("table_column", ["assignment.createdbyplugin", "assignmentsection.whomodified"])
async def test_create_needs_every_column_even_those_the_server_fills(
    district: District, client: Plugin, table_column: str
) -> None:
    district.sis.plugin.deny(*table_column.split("."))
    refused = await client.create()
    assert refused.status_code == 403
    assert "No access to field" in refused.json()["message"]
    assert [error["field"] for error in refused.json()["errors"]] == [table_column]
    assert not district.sis.gradebook.assignments


async def test_score_needs_full_access_a_comment_its_own(district: District, client: Plugin) -> None:
    made = await client.created()
    district.sis.plugin.deny("assignmentscorecomment", "commentvalue")
    comment = {"_assignmentscorecomment": {"commentvalue": "well done"}}
    assert (await client.score(row(made, district.students[0], "9", **comment))).status_code == 403
    district.sis.plugin.allow("assignmentscorecomment", "commentvalue")
    assert (await client.score(row(made, district.students[0], "9", **comment))).status_code == 200
    district.sis.plugin.granted["assignmentscore", "scorepoints"] = "ViewOnly"
    assert (await client.score(row(made, district.students[0], "8"))).status_code == 403


async def test_installed_plugin_file_grants_no_more_than_it_asks(district: District, client: Plugin) -> None:
    district.sis.plugin.install(
        '<plugin xmlns="http://plugin.powerschool.pearson.com"><oauth/><access_request>'
        '<field table="SECTIONS" field="DCID" access="ViewOnly"/></access_request></plugin>'
    )
    assert (await client.table("sections", "dcid")).status_code == 200
    assert (await client.table("sections", "dcid,id")).status_code == 403
    assert (await client.create()).status_code == 403
    assert (await client.http.get(f"/ws/v1/section/{district.section.dcid}")).status_code == 401


async def test_acting_teacher_is_required_and_must_teach(district: District, client: Plugin) -> None:
    made = await client.created()
    unnamed = await client.http.post("/ws/xte/section/assignment/", json={"_assignmentsections": []})
    assert unnamed.status_code == 400
    district.sis.unassign_teacher(district.teacher, district.section)
    answers = [
        await client.list(),
        await client.create(name="Other"),
        await client.get(made["assignmentid"]),
        await client.put(made["assignmentid"], made),
        await client.score(row(made, district.students[0], "9")),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert all("User does not teach section" in a.json()["message"] for a in answers)


async def test_co_teacher_may_write_with_own_categories(district: District, client: Plugin) -> None:
    other = district.sis.add_teacher(district.school)
    district.sis.assign_teacher(other, district.section)
    district.teacher = other
    assert (await client.create()).status_code == 409
    district.category = district.sis.add_category(other, "Homework")
    assert (await client.create()).status_code == 201


async def test_calls_faster_than_the_interval_are_refused(district: District, client: Plugin) -> None:
    district.sis.switches.min_interval_ms = 60_000
    assert (await client.list()).status_code == 200
    refused = await client.list()
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    district.sis.switches.throttle_status, district.sis.switches.throttle_hint = 503, "text"
    refused = await client.list()
    assert refused.status_code == 503
    assert "retry-after" not in refused.headers
    assert re.search(r"wait \d+ seconds", refused.json()["message"])
    district.sis.switches.min_interval_ms = 0
    assert (await client.list()).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("HEAD", "/ws/v1/metadata", 405), ("POST", "/ws/schema/table/cc", 405), ("GET", "/ws/pt", 404)],
)
async def test_other_calls_do_not_exist(client: Plugin, method: str, path: str, status: int) -> None:
    assert (await client.http.request(method, path)).status_code == status


async def test_log_names_every_call_and_its_status(district: District, client: Plugin) -> None:
    made = await client.created()
    await client.score(row(made, district.students[0], "9"))
    await client.delete(made["assignmentid"])
    log = district.sis.log
    assert [(call.kind, call.status) for call in log.calls] == [
        ("assignment.create", 201),
        ("assignment.get", 200),
        ("score.write", 200),
        ("assignment.delete", 412),
    ]
    assert log.calls[0].created == [made["assignmentid"]]
    assert (log.in_flight, log.max_in_flight) == (0, 1)
    log.clear()
    assert log.counts() == {}


def test_busiest_window_is_found_anywhere() -> None:
    assert most_in_window([0.0, 4.0, 8.0, 8.5, 9.0, 12.9], 5) == 4
    assert most_in_window([0.0, 5.0, 10.0], 5) == 1
    assert most_in_window([], 5) == 0


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/oauth/access_token/", "token"),
        ("GET", "/ws/schema/table/sections", "schema.sections"),
        ("GET", "/ws/schema/table/CC/count", "schema.cc.count"),
        ("GET", "/ws/xte/section/assignment/", "assignment.list"),
        ("POST", "/ws/xte/section/assignment/", "assignment.create"),
        ("GET", "/ws/xte/section/assignment/55010", "assignment.get"),
        ("PUT", "/ws/xte/section/assignment/55010", "assignment.update"),
        ("PUT", "/ws/xte/score", "score.write"),
        ("GET", "/ws/v1/section/85001/section_enrollment", "v1.section_enrollment"),
        ("PATCH", "/ws/xte/score", "unknown"),
    ],
)
def test_calls_are_named_by_their_kind(method: str, path: str, kind: str) -> None:
    assert kind_of(method, path) == kind
