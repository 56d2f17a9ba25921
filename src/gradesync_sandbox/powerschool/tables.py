"""Define the tables behind `/ws/schema/table`: their columns and the sources of their rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gradesync_sandbox.powerschool.rows import FLAGS, AssignmentSection, Enrollment, Score
from gradesync_sandbox.powerschool.state import PowerSchool

Row = Mapping[str, Any]
AUDIT = ("whocreated", "whencreated", "whomodified", "whenmodified")


@dataclass(frozen=True)
class Table:
    """Describe a table: its key, its columns, all its rows, and the columns that find rows quickly."""

    key: str
    columns: tuple[str, ...]
    rows: Callable[[PowerSchool], Iterable[Row]]
    found_by: Mapping[str, Callable[[PowerSchool, int], Iterable[Row]]]


def _plain(row: object) -> Row:
    return {name: getattr(row, name) for name in row.__slots__}  # type: ignore[attr-defined]  # rows have slots


def _some(row: object | None) -> Iterable[Row]:
    return [] if row is None else [_plain(row)]


def _cc(sis: PowerSchool, row: Enrollment) -> Row:
    negated = row.dropped and sis.switches.dropped_cc == "negative"
    return {**_plain(row), "sectionid": -row.sectionid if negated else row.sectionid}


def _cc_of_section(sis: PowerSchool, sectionid: int) -> Iterable[Row]:
    return (_cc(sis, row) for row in sis.cc.get(abs(sectionid), {}).values())


def _score(sis: PowerSchool, score: Score) -> Row:
    assignment, _ = sis.gradebook.parts[score.assignmentsectionid]
    marks = {name: int(name in score.flags) for name in FLAGS}
    return {**_plain(score), **marks, "yearid": assignment.yearid}


def _scores_of_part(sis: PowerSchool, part: int) -> Iterable[Row]:
    return (_score(sis, score) for score in sis.gradebook.scores.get(part, {}).values())


def _scores(sis: PowerSchool) -> Iterable[Row]:
    return (_score(sis, score) for cells in sis.gradebook.scores.values() for score in cells.values())


def _part(assignmentid: int, yearid: int, part: AssignmentSection) -> Row:
    return {**_plain(part), "assignmentid": assignmentid, "yearid": yearid}


def _parts(sis: PowerSchool) -> Iterable[Row]:
    return (_part(a.assignmentid, a.yearid, part) for a, part in sis.gradebook.parts.values())


def _parts_of_section(sis: PowerSchool, sectionsdcid: int) -> Iterable[Row]:
    mine = sis.gradebook.by_section.get(sectionsdcid, {}).values()
    return (_part(a.assignmentid, a.yearid, a.section(sectionsdcid)) for a in mine)


def _assocs(sis: PowerSchool) -> Iterable[Row]:
    for assignment, part in sis.gradebook.parts.values():
        for assoc in part.categories:
            owner = {"assignmentsectionid": part.assignmentsectionid, "yearid": assignment.yearid}
            yield {**_plain(assoc), **owner}


def _teaching(sis: PowerSchool) -> Iterable[Row]:
    return (_plain(row) for rows in sis.sectionteachers.values() for row in rows)


TABLES: Mapping[str, Table] = {
    "schools": Table(
        "dcid",
        ("dcid", "id", "school_number", "name"),
        lambda sis: map(_plain, sis.schools.values()),
        {"dcid": lambda sis, key: _some(sis.schools.get(key))},
    ),
    "terms": Table(
        "dcid",
        ("dcid", "id", "yearid", "schoolid", "name", "firstday", "lastday"),
        lambda sis: map(_plain, sis.terms.values()),
        {"dcid": lambda sis, key: _some(sis.terms.get(key))},
    ),
    "users": Table(
        "dcid",
        ("dcid", "first_name", "last_name", "email_addr"),
        lambda sis: map(_plain, sis.users.values()),
        {"dcid": lambda sis, key: _some(sis.users.get(key))},
    ),
    "schoolstaff": Table(
        "dcid",
        ("dcid", "id", "users_dcid", "schoolid"),
        lambda sis: map(_plain, sis.schoolstaff.values()),
        {"id": lambda sis, key: _some(sis.schoolstaff.get(key))},
    ),
    "sections": Table(
        "dcid",
        ("dcid", "id", "termid", "schoolid", "teacher", "course_number", "section_number"),
        lambda sis: map(_plain, sis.sections.values()),
        {"dcid": lambda sis, key: _some(sis.sections.get(key))},
    ),
    "roledef": Table(
        "id",
        ("id", "name"),
        lambda sis: map(_plain, sis.roledefs.values()),
        {"id": lambda sis, key: _some(sis.roledefs.get(key))},
    ),
    "sectionteacher": Table(
        "id",
        ("id", "sectionid", "teacherid", "roleid", "start_date", "end_date"),
        _teaching,
        {"sectionid": lambda sis, key: map(_plain, sis.sectionteachers.get(key, ()))},
    ),
    "students": Table(
        "dcid",
        ("dcid", "id", "student_number", "first_name", "last_name", "schoolid"),
        lambda sis: map(_plain, sis.students.values()),
        {
            "dcid": lambda sis, key: _some(sis.students.get(key)),
            "id": lambda sis, key: _some(sis.students.get(sis.student_dcids.get(key, 0))),
        },
    ),
    "cc": Table(
        "dcid",
        ("dcid", "id", "sectionid", "studentid", "termid", "schoolid", "dateenrolled", "dateleft"),
        lambda sis: (_cc(sis, row) for rows in sis.cc.values() for row in rows.values()),
        {"sectionid": _cc_of_section},
    ),
    "teachercategory": Table(
        "teachercategoryid",
        (
            *("teachercategoryid", "districtteachercategoryid", "usersdcid", "name", "description", "color"),
            *("isactive", "isinfinalgrades", "isusermodifiable", "teachermodified", "displayposition"),
            *("isdefaultpublishscores", "defaultpublishoption", "defaultpublishstate"),
            *("defaultdaysbeforedue", "defaultscoretype", "defaultscoreentrypoints"),
            *("defaultextracreditpoints", "defaultweight", "defaulttotalvalue"),
        ),
        lambda sis: map(_plain, sis.categories.values()),
        {"teachercategoryid": lambda sis, key: _some(sis.categories.get(key))},
    ),
    "assignment": Table(
        "assignmentid",
        (
            *("assignmentid", "yearid", "createdbyplugin", "standardcalcdirection", "standardscoringmethod"),
            *("hasstandards", "standardrollupmethod", "standardrollupmetric"),
            *AUDIT,
        ),
        lambda sis: map(_plain, sis.gradebook.assignments.values()),
        {"assignmentid": lambda sis, key: _some(sis.gradebook.assignments.get(key))},
    ),
    "assignmentsection": Table(
        "assignmentsectionid",
        (
            *("assignmentsectionid", "assignmentid", "yearid", "sectionsdcid", "name", "duedate"),
            *("description", "scoretype", "scoreentrypoints", "extracreditpoints", "weight"),
            *("totalpointvalue", "iscountedinfinalgrade", "isscoringneeded", "publishoption"),
            *("publishdaysbeforedue", "publishonspecificdate", "isscorespublish", "maxretakeallowed"),
            *("relatedgradescaleitemdcid", "publisheddate", "publishedscoretypeid", *AUDIT),
        ),
        _parts,
        {"sectionsdcid": _parts_of_section},
    ),
    "assignmentcategoryassoc": Table(
        "assignmentcategoryassocid",
        (
            *("assignmentcategoryassocid", "assignmentsectionid", "teachercategoryid", "yearid", "isprimary"),
            *AUDIT,
        ),
        _assocs,
        {},
    ),
    "assignmentscore": Table(
        "assignmentscoreid",
        (
            *("assignmentscoreid", "yearid", "assignmentsectionid", "studentsdcid", *FLAGS),
            *("actualscoreentered", "actualscorekind", "actualscoregradescaledcid", "scorepercent"),
            *("scorepoints", "scorelettergrade", "scorenumericgrade", "scoreentrydate"),
            *("scoregradescaledcid", "hasretake", *AUDIT),
        ),
        _scores,
        {"assignmentsectionid": _scores_of_part},
    ),
}

# A table that exists and that this endpoint does not open (measured of some: upstream.md PowerSchool §5).
CLOSED = frozenset({"prefs"})
