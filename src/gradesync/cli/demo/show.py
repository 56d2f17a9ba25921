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

from gradesync.cli.demo.mending import Mended
from gradesync.cli.demo.people import CREATES, SCORES, Calls, Change
from gradesync.cli.output import make_table, out
from gradesync.core.catalog import sis_name

STYLES = {"attention": "red", "left out": "yellow", "note": "cyan"}
ORDER = list(STYLES)
# Reasons of scores that only repeat the reason of their assignment.
DERIVED = {"assignment-skipped", "assignment-failed"}
RESULTS = {
    "all-sent": "[bold green]Complete.[/] Everything is in {sis}.",
    "needs-attention": "[bold yellow]Sent in part.[/] Some of it needs attention.",
    "stopped-for-review": "[bold yellow]Stopped for review.[/] Nothing was sent.",
    "failed": "[bold red]Failed.[/] Nothing was sent.",
}


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
    """Print what a sync came to, and its counts."""
    out.print(RESULTS[sync["result"]].format(sis=sis_name()))
    if sync["error"]:
        out.print(f"[red]{sync['error']['title']}[/] {sync['error']['fix']}")
    for kind in ("assignments", "scores"):
        numbers = dict(sync[kind])
        read = numbers.pop("read")
        summary = ", ".join(f"[bold]{number}[/] {result}" for result, number in numbers.items() if number)
        out.print(f"  {read:>5} {kind} read: {summary or 'nothing to do'}")


def print_reasons(outcomes: Iterable[Mapping[str, Any]]) -> None:
    """Print what needs attention with its fix, then what was left out, then what was sent with a note."""
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for outcome in outcomes:
        for kind, reason in _reasons(outcome):
            fix = reason["fix"] if kind == "attention" else ""
            groups[kind, reason["title"], fix].append(outcome["assignment"]["title"] or "")
    lines = make_table("What needs attention, and what was left out", "", "", "Why")
    for (kind, title, fix), titles in sorted(groups.items(), key=lambda group: ORDER.index(group[0][0])):
        parts = [title, *([titles[0]] if len(titles) == 1 else []), *filter(None, [fix])]
        why = Text("\n").join(Text(part, "dim" if number else "") for number, part in enumerate(parts))
        lines.add_row(Text(kind, STYLES[kind]), str(len(titles)), why)
    out.print(lines)


def _reasons(outcome: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reason = outcome["reason"]
    if reason and reason["code"] not in DERIVED:
        yield "attention" if reason["needs_attention"] else "left out", reason
    for warning in outcome["warnings"]:
        yield "attention" if warning["needs_attention"] else "note", warning


def print_mended(mended: Iterable[Mended]) -> None:
    """Print what was mended, and how."""
    lines = make_table("What they did", "Assignment or student", "Mended")
    for each in mended:
        lines.add_row(Text(each.what), Text(each.done))
    out.print(lines)


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
    headings = ("Sync", "Schoology", f"{sis_name()} reads", "creates", "score calls", "score rows")
    lines = make_table("Calls that reached the two systems, refused ones too", *headings)
    for column in lines.columns[1:]:
        column.justify = "right"
    for name, calls in syncs:
        creates, writes = calls.count(*CREATES), calls.count(*SCORES)
        lines.add_row(name, *map(str, (calls.schoology, calls.reads, creates, writes, calls.rows)))
    out.print(lines)


def print_success(changes: int) -> None:
    """Print how it ended."""
    held = f"{sis_name()} has what Schoology has: the last {changes} changes were sent once"
    out.print(f"[bold green]All is well.[/] {held}, and nothing was sent twice.")
