"""Serve `/ws/v1`: the server's own description, and sections with their enrollments for plugins that may."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.rows import Enrollment, School, Section
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import Refused, RefusedV1, json_response, whole_number

RowT = TypeVar("RowT")


def metadata(sis: PowerSchool, request: Request) -> Response:
    """Answer every plugin, whatever its v1 access."""
    cap = sis.switches.page_cap
    tables = ("section", "section_enrollment", "student", "staff", "term")
    return json_response(
        {
            "metadata": {
                "plugin_id": sis.plugin.plugin_id,
                "powerschool_version": "25.9.0.0.252711654",
                "schema_table_query_max_page_size": cap,
                **{f"{table}_max_page_size": cap for table in tables},
                "district_timezone": sis.timezone,
                "district_uuid": "0d15741c-0000-4000-8000-000000000744",
            }
        }
    )


def read_section(sis: PowerSchool, request: Request) -> Response:
    """Answer one section: `staff_id` is SCHOOLSTAFF.DCID, `term_id` TERMS.DCID, `school_id` SCHOOLS.DCID."""
    return json_response({"section": _shown(sis, _section(sis, request))})


def _shown(sis: PowerSchool, section: Section) -> dict[str, object]:
    school = next(s for s in sis.schools.values() if s.school_number == section.schoolid)
    return {
        "id": section.dcid,
        "school_id": school.dcid,
        "course_number": section.course_number,
        "section_number": section.section_number,
        "term_id": sis.term_of(section).dcid,
        "staff_id": sis.schoolstaff[section.teacher].dcid,
    }


def read_enrollments(sis: PowerSchool, request: Request) -> Response:
    """Answer one page of a section's enrollments: one of them is an object, none is an empty text."""
    section = _section(sis, request)
    rows = list(sis.cc[section.id].values())
    return _page(sis, request, "section_enrollment", rows, lambda row: _enrollment(sis, section, row))


def count_enrollments(sis: PowerSchool, request: Request) -> Response:
    """Count a section's enrollments."""
    return _count(len(sis.cc[_section(sis, request).id]))


def list_schools(sis: PowerSchool, request: Request) -> Response:
    """Answer the district's schools."""
    _check_access(sis)
    return _page(sis, request, "school", list(sis.schools.values()), _school)


def list_sections(sis: PowerSchool, request: Request) -> Response:
    """Answer one page of a school's sections."""
    return _page(sis, request, "section", _sections_of(sis, request), lambda row: _shown(sis, row))


def count_sections(sis: PowerSchool, request: Request) -> Response:
    """Count a school's sections."""
    return _count(len(_sections_of(sis, request)))


def _page(
    sis: PowerSchool,
    request: Request,
    name: str,
    rows: Sequence[RowT],
    render: Callable[[RowT], dict[str, object]],
) -> Response:
    """Answer one page of a list: one element collapses to an object, none to an empty text."""
    page = whole_number(request.query_params.get("page", "1"), "page")
    asked = whole_number(request.query_params.get("pagesize", str(sis.switches.page_cap)), "pagesize")
    if page < 1 or asked < 1:
        raise Refused(400, "page and pagesize must be at least 1")
    size = min(asked, sis.switches.page_cap)
    shown = [render(row) for row in rows[(page - 1) * size : page * size]]
    found = shown[0] if len(shown) == 1 else shown
    return json_response({f"{name}s": {name: found} if shown else ""})


def _count(rows: int) -> Response:
    return json_response({"resource": {"count": rows}})


def _check_access(sis: PowerSchool) -> None:
    if sis.plugin.v1_access == "NONE":
        raise RefusedV1(401, "Plugin is missing required accessLevelV1Api READ permission")


def _school_of(sis: PowerSchool, request: Request) -> School:
    _check_access(sis)
    school = sis.schools.get(whole_number(request.path_params["dcid"], "school"))
    if school is None:
        raise RefusedV1(404, "Resource not found")
    return school


def _sections_of(sis: PowerSchool, request: Request) -> list[Section]:
    school = _school_of(sis, request)
    return [s for s in sis.sections.values() if s.schoolid == school.school_number]


def _school(row: School) -> dict[str, object]:
    return {"id": row.dcid, "name": row.name, "school_number": row.school_number}


def _section(sis: PowerSchool, request: Request) -> Section:
    _check_access(sis)
    section = sis.sections.get(whole_number(request.path_params["dcid"], "section"))
    if section is None:
        raise RefusedV1(404, "Resource not found")
    return section


def _enrollment(sis: PowerSchool, section: Section, row: Enrollment) -> dict[str, object]:
    return {
        "id": row.dcid,
        "section_id": section.dcid,
        "student_id": sis.student_dcids[row.studentid],
        "entry_date": row.dateenrolled,
        "exit_date": row.dateleft,
        "dropped": row.dropped,
    }
