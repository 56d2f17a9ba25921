"""Read and write PowerSchool's JSON, with exact numbers in both directions."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from gradesync.core.sis import LiveAssignment, Ref, SisCategory, Spec, normalize_number
from gradesync.upstream.response import MalformedError, decode, read_day, read_number, to_plain

Object: TypeAlias = Mapping[str, Any]

POINTS = "POINTS"


def decode_list(body: bytes) -> list[Any]:
    """Return a plain JSON array. Raises `MalformedError`."""
    entries = decode(body)
    if not isinstance(entries, list):
        raise MalformedError("the response is not a list")
    return entries


def read_key(entry: Object, name: str) -> str:
    """Return an id, which arrives as a JSON number or as text in digits. Raises `MalformedError`."""
    value = entry.get(name)
    text = str(value) if type(value) is int else value  # True is an int as well
    number = normalize_number(text) if isinstance(text, str) else None
    if number is None:
        raise MalformedError(f"{name} is missing")
    return number


def read_flag(value: object, default: bool) -> bool:
    """Return a flag: absent means its default; the tables' API writes flags as digits and words."""
    if value is None:
        return default
    return value in (True, 1, "1", "true", "True")


def read_objects(value: object) -> list[Object]:
    """Return the objects of a list.

    v1 collapses a list of one to the object, and an empty one to "" (upstream.md PowerSchool §5).
    """
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return [value] if isinstance(value, dict) else []


def find_part(assignment: Object, section_dcid: str) -> Object | None:
    """Return the entry of one section within an assignment (upstream.md PowerSchool §4.2)."""
    for part in read_objects(assignment.get("_assignmentsections")):
        if str(part.get("sectionsdcid")) == section_dcid:
            return part
    return None


def is_shared(assignment: Object, section_dcid: str) -> bool:
    """Return True where the assignment has other sections too."""
    parts = read_objects(assignment.get("_assignmentsections"))
    return any(str(part.get("sectionsdcid")) != section_dcid for part in parts)


def read_assignment(assignment: object, section_dcid: str, plugin_id: str | None) -> LiveAssignment | None:
    """Return an assignment as listed; None where it does not have our section, or no id at all.

    `spec` is None where a field of it makes no sense (upstream.md PowerSchool §4.2).
    """
    if not isinstance(assignment, dict):
        return None
    parts = read_objects(assignment.get("_assignmentsections"))
    ours = [part for part in parts if str(part.get("sectionsdcid")) == section_dcid]
    if not ours:
        return None
    part = ours[0]
    name, due = part.get("name"), read_day(part.get("duedate"))
    try:
        ref = make_ref(read_key(assignment, "assignmentid"), read_key(part, "assignmentsectionid"))
    except MalformedError:
        return None
    return LiveAssignment(
        ref=ref,
        name=name if isinstance(name, str) else "",
        due=due,
        spec=_read_spec(part, name, due),
        ours=plugin_id is not None and str(assignment.get("createdbyplugin")) == plugin_id,
        shared=len(ours) < len(parts),
        locked=read_flag(part.get("islocked"), False),
        takes_points=str(part.get("scoretype") or POINTS).upper() == POINTS,
    )


def make_ref(assignmentid: str, assignmentsectionid: str | None) -> Ref:
    """Make the ref of an assignment; a create may return its `assignmentid` alone.

    Scores belong to the `assignmentsectionid` (upstream.md PowerSchool §4.1).
    """
    if assignmentsectionid is None:
        return Ref(assignmentid, {"assignmentid": assignmentid})
    return Ref(assignmentid, {"assignmentid": assignmentid, "assignmentsectionid": assignmentsectionid})


def _read_spec(part: Object, name: object, due: date | None) -> Spec | None:
    if not isinstance(name, str) or due is None:
        return None
    try:
        points, category = read_number(part.get("scoreentrypoints")), _read_category(part)
    except MalformedError:
        return None
    return Spec(name, points, due, category, read_flag(part.get("iscountedinfinalgrade"), True))


def _read_category(part: Object) -> Ref:
    entries = read_objects(part.get("_assignmentcategoryassociations"))
    primary = [entry for entry in entries if read_flag(entry.get("isprimary"), False)] or entries
    if len(primary) != 1:
        raise MalformedError("no category, or several")
    return Ref(read_key(primary[0], "teachercategoryid"))


def read_categories(entries: Sequence[object]) -> tuple[SisCategory, ...]:
    """Return the teacher's categories. An entry without id or name is left out."""
    return tuple(_read_each_category(entries))


def _read_each_category(entries: Sequence[object]) -> Iterator[SisCategory]:
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(name := entry.get("name"), str):
            continue
        try:
            ref = Ref(read_key(entry, "teachercategoryid"))
        except MalformedError:
            continue
        yield SisCategory(ref, name, read_flag(entry.get("isactive"), True))


def build_assignment(section_dcid: str, spec: Spec) -> dict[str, object]:
    """Build the smallest body that a live server is known to take; publishing is left to its default."""
    points = to_plain(spec.points)
    part = {
        "sectionsdcid": int(section_dcid),
        "name": spec.name,
        "duedate": spec.due.isoformat(),
        "scoretype": POINTS,
        "scoreentrypoints": points,
        "totalpointvalue": points,
        "weight": 1,
        "iscountedinfinalgrade": spec.counts,
        "isscoringneeded": True,
        "_assignmentcategoryassociations": [{"teachercategoryid": int(spec.category.key), "isprimary": True}],
    }
    return {"_assignmentsections": [part]}


def change_assignment(assignment: Object, section_dcid: str, spec: Spec) -> dict[str, object]:
    """Return the whole object with our section's entry as in `spec` and everything else as it came.

    PowerSchool takes whole objects only (upstream.md PowerSchool §4.3).
    """
    parts = [
        _change_part(part, spec) if str(part.get("sectionsdcid")) == section_dcid else part
        for part in read_objects(assignment.get("_assignmentsections"))
    ]
    return {**assignment, "_assignmentsections": parts}


def _change_part(part: Object, spec: Spec) -> dict[str, object]:
    changed = {
        **part,
        "name": spec.name,
        "duedate": spec.due.isoformat(),
        "iscountedinfinalgrade": spec.counts,
        "_assignmentcategoryassociations": _set_primary_category(part, spec.category),
    }
    if has_points(part, spec.points):
        return changed
    weight = part.get("weight")
    points, factor = to_plain(spec.points), Decimal(1) if weight is None else read_number(weight)
    return {**changed, "scoreentrypoints": points, "totalpointvalue": to_plain(points * factor)}


def has_points(part: Object, points: Decimal) -> bool:
    """Return True where an entry has these points already."""
    try:
        return read_number(part.get("scoreentrypoints")) == points
    except MalformedError:
        return False


def _set_primary_category(part: Object, category: Ref) -> list[dict[str, object]]:
    """Return the entry's categories with this one as the primary: no other is dropped."""
    entries = [dict(entry) for entry in read_objects(part.get("_assignmentcategoryassociations"))]
    wanted = [entry for entry in entries if str(entry.get("teachercategoryid")) == category.key]
    primary = [entry for entry in entries if read_flag(entry.get("isprimary"), False)]
    if not wanted and len(primary or entries) == 1:
        wanted = primary or entries
        wanted[0]["teachercategoryid"] = int(category.key)
    if not wanted:
        wanted = [{"teachercategoryid": int(category.key), "isprimary": True}]
        entries += wanted
    for entry in entries:
        if read_flag(entry.get("isprimary"), False) != (entry is wanted[0]):
            entry["isprimary"] = entry is wanted[0]
    return entries
