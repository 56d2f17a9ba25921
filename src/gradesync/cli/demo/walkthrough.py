"""Walk through the demonstration: a first sync, what it lacks is mended, and later syncs send changes."""

from collections.abc import Mapping, Sequence
from typing import Any

from gradesync.cli.demo import show
from gradesync.cli.demo.installation import Installation
from gradesync.cli.demo.mending import mend
from gradesync.cli.demo.people import Calls, Change, Teacher
from gradesync.cli.output import CommandError, out

CHANGES = 8
# A mended assignment may show scores that need mending in turn; no more than these lie below it.
MENDINGS = ("after mending", "mended again")


def walk_through(demo: Installation) -> None:
    """Run the syncs and print them. Raises `CommandError` where one does not end as it should."""
    section = demo.sandbox["sections"][0]
    out.rule(f"{section['title']}: {section['students']} students, {section['assignments']} assignments")
    out.print("The teacher launches gradesync from Schoology, and presses [bold]Sync to SIS[/].")
    teacher = Teacher.launch(demo, section)
    first, at_first = _sync(teacher)
    outcomes = teacher.outcomes(first)
    show.print_reasons(outcomes)

    mended = _mend(teacher, outcomes)

    changes = teacher.regrade(CHANGES)
    out.rule(f"The teacher changes {len(changes)} scores, and syncs again")
    changed, with_changes = _sync(teacher)
    show.print_changes(changes, _names(outcomes + teacher.outcomes(changed)), teacher.sis())

    out.rule("Nothing changes, and the teacher syncs once more")
    last, idle = _sync(teacher)
    later = [(f"{len(changes)} changes", with_changes), ("nothing changed", idle)]
    show.print_calls([("the first", at_first), *mended, *later])
    _check_success((changed, last))
    _check(changes, teacher.sis(), changed, last, with_changes.rows - idle.rows)
    show.print_success(len(changes))


def _mend(teacher: Teacher, outcomes: Sequence[Mapping[str, Any]]) -> list[tuple[str, Calls]]:
    """Mend what needs attention, and sync; return the calls of each sync with its name."""
    synced = []
    for name in MENDINGS:
        if done := mend(teacher, outcomes):
            out.rule("The teacher and the school office mend that, and the teacher syncs again")
            show.print_mended(done)
            sync, calls = _sync(teacher)
            synced.append((name, calls))
            outcomes = teacher.outcomes(sync)
    return synced


def _check_success(syncs: Sequence[Mapping[str, Any]]) -> None:
    """Check that everything was sent once it was mended."""
    results = [sync["result"] for sync in syncs]
    if set(results) != {"all-sent"}:
        raise CommandError("The demonstration did not end as it should.", f"Results: {', '.join(results)}.")


def _sync(teacher: Teacher) -> tuple[dict[str, Any], Calls]:
    """Press the button once; return the settled sync and its calls."""
    teacher.calls()
    sync = show.watch(teacher.sync())
    show.print_counts(sync)
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
    """Check that the SIS has the changes, and that only they were sent."""
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
