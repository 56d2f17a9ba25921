"""List one teacher's categories: `/ws/xte/teacher_category`. None are made or changed over HTTP."""

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.access import acting_teacher, check_grants
from gradesync_sandbox.powerschool.shapes import category_shape
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import Refused, json_response, whole_number


def list_categories(sis: PowerSchool, request: Request) -> Response:
    """Answer a plain array, inactive ones too. A year that no term has finds none (a guess)."""
    teacher = acting_teacher(request)
    yearid = whole_number(request.query_params.get("year_id"), "year_id")
    check_grants(sis, ["teachercategory"], write=False)
    if teacher not in sis.users:
        raise Refused(404, f"Unable to find user {teacher}")
    known = any(term.yearid == yearid for term in sis.terms.values())
    mine = sis.categories_of(teacher) if known else []
    return json_response([category_shape(sis, category) for category in mine])
