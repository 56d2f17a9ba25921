"""PowerSchool's JSON: read with exact numbers and suspicion, written with exact number literals."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

import msgspec

from gradesync.core.sis import LiveAssignment, Ref, SisCategory, Spec

Object: TypeAlias = Mapping[str, Any]

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Unintelligible(Exception):
    """An answer that is not what the contract describes. The message quotes nothing of it."""


def encode(content: object) -> bytes:
    """JSON, with every `Decimal` as the literal that it prints as."""
    return _ENCODER.encode(content)


def decode(body: bytes) -> Any:
    """JSON with fractions as `Decimal`. Raises `Unintelligible`."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unintelligible("the answer is not JSON") from error


def _no_number(_: str) -> NoReturn:
    raise ValueError


def decode_list(body: bytes) -> list[Any]:
    """A plain JSON array. Raises `Unintelligible`."""
    found = decode(body)
    if not isinstance(found, list):
        raise Unintelligible("the answer is not a list")
    return found


def number(value: object) -> Decimal:
    """A JSON number without trailing zeros: 12.0 is 12. Raises `Unintelligible`."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unintelligible("a number is missing")
    return plain(Decimal(value))


def plain(value: Decimal) -> Decimal:
    """The same number as it is written without an exponent and without trailing zeros."""
    exact = value.normalize()
    exponent = exact.as_tuple().exponent
    return exact.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else exact


def key_of(entry: Object, name: str) -> str:
    """An id, which arrives as a JSON number or as text in digits. Raises `Unintelligible`."""
    value = entry.get(name)
    text = "" if isinstance(value, bool) or not isinstance(value, int | str) else str(value)
    if not (text.isascii() and text.isdecimal()):
        raise Unintelligible(f"{name} is missing")
    return text


def day(value: object) -> date | None:
    """`YYYY-MM-DD`, whatever time follows; None for anything else."""
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def truth(value: object, default: bool) -> bool:
    """A flag: absent means its default; the tables' API writes flags as digits and words."""
    if value is None:
        return default
    return value in (True, 1, "1", "true", "True")


def objects(value: object) -> list[Object]:
    """The objects of a list; v1 collapses a list of one to the object, and an empty one to "" (5)."""
    if isinstance(value, Mapping):
        return [value]
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def part_of(assignment: Object, section_dcid: str) -> Object | None:
    """The entry of one section within an assignment (4.2)."""
    for part in objects(assignment.get("_assignmentsections")):
        if str(part.get("sectionsdcid")) == section_dcid:
            return part
    return None


def is_shared(assignment: Object, section_dcid: str) -> bool:
    """Whether the assignment holds other sections too."""
    parts = objects(assignment.get("_assignmentsections"))
    return any(str(part.get("sectionsdcid")) != section_dcid for part in parts)


def live_assignment(assignment: object, section_dcid: str, plugin_id: str | None) -> LiveAssignment | None:
    """An assignment as listed (4.2); None where it does not hold our section, or holds no id at all.

    `spec` is None where a field of it makes no sense.
    """
    if not isinstance(assignment, Mapping) or (part := part_of(assignment, section_dcid)) is None:
        return None
    try:
        ref = _ref(assignment, part)
    except Unintelligible:
        return None
    name = part.get("name")
    return LiveAssignment(
        ref=ref,
        name=name if isinstance(name, str) else "",
        due=day(part.get("duedate")),
        spec=_spec(part),
        ours=plugin_id is not None and str(assignment.get("createdbyplugin")) == plugin_id,
        shared=is_shared(assignment, section_dcid),
        locked=truth(part.get("islocked"), False),
    )


def new_ref(assignmentid: str, assignmentsectionid: str | None) -> Ref:
    """Scores hang on `assignmentsectionid`; a create may tell `assignmentid` alone (4.1)."""
    if assignmentsectionid is None:
        return Ref(assignmentid, {"assignmentid": assignmentid})
    return Ref(assignmentid, {"assignmentid": assignmentid, "assignmentsectionid": assignmentsectionid})


