"""How the demonstration shows what happened."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from gradesync.cli.demo.people import Calls, Change
from gradesync.cli.output import out, table

STYLES = {"failed": "red", "skipped": "yellow", "remark": "cyan"}
ORDER = list(STYLES)
DERIVED = {"assignment-skipped", "assignment-failed"}
"""Reasons of scores that only repeat what their assignment says."""


def watch(steps: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Show a sync as it goes on; answers how it ended."""
    bar = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), *bar, console=out, transient=True
    ) as shown:
        task = shown.add_task("", total=None)
        for sync in steps:
            done = sync["progress"]
            shown.update(task, description=sync["stage"], completed=done["done"], total=done["total"])
    return sync


def counts(sync: Mapping[str, Any]) -> None:
    """How a sync ended, and how many of what."""
    complete = sync["status"] == "complete"
    in_part = f"[bold yellow]Failed in part[/]: some of it needs a person; applied: {sync['applied']}."
    out.print("[bold green]Complete.[/]" if complete else in_part)
    if sync["error"]:
        out.print(f"[red]{sync['error']['title']}[/] {sync['error']['fix']}")
    for kind in ("assignments", "scores"):
        numbers = dict(sync[kind])
        read = numbers.pop("read")
        told = ", ".join(f"[bold]{number}[/] {result}" for result, number in numbers.items() if number)
        out.print(f"  {read:>5} {kind} read: {told or 'nothing to do'}")


def attention(outcomes: Iterable[Mapping[str, Any]]) -> None:
    """What failed and what to do, then what was left out by rule, then what was sent with a remark."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for outcome in outcomes:
        for result, said in _reasons(outcome):
            sentence = f"{said['title']} {said['fix']}" if result == "failed" else said["title"]
            groups[result, sentence].append(outcome["assignment"]["title"] or "")
    lines = table("What needs attention, and what was left out", "", "How many", "Why")
    for (result, sentence), titles in sorted(groups.items(), key=lambda group: ORDER.index(group[0][0])):
        alone = Text(f"  {titles[0]}" if len(titles) == 1 else "", "dim")
        lines.add_row(Text(result, STYLES[result]), str(len(titles)), Text(sentence).append(alone))
    out.print(lines)


def _reasons(outcome: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reason = outcome["reason"]
    if reason and reason["code"] not in DERIVED:
        yield outcome["result"], reason
    for warning in outcome["warnings"]:
        yield "remark", warning


def changes(
    made: Iterable[Change], names: Mapping[str, str], sis: Mapping[str, Mapping[str, str | None]]
) -> None:
    """What the teacher did, and what the SIS shows there now."""
    lines = table("The SIS gradebook now", "Student", "Assignment", "The teacher", "The SIS")
    for change in made:
        cell = sis[change.assignment].get(change.student) or "-"
        name = names.get(change.student, change.student)
        lines.add_row(Text(name), Text(change.assignment), change.words, f"[bold]{cell}[/]")
    out.print(lines)


def calls(syncs: Sequence[tuple[str, Calls]]) -> None:
    """What each sync cost the two systems."""
    headings = ("Sync", "Schoology calls", "SIS reads", "Creates", "Score calls", "Scores in them")
    lines = table("What reached the two systems", *headings)
    for name, made in syncs:
        creates, writes = made.of("assignment.create"), made.of("score.write")
        lines.add_row(name, *map(str, (made.schoology, made.reads, creates, writes, made.rows)))
    out.print(lines)
