"""Refuse assignments with 409 as PowerSchool may. All of it is inferred: each rule has its switch."""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from gradesync_sandbox.powerschool.bodies import AssignmentBody, SectionBody
from gradesync_sandbox.powerschool.rows import AssignmentSection, Section
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.switches import Switches
from gradesync_sandbox.powerschool.wire import Problem, Refused, conflict
from gradesync_sandbox.powerschool.words import compared_name, quoting, stored_name

NAME_LENGTH = 50
MOST_POINTS = 9999
_SHARED = ("name", "scoretype", "scoreentrypoints", "weight", "extracreditpoints", "iscountedinfinalgrade")


@dataclass(frozen=True)
class Draft:
    """Hold one section's part of a create or update, with the records that it is checked against."""

    sis: PowerSchool
    users_dcid: int
    section: Section
    body: SectionBody
    # The assignment that is updated; None for a new one.
    assignmentid: int | None


def _quoting(draft: Draft, message: str) -> str:
    return quoting(message, draft.body.name, draft.sis.switches)


def _name(draft: Draft) -> Iterator[Problem]:
    if not draft.body.name.strip():
        yield Problem("Assignment name is required", field="name")
    if len(draft.body.name) > NAME_LENGTH:
        message = f"Assignment name is longer than {NAME_LENGTH} characters"
        yield Problem(_quoting(draft, message), field="name")


def _due_date(draft: Draft) -> Iterator[Problem]:
    term = draft.sis.term_of(draft.section)
    if not term.firstday <= draft.body.duedate <= term.lastday:
        yield Problem(_quoting(draft, "Due date is outside of the section's term"), field="duedate")


def _category(draft: Draft) -> Iterator[Problem]:
    if sum(assoc.isprimary for assoc in draft.body.categories) != 1:
        yield Problem("Exactly one primary category is required", field="_assignmentcategoryassociations")
    for assoc in draft.body.categories:
        category = draft.sis.categories.get(assoc.teachercategoryid)
        if category is None or category.usersdcid != draft.users_dcid:
            message = _quoting(draft, "Category does not belong to the teacher")
            yield Problem(message, field="teachercategoryid")
        elif not category.isactive:
            message = quoting("Category is not active", category.name, draft.sis.switches)
            yield Problem(message, field="teachercategoryid")


def _duplicate(draft: Draft) -> Iterator[Problem]:
    switches = draft.sis.switches
    key = draft.body.duedate, compared_name(stored_name(draft.body.name, switches), switches)
    for other in draft.sis.gradebook.of_section(draft.section):
        part = other.section(draft.section.dcid)
        if other.assignmentid != draft.assignmentid and _key(part, switches) == key:
            message = _quoting(draft, "An assignment with this name and due date exists in the section")
            yield Problem(message, {"section_dcid": draft.section.dcid}, "name")


def _key(part: AssignmentSection, switches: Switches) -> tuple[date, str]:
    return part.duedate, compared_name(part.name, switches)


def _points(draft: Draft) -> Iterator[Problem]:
    body = draft.body
    total = Decimal(body.scoreentrypoints) * Decimal(body.weight)
    if body.scoreentrypoints <= 0:
        yield Problem("Score entry points must be above 0", field="scoreentrypoints")
    if total + body.extracreditpoints > MOST_POINTS:
        yield Problem(f"Total points must be at most {MOST_POINTS}", field="totalpointvalue")
    if body.totalpointvalue is not None and body.totalpointvalue != total:
        yield Problem("Total point value must be score entry points times weight", field="totalpointvalue")


RULES: dict[str, Callable[[Draft], Iterator[Problem]]] = {
    "name": _name,
    "due_date": _due_date,
    "category": _category,
    "duplicate": _duplicate,
    "points": _points,
}


def check(drafts: list[Draft], body: AssignmentBody) -> None:
    """Check drafts.

    Raises `Refused`: 400 for parts that contradict one another, else 409 for the rules that are on.
    """
    _check_shape(body)
    clashes, invalid = _problems(drafts, {"duplicate"}), _problems(drafts, RULES.keys() - {"duplicate"})
    if invalid:
        raise conflict([*invalid, *clashes], drafts[0].sis.switches.invalid_status)
    if clashes:
        raise conflict(clashes)


def _problems(drafts: list[Draft], names: Set[str]) -> list[Problem]:
    return [
        problem
        for draft in drafts
        for name, rule in RULES.items()
        if name in names & draft.sis.switches.inferred
        for problem in rule(draft)
    ]


def _check_shape(body: AssignmentBody) -> None:
    """Require at least one part, one per section, equal but for due date and students (upstream.md
    PowerSchool §4.1).
    """
    if not body.sections:
        raise Refused(400, "_assignmentsections must not be empty")
    if len({part.sectionsdcid for part in body.sections}) < len(body.sections):
        raise Refused(400, "_assignmentsections names a section twice")
    first, *others = body.sections
    unequal = [n for n in _SHARED for part in others if getattr(part, n) != getattr(first, n)]
    if unequal:
        raise Refused(400, f"{unequal[0]} must be the same in all sections")


def scoring(part: AssignmentSection | SectionBody) -> tuple[str, Decimal, Decimal, Decimal]:
    """Return the scoring configuration: a change of it concerns scores that exist."""
    numbers = part.scoreentrypoints, part.weight, part.extracreditpoints
    return part.scoretype, *(Decimal(number) for number in numbers)  # type: ignore[return-value]  # three of them
