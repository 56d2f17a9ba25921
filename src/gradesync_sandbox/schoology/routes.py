"""Route addresses, for calls on their own and inside a multiget."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gradesync_sandbox.schoology import directory, resources
from gradesync_sandbox.schoology.api import ApiRequest, ApiResponse, Handler, RefusedError
from gradesync_sandbox.schoology.model import User
from gradesync_sandbox.schoology.state import Schoology
from gradesync_sandbox.schoology.wire import Json

PREFIX = "/v1"
MULTIGET_MOST = 50


@dataclass(frozen=True, slots=True)
class Route:
    """Describe a route: `kind` names the call in logs and faults; a multiget may hold an `inner` one."""

    kind: str
    pattern: re.Pattern[str]
    handler: Handler
    inner: bool


def _route(kind: str, path: str, handler: Handler, *, inner: bool = False) -> Route:
    """Build a route; `#` stands for a number, `*` for a code."""
    pattern = path.replace("#", r"(\d{1,19})").replace("*", r"([^/]+)")
    return Route(kind, re.compile(pattern), handler, inner)


ROUTES = (
    _route("section", "/sections/#", resources.section, inner=True),
    _route("section_by_code", r"/sections/ext/*", resources.section_by_code, inner=True),
    _route("sections", "/sections", resources.sections),
    _route("enrollments", "/sections/#/enrollments", resources.enrollments, inner=True),
    _route("enrollment", "/sections/#/enrollments/#", resources.enrollment),
    _route("grade_items", "/sections/#/grade[-_]items", resources.grade_items, inner=True),
    _route("grade_item", "/sections/#/grade[-_]items/#", resources.grade_item),
    _route("assignments", "/sections/#/assignments", resources.assignments, inner=True),
    _route("assignment", "/sections/#/assignments/#", resources.grade_item),
    _route("grades", "/sections/#/grades", resources.grades, inner=True),
    _route("grading_categories", "/sections/#/grading_categories", resources.grading_categories),
    _route("grading_category", "/sections/#/grading_categories/#", resources.grading_category),
    _route("grading_periods", "/sections/#/grading_periods", resources.grading_periods),
    _route("grading_scales", "/sections/#/grading_scales", resources.grading_scales),
    _route("discussions", "/sections/#/discussions", resources.discussions, inner=True),
    _route("discussion_comments", "/sections/#/discussions/#/comments", directory.discussion_comments),
    _route("submissions", "/sections/#/submissions/#", directory.submissions),
    _route("attendance", "/sections/#/attendance", directory.attendance),
    _route("updates", "/sections/#/updates", directory.updates, inner=True),
    _route("schools", "/schools", directory.schools),
    _route("school", "/schools/#", directory.school),
    _route("buildings", "/schools/#/buildings", directory.buildings),
    _route("roles", "/roles", directory.roles),
    _route("role", "/roles/#", directory.role),
    _route("school_periods", "/gradingperiods", directory.periods),
    _route("school_period", "/gradingperiods/#", directory.period),
    _route("courses", "/courses", directory.courses),
    _route("course", "/courses/#", resources.course, inner=True),
    _route("course_sections", "/courses/#/sections", resources.course_sections, inner=True),
    _route("me", "/users/me", resources.me),
    _route("user", "/users/#", resources.user, inner=True),
    _route("user_sections", "/users/#/sections", resources.user_sections, inner=True),
    _route("user_by_school_uid", "/users/ext/*", resources.user_by_school_uid, inner=True),
    _route("users", "/users", resources.users),
    _route("app_user_info", "/app-user-info", resources.app_user_info),
)
PARENTS = (
    _route("unknown", "/sections/#/.+", resources.section),
    _route("unknown", "/courses/#/.+", resources.course),
    _route("unknown", "/schools/#/.+", directory.school),
)
UNKNOWN_SEGMENT = re.compile(r"/(sections|courses|users)/")


def find(path: str) -> tuple[Route, tuple[str, ...]] | None:
    """Return the route of a path below `/v1`; an unknown path under a section or a course is its parent's."""
    for route in (*ROUTES, *PARENTS):
        if match := route.pattern.fullmatch(path):
            return route, match.groups()
    return None


def kind_of(method: str, path: str, query: str = "") -> str:
    """Return the name of a call, for logs and faults: `multiget`, `section`, `grades`, … or `unknown`."""
    del method, query  # the path alone names a call
    below = path.removeprefix(PREFIX)
    if below == "/multiget":
        return "multiget"
    found = find(below)
    return found[0].kind if found else "unknown"


def respond(request: ApiRequest) -> ApiResponse:
    """Answer a GET of this path, refusals included."""
    found = find(request.path)
    if found is None:
        return ApiResponse(400 if UNKNOWN_SEGMENT.match(request.path) else 404)
    route, ids = found
    try:
        response = route.handler(request, *ids)
    except RefusedError as refused:
        return refused.answer
    return response if isinstance(response, ApiResponse) else ApiResponse(200, response)


def multiget(state: Schoology, caller: User, base: str, body: Any) -> ApiResponse:
    """Answer up to 50 GETs in one; each row succeeds or fails by itself, in the order of the request."""
    if state.switches.multiget_refused is not None:
        return ApiResponse(state.switches.multiget_refused)
    asked = body.get("request") if isinstance(body, dict) and set(body) == {"request"} else None
    if not isinstance(asked, list) or not all(isinstance(path, str) for path in asked):
        return ApiResponse(400, "Invalid multiget request")
    if not 0 < len(asked) <= MULTIGET_MOST:
        return ApiResponse(400, f"A multiget takes 1 to {MULTIGET_MOST} requests")
    return ApiResponse(200, {"response": [_row(state, caller, base, address) for address in asked]})


def _row(state: Schoology, caller: User, base: str, address: str) -> Json:
    parts = urlsplit(address)
    path = parts.path.removeprefix(PREFIX)
    response = _inner(ApiRequest(state, caller, base, path, dict(parse_qsl(parts.query))), parts.path)
    return {
        "location": f"{base}{path}",
        "response_code": response.status,
        "headers": [],
        "body": response.body if response.status == 200 else None,
    }


def _inner(request: ApiRequest, full_path: str) -> ApiResponse:
    found = find(request.path)
    if not full_path.startswith(f"{PREFIX}/") or found is None or not found[0].inner:
        return ApiResponse(403)
    if (forced := request.state.switches.multiget_rows.get(found[0].kind)) is not None:
        return ApiResponse(forced)
    return respond(request)
