"""Print the results of the demonstration."""

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
from gradesync.cli.output import make_table, out
from gradesync.core.catalogue import sis_name

STYLES = {"failed": "red", "skipped": "yellow", "remark": "cyan"}
ORDER = list(STYLES)
# Reasons of scores that only repeat the reason of their assignment.
DERIVED = {"assignment-skipped", "assignment-failed"}


def watch(steps: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Show the progress of a sync; return its last state."""
    bar = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), *bar, console=out, transient=True
    ) as shown:
        task = shown.add_task("", total=None)
        for sync in steps:
            done = sync["progress"]
            shown.update(task, description=sync["stage"], completed=done["done"], total=done["total"])
    return sync


def print_counts(sync: Mapping[str, Any]) -> None:
    """Print the status of a sync and its counts."""
    complete = sync["status"] == "complete"
    in_part = f"[bold yellow]Failed in part[/]: some of it needs a person; applied: {sync['applied']}."
    out.print("[bold green]Complete.[/]" if complete else in_part)
    if sync["error"]:
        out.print(f"[red]{sync['error']['title']}[/] {sync['error']['fix']}")
    for kind in ("assignments", "scores"):
        numbers = dict(sync[kind])
        read = numbers.pop("read")
        summary = ", ".join(f"[bold]{number}[/] {result}" for result, number in numbers.items() if number)
        out.print(f"  {read:>5} {kind} read: {summary or 'nothing to do'}")


def print_reasons(outcomes: Iterable[Mapping[str, Any]]) -> None:
    """Print what failed with its fix, then what was skipped by rule, then what was sent with a warning."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for outcome in outcomes:
        for result, reason in _reasons(outcome):
            sentence = f"{reason['title']} {reason['fix']}" if result == "failed" else reason["title"]
            groups[result, sentence].append(outcome["assignment"]["title"] or "")
    lines = make_table("What needs attention, and what was left out", "", "How many", "Why")
    for (result, sentence), titles in sorted(groups.items(), key=lambda group: ORDER.index(group[0][0])):
        example = Text(f"  {titles[0]}" if len(titles) == 1 else "", "dim")
        lines.add_row(Text(result, STYLES[result]), str(len(titles)), Text(sentence).append(example))
    out.print(lines)


def _reasons(outcome: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reason = outcome["reason"]
    if reason and reason["code"] not in DERIVED:
        yield outcome["result"], reason
    for warning in outcome["warnings"]:
        yield "remark", warning


def print_changes(
    changes: Iterable[Change], names: Mapping[str, str], sis: Mapping[str, Mapping[str, str | None]]
) -> None:
    """Print what the teacher did, and what the SIS shows now."""
    lines = make_table(f"The {sis_name()} gradebook now", "Student", "Assignment", "The teacher", sis_name())
    for change in changes:
        cell = sis[change.assignment].get(change.student) or "-"
        name = names.get(change.student, change.student)
        lines.add_row(Text(name), Text(change.assignment), change.words, f"[bold]{cell}[/]")
    out.print(lines)


def print_calls(syncs: Sequence[tuple[str, Calls]]) -> None:
    """Print the calls of each sync to the two systems."""
    headings = ("Sync", "Schoology calls", f"{sis_name()} reads", "Creates", "Score calls", "Scores in them")
    lines = make_table("What reached the two systems", *headings)
    for name, calls in syncs:
        creates, writes = calls.count("assignment.create"), calls.count("score.write")
        lines.add_row(name, *map(str, (calls.schoology, calls.reads, creates, writes, calls.rows)))
    out.print(lines)
