"""Serve `/ws/v1`: the server's own description, and sections with their enrollments for plugins that may."""

from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.rows import Enrollment, Section
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import Refused, RefusedV1, json_response, whole_number


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
    """Answer one section:

    `staff_id` is SCHOOLSTAFF.DCID, `term_id` is TERMS.DCID, `school_id` is SCHOOLS.DCID.
    """
    section = _section(sis, request)
    school = next(s for s in sis.schools.values() if s.school_number == section.schoolid)
    return json_response(
        {
            "section": {
                "id": section.dcid,
                "school_id": school.dcid,
                "course_number": section.course_number,
                "section_number": section.section_number,
                "term_id": sis.term_of(section).dcid,
                "staff_id": sis.schoolstaff[section.teacher].dcid,
            }
        }
    )


def read_enrollments(sis: PowerSchool, request: Request) -> Response:
    """Answer one page of a section's enrollments: one of them is an object, none is an empty text."""
    section = _section(sis, request)
    page = whole_number(request.query_params.get("page", "1"), "page")
    asked = whole_number(request.query_params.get("pagesize", str(sis.switches.page_cap)), "pagesize")
    if page < 1 or asked < 1:
        raise Refused(400, "page and pagesize must be at least 1")
    size = min(asked, sis.switches.page_cap)
    rows = list(sis.cc[section.id].values())[(page - 1) * size : page * size]
    shown = [_enrollment(sis, section, row) for row in rows]
    found = shown[0] if len(shown) == 1 else shown
    return json_response({"section_enrollments": {"section_enrollment": found} if shown else ""})


def _section(sis: PowerSchool, request: Request) -> Section:
    if sis.plugin.v1_access == "NONE":
        raise RefusedV1(401, "Plugin is missing required accessLevelV1Api READ permission")
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
