"""Render records for the wire: the recorded keys with their recorded, uneven types (upstream.md Schoology
§1.10).
"""

import json
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from gradesync_sandbox.schoology.model import Category, Course, Enrollment, Item, Period, Role, Section, User
from gradesync_sandbox.schoology.state import Schoology

Json = dict[str, Any]

SCALE = 7_165_818
ROLE_IDS = {Role.TEACHER: 265_381, Role.STUDENT: 265_383, Role.SYSTEM_ADMIN: 265_379}
WEB = "https://app.schoology.com"
TZ_OFFSETS = {"America/Los_Angeles": -8, "America/New_York": -5, "Asia/Hong_Kong": 8}
CONTENT_KINDS = (
    "topics", "assignments", "assessments", "course_assessment", "common_assessments", "documents",
    "discussion", "album", "pages",
)  # fmt: skip


def plain(value: Decimal) -> str:
    """Render a number as Schoology puts it into a text: no exponent, no trailing zeros."""
    return format(value.normalize(), "f")


def number(value: Decimal | None) -> int | Decimal | None:
    """Return a JSON number: 9 rather than 9.0, 9.5 exactly."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else value.normalize()


def flag(value: bool) -> str:
    return "1" if value else "0"


def moment(value: datetime | None) -> str:
    """Render a date-time without a zone; none is an empty text."""
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M:%S")


def section(book: Section, state: Schoology, caller: User, base: str) -> Json:
    visible = {"content_index_visibility": dict.fromkeys(CONTENT_KINDS, 0)}
    weighted = any(category.weight for category in book.categories.values())
    return {
        "id": str(book.id),
        "course_title": book.course.title,
        "course_code": book.course.code,
        "course_id": str(book.course.id),
        "school_id": str(state.school),
        "building_id": str(book.course.building),
        "access_code": "",
        "section_title": book.title,
        "section_code": "",
        "section_school_code": book.school_code,
        "synced": flag(book.synced),
        "active": int(book.active),
        "description": "",
        "subject_area": "0",
        "grade_level_range_start": 0,
        "grade_level_range_end": 0,
        "parent_id": None,
        "grading_periods": [period.id for period in book.periods],
        "profile_url": f"{WEB}/sites/all/themes/schoology_theme/images/course-default.svg",
        "location": "",
        "meeting_days": [""],
        "start_time": "",
        "end_time": "",
        "weight": "0",
        "options": {
            "weighted_grading_categories": flag(weighted),
            "upload_documents": "0",
            "create_discussion": "0",
            "member_post": "0",
            "member_post_comment": "0",
            "default_grading_scale_id": 0,
            **visible,
            "hide_overall_grade": 1,
            "hide_grading_period_grade": 1,
            "allow_custom_overall_grade": 0,
            "allow_custom_overall_grade_text": 0,
        },
        "admin": int(book.is_admin(caller.uid)),
        "links": {"self": f"{base}/sections/{book.id}"},
    }


def course(it: Course, base: str) -> Json:
    return {
        "id": str(it.id),
        "title": it.title,
        "course_code": it.code,
        "department": "",
        "description": "",
        "credits": "0",
        "building_id": str(it.building),
        "synced": flag(bool(it.code)),
        "links": {"self": f"{base}/courses/{it.id}"},
    }


def name_fields(user: User) -> Json:
    return {
        "name_title": "",
        "name_title_show": "0",
        "name_first": user.first,
        "name_first_preferred": "",
        "use_preferred_first_name": "1",
        "name_middle": "",
        "name_middle_show": "0",
        "name_last": user.last,
        "name_display": user.display,
    }


def enrollment(it: Enrollment, user: User, book: Section, base: str) -> Json:
    return {
        "id": str(it.id),
        "uid": str(it.uid),
        "school_uid": user.school_uid,
        **name_fields(user),
        "admin": int(it.admin),
        "status": str(it.status),
        "picture_url": f"{WEB}/sites/all/themes/schoology_theme/images/user-default.svg",
        "enrollment_source": it.source,
        **({"cross_listed_section_school_code": it.own_section_code} if it.own_section_code else {}),
        "links": {"self": f"{base}/sections/{book.id}/enrollments/{it.id}"},
    }


def user(it: User, state: Schoology, *, full: bool) -> Json:
    """Render a person; a teacher who reads a student gets fewer keys and `parents` as an object."""
    body = {
        "uid": str(it.uid),
        "id": it.uid,
        "school_id": state.school,
        "synced": int(bool(it.school_uid)),
        "building_id": it.building,
        "additional_buildings": "",
        **name_fields(it),
        "name_title_show": 0,
        "name_middle_show": 0,
        "gender": None,
        "position": None,
        "picture_url": f"{WEB}/sites/all/themes/schoology_theme/images/user-default.svg",
        "parents": None,
        "child_uids": None,
        "language": "",
        "permissions": {"is_directory_public": 1, "allow_connections": 1},
    }
    if not full:
        return body | {"parents": {"parent": []}}
    return body | {
        "school_uid": it.school_uid,
        "username": f"{it.first}.{it.last}".lower().replace(" ", ""),
        "primary_email": f"u{it.uid}@riverside.example",
        "grad_year": "",
        "password": "",
        "role_id": ROLE_IDS[it.role],
        "tz_offset": TZ_OFFSETS.get(it.tz_name, 0),
        "tz_name": it.tz_name,
        "send_message": 1,
    }


def grading_category(it: Category, book: Section, *, full: bool) -> Json:
    """Render a category; a student sees a few of its keys."""
    body: Json = {
        "id": it.id,
        "title": it.title,
        "delta": it.delta,
        "realm": "course",
        "realm_id": str(book.id),
        "weight": it.weight,
    }
    if not full:
        return body
    return body | {
        "calculation_type": it.calculation_type,
        "default_max_points": 100,
        "default_grading_scale_id": 0,
        "drop_lowest": it.drop_lowest,
    }


def grading_period(it: Period, siblings: list[Period]) -> Json:
    return {
        "id": it.id,
        "title": it.title,
        "weight": it.weight,
        "start": moment(datetime.combine(it.first, time())),
        "end": moment(datetime.combine(it.last, time())),
        "has_children": int(any(other.parent == it.id for other in siblings)),
        "parent": it.parent,
    }


def item(it: Item, book: Section, state: Schoology, base: str, *, path: str = "grade_items") -> Json:
    assigned: Any = json.dumps(it.assignees) if state.switches.assignees_as_text else list(it.assignees)
    return {
        "id": it.id,
        "title": it.title,
        "description": "",
        "due": moment(it.due),
        "grading_scale": "0",
        "grading_period": str(it.period),
        "grading_category": str(it.category),
        "max_points": plain(it.max_points),
        "factor": plain(it.factor),
        "is_final": flag(it.is_final),
        "show_comments": "0",
        "grade_stats": "0",
        "allow_dropbox": "1",
        "allow_discussion": "1",
        "published": int(it.published),
        "type": it.type,
        "grade_item_id": it.grade_item_id,
        "available": int(it.published),
        "completed": 0,
        "dropbox_locked": 0,
        "grading_scale_type": 0,
        "show_rubric": False,
        "display_weight": "12",
        "folder_id": "0",
        "assignment_type": "basic" if it.type == "assignment" else None,
        "web_url": f"{WEB}/{it.type}/{it.grade_item_id}",
        "count_in_grade": int(it.count_in_grade),
        "collected_only": int(it.collected_only),
        "auto_publish_grades": 1,
        "num_assignees": len(it.assignees),
        "assignees": assigned,
        "grading_group_ids": [],
        "last_updated": str(it.last_updated),
        "completion_status": "",
        "links": {"self": f"{base}/sections/{book.id}/{path}/{it.id}"},
    }


def discussion(it: Item, book: Section, base: str) -> Json:
    return {
        "id": it.grade_item_id,
        "uid": None,
        "title": it.title,
        "body": "",
        "completed": 0,
        "available": int(it.published),
        "weight": 0,
        "graded": 1,
        "due": moment(it.due),
        "grade_item_id": it.id,
        "grading_scale": "0",
        "grading_period": str(it.period),
        "grading_category": str(it.category),
        "max_points": plain(it.max_points),
        "factor": plain(it.factor),
        "is_final": flag(it.is_final),
        "published": int(it.published),
        "count_in_grade": int(it.count_in_grade),
        "collected_only": int(it.collected_only),
        "auto_publish_grades": 1,
        "links": {"self": f"{base}/sections/{book.id}/discussions/{it.grade_item_id}"},
    }