def _ref(assignment: Object, part: Object) -> Ref:
    return new_ref(key_of(assignment, "assignmentid"), key_of(part, "assignmentsectionid"))


def _spec(part: Object) -> Spec | None:
    name, due = part.get("name"), day(part.get("duedate"))
    if not isinstance(name, str) or due is None:
        return None
    try:
        points, category = number(part.get("scoreentrypoints")), _category(part)
    except Unintelligible:
        return None
    return Spec(name, points, due, category, truth(part.get("iscountedinfinalgrade"), True))


def _category(part: Object) -> Ref:
    found = objects(part.get("_assignmentcategoryassociations"))
    primary = [entry for entry in found if truth(entry.get("isprimary"), False)] or found
    if len(primary) != 1:
        raise Unintelligible("no category, or several")
    return Ref(key_of(primary[0], "teachercategoryid"))


def categories(entries: Sequence[object]) -> tuple[SisCategory, ...]:
    """The teacher's categories (3.1). An entry without id or name is left out."""
    return tuple(_categories(entries))


def _categories(entries: Sequence[object]) -> Iterator[SisCategory]:
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(name := entry.get("name"), str):
            continue
        try:
            ref = Ref(key_of(entry, "teachercategoryid"))
        except Unintelligible:
            continue
        yield SisCategory(ref, name, truth(entry.get("isactive"), True))


def new_assignment(section_dcid: str, spec: Spec) -> dict[str, object]:
    """The smallest body that a live server is known to take (4.1); publishing is left to its default."""
    points = plain(spec.points)
    part = {
        "sectionsdcid": int(section_dcid),
        "name": spec.name,
        "duedate": spec.due.isoformat(),
        "scoretype": "POINTS",
        "scoreentrypoints": points,
        "totalpointvalue": points,
        "weight": 1,
        "iscountedinfinalgrade": spec.counts,
        "isscoringneeded": True,
        "_assignmentcategoryassociations": [{"teachercategoryid": int(spec.category.key), "isprimary": True}],
    }
    return {"_assignmentsections": [part]}


def changed_assignment(assignment: Object, section_dcid: str, spec: Spec) -> dict[str, object]:
    """The whole object with our section's entry as `spec` says and everything else as it came (4.3)."""
    parts = [
        _changed_part(part, spec) if str(part.get("sectionsdcid")) == section_dcid else part
        for part in objects(assignment.get("_assignmentsections"))
    ]
    return {**assignment, "_assignmentsections": parts}


def _changed_part(part: Object, spec: Spec) -> dict[str, object]:
    changed = {
        **part,
        "name": spec.name,
        "duedate": spec.due.isoformat(),
        "iscountedinfinalgrade": spec.counts,
        "_assignmentcategoryassociations": _with_primary(part, spec.category),
    }
    if has_points(part, spec.points):
        return changed
    weight = part.get("weight")
    points, factor = plain(spec.points), Decimal(1) if weight is None else number(weight)
    return {**changed, "scoreentrypoints": points, "totalpointvalue": plain(points * factor)}


def has_points(part: Object, points: Decimal) -> bool:
    """Whether an entry holds these points already."""
    try:
        return number(part.get("scoreentrypoints")) == points
    except Unintelligible:
        return False


def _with_primary(part: Object, category: Ref) -> list[dict[str, object]]:
    """The entry's categories with this one as the primary: no other is dropped."""
    found = [dict(entry) for entry in objects(part.get("_assignmentcategoryassociations"))]
    wanted = [entry for entry in found if str(entry.get("teachercategoryid")) == category.key]
    primary = [entry for entry in found if truth(entry.get("isprimary"), False)]
    if not wanted and len(primary or found) == 1:
        wanted = primary or found
        wanted[0]["teachercategoryid"] = int(category.key)
    if not wanted:
        wanted = [{"teachercategoryid": int(category.key), "isprimary": True}]
        found += wanted
    for entry in found:
        if truth(entry.get("isprimary"), False) != (entry is wanted[0]):
            entry["isprimary"] = entry is wanted[0]
    return found
