"""Write the message to a section's teachers about what would not sync: facts and fixes, no student's name."""

from collections.abc import Iterable, Sequence

from gradesync.core.catalog import CATALOG, sis_name
from gradesync.core.isolation import isolate
from gradesync.core.preflight import Obstacle
from gradesync.core.reasons import Reason

KNOWN = frozenset[str](Reason)
SHOWN = 20  # assignments of one reason


def write_message(section: str, teachers: Sequence[str], obstacles: Iterable[Obstacle]) -> str:
    """Return a text that an office sends as it is. `teachers` are names; `section` is a title or an id."""
    by_reason: dict[Reason, list[Obstacle]] = {}
    for obstacle in obstacles:
        if obstacle.reason in KNOWN:  # a later release may have found others
            by_reason.setdefault(Reason(obstacle.reason), []).append(obstacle)
    parts = [_describe(reason, several) for reason, several in by_reason.items()]
    greeting = f"Hello {' and '.join(teachers)}," if teachers else "Hello,"
    opening = f"Some of {isolate(section)} would not sync to {sis_name()} as it is now:"
    return "\n\n".join([greeting, opening, *parts])


def _describe(reason: Reason, obstacles: Sequence[Obstacle]) -> str:
    """Return what happens, to which assignments or to how many students, and what to do."""
    entry = CATALOG[reason]
    assignments = [obstacle for obstacle in obstacles if obstacle.assignment_id]
    students = sum(bool(obstacle.student_id) for obstacle in obstacles)
    lines = [entry.title]
    lines += [f"- {_name(obstacle)}" for obstacle in assignments[:SHOWN]]
    if len(assignments) > SHOWN:
        lines.append(f"- and {len(assignments) - SHOWN} more")
    if students:
        lines.append(f"- {students} {'student' if students == 1 else 'students'}")
    return "\n".join([*lines, f"What to do: {entry.fix}"])


def _name(obstacle: Obstacle) -> str:
    name = isolate(obstacle.title or obstacle.assignment_id)
    return f"{name} ({isolate(obstacle.category)})" if obstacle.category else name
