"""The story of the demonstration: a first sync, some changes, and one more sync that sends only these."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from gradesync.cli.demo.people import Calls, Change, Teacher
from gradesync.cli.demo.stage import Stage
from gradesync.cli.say import Told, out

CHANGES = 8
DERIVED = {"assignment-skipped", "assignment-failed"}
"""Reasons of scores that only repeat what their assignment says."""
LINES = 12


def tell(stage: Stage) -> None:
    """Play the story, and show it. Raises `Told` where it does not end as it should."""
    section = stage.sandbox["sections"][0]
    out.rule(f"{section['title']}: {section['students']} students, {section['assignments']} assignments")
    teacher = Teacher.launch(stage, section)
    out.print("The teacher launches gradesync from Schoology, and presses [bold]Sync to SIS[/].")
    teacher.calls()
    first = _sync(teacher)
    calls = [("first sync", teacher.calls())]
    _show_counts(first)
    _show_attention(teacher.outcomes(first))
    changes = teacher.regrade(CHANGES)
    out.rule(f"The teacher grades {len(changes)} scores anew, and syncs again")
    second = _sync(teacher)
    calls.append((f"{len(changes)} changes", teacher.calls()))
    _show_counts(second)
    names = {o["student"]["id"]: o["student"]["name"] for o in teacher.outcomes(second) if o["student"]}
    _show_changes(teacher, changes, names)
    out.rule("Nothing changes, and the teacher syncs once more")
    third = _sync(teacher)
    calls.append(("nothing changed", teacher.calls()))
    _show_counts(third)
    _show_calls(calls)
    _check(teacher, changes, second, third, calls)


def _sync(teacher: Teacher) -> dict[str, Any]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as progress:
        bar = progress.add_task("", total=None)
        for sync in teacher.sync():
            done = sync["progress"]
            progress.update(bar, description=sync["stage"], completed=done["done"], total=done["total"])
    return sync


def _show_counts(sync: dict[str, Any]) -> None:
    colour = "green" if sync["status"] == "complete" else "yellow"
    out.print(f"The sync is [bold {colour}]{sync['status']}[/]; applied: {sync['applied']}.")
    if sync["error"]:
        out.print(f"[red]{sync['error']['title']}[/] {sync['error']['fix']}")
    for kind in ("assignments", "scores"):
        counts = sync[kind]
        told = [
            f"[bold]{number}[/] {result}" for result, number in counts.items() if number and result != "read"
        ]
        out.print(f"  {counts['read']:>5} {kind} read: {', '.join(told) or 'nothing to do'}")


def _show_attention(outcomes: Sequence[dict[str, Any]]) -> None:
    """What was left out or failed, and what could not be sent as it stands, with what to do."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for outcome in outcomes:
        reasons = [(outcome["result"], outcome["reason"])] if outcome["reason"] else []
        for result, reason in [*reasons, *(("warning", warning) for warning in outcome["warnings"])]:
            if reason["code"] not in DERIVED:
                groups[result, reason["code"]].append(outcome | {"said": reason})
    table = Table(
        title="What needs attention", box=None, title_justify="left", title_style="bold", pad_edge=False
    )
    for heading in ("", "How many", "What happened, and what to do", "For example"):
        table.add_column(heading, overflow="fold")
    for (result, _), group in sorted(groups.items(), key=lambda pair: _rank(pair[0][0])):
        said, example = group[0]["said"], group[0]["assignment"]["title"]
        style = {"failed": "red", "skipped": "yellow"}.get(result, "dim")
        table.add_row(
            Text(result, style),
            str(len(group)),
            Text(f"{said['title']} {said['fix']}"),
            Text(str(example), "dim"),
        )
    out.print(table)


def _rank(result: str) -> int:
    return ("failed", "skipped").index(result) if result in ("failed", "skipped") else 2


def _show_changes(teacher: Teacher, changes: Sequence[Change], names: dict[str, str]) -> None:
    """The SIS gradebook where it changed: what the teacher did, and what the SIS shows now."""
    there = teacher.sis()
    table = Table(
        title="The SIS gradebook now", box=None, title_justify="left", title_style="bold", pad_edge=False
    )
    for heading in ("Student", "Assignment", "The teacher", "The SIS"):
        table.add_column(heading)
    for change in changes:
        cell = there[change.assignment].get(change.student) or "-"
        name = names.get(change.student) or change.student
        table.add_row(Text(name), Text(change.assignment), change.words, f"[bold]{cell}[/]")
    out.print(table)


def _show_calls(calls: Sequence[tuple[str, Calls]]) -> None:
    headings = ("Schoology calls", "SIS reads", "Assignments created", "Score calls", "Scores in them")
    table = Table(
        title="What reached the two systems",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, made in calls:
        numbers = (
            made.schoology,
            made.reads,
            made.of("assignment.create"),
            made.of("score.write"),
            made.rows,
        )
        table.add_row(name, *map(str, numbers))
    out.print(table)


def _check(
    teacher: Teacher,
    changes: Sequence[Change],
    second: dict[str, Any],
    third: dict[str, Any],
    calls: Sequence[tuple[str, Calls]],
) -> None:
    """The demonstration means what it says: the SIS holds the changes, and only they were sent."""
    there = teacher.sis()
    wrong = [c for c in changes if not _same(there[c.assignment].get(c.student), c.expected)]
    sent = second["scores"]["written"] + second["scores"]["cleared"]
    (_, again), (_, idle) = calls[1:]
    if wrong or sent != len(changes) or again.rows - sent > idle.rows or third["scores"]["written"]:
        raise Told("The demonstration did not end as it should.", f"Not as expected: {wrong or calls}")


def _same(cell: str | None, expected: str) -> bool:
    try:
        return Decimal(cell or "NaN").compare(Decimal(expected or "NaN")) == 0 or not (cell or expected)
    except InvalidOperation:
        return False
