"""The story of the demonstration: a first sync, some changes, and one more sync that sends only these."""

from collections.abc import Mapping, Sequence
from typing import Any

from gradesync.cli.demo import show
from gradesync.cli.demo.people import Calls, Change, Teacher
from gradesync.cli.demo.stage import Stage
from gradesync.cli.output import CommandError, out

CHANGES = 8


def tell(stage: Stage) -> None:
    """Play the story, and show it. Raises `CommandError` where it does not end as it should."""
    section = stage.sandbox["sections"][0]
    out.rule(f"{section['title']}: {section['students']} students, {section['assignments']} assignments")
    out.print("The teacher launches gradesync from Schoology, and presses [bold]Sync to SIS[/].")
    teacher = Teacher.launch(stage, section)
    first, at_first = _sync(teacher)
    show.attention(teacher.outcomes(first))

    changes = teacher.regrade(CHANGES)
    out.rule(f"The teacher grades {len(changes)} scores anew, and syncs again")
    second, with_changes = _sync(teacher)
    show.changes(changes, _names(teacher.outcomes(second)), teacher.sis())

    out.rule("Nothing changes, and the teacher syncs once more")
    third, idle = _sync(teacher)
    cost = [("the first", at_first), (f"{len(changes)} changes", with_changes), ("nothing changed", idle)]
    show.calls(cost)
    _check(changes, teacher.sis(), second, third, with_changes.rows - idle.rows)


def _sync(teacher: Teacher) -> tuple[dict[str, Any], Calls]:
    """One press of the button: how it ended, and what it cost."""
    teacher.calls()
    sync = show.watch(teacher.sync())
    show.counts(sync)
    return sync, teacher.calls()


def _names(outcomes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    students = [outcome["student"] for outcome in outcomes if outcome["student"]]
    return {student["id"]: student["name"] for student in students if student["name"]}


def _check(
    changes: Sequence[Change],
    sis: Mapping[str, Mapping[str, str | None]],
    second: Mapping[str, Any],
    third: Mapping[str, Any],
    rows: int,
) -> None:
    """The demonstration means what it says: the SIS holds the changes, and only they were sent."""
    wrong = [
        change for change in changes if (sis[change.assignment].get(change.student) or "") != change.expected
    ]
    sent = second["scores"]["written"] + second["scores"]["cleared"]
    again = third["scores"]["written"] + third["scores"]["cleared"]
    if wrong or (sent, rows, again) != (len(changes), len(changes), 0):
        raise CommandError(
            "The demonstration did not end as it should.",
            f"{len(wrong)} cells differ; {sent} scores sent in {rows} rows, and {again} once more.",
        )
