"""Word the values of a spreadsheet as the page does; its last columns have the codes of the API."""

from datetime import date

from gradesync.api import schemas
from gradesync.core.catalog import SyncResult, format_date, sis_name
from gradesync.core.reasons import Reason, Result

# The words of the log.
STATUS = {"processing": "Processing", "complete": "Complete", "failed": "Failed"}
KINDS = {"assignment": "Assignment", "score": "Score", "sync": "Sync"}
# What became of a row, and in a preview what would.
RESULTS = {
    Result.CREATED: ("Created", "Would be created"),
    Result.RECREATED: ("Created again", "Would be created again"),
    Result.UPDATED: ("Changed", "Would be changed"),
    Result.WRITTEN: ("Sent", "Would be sent"),
    Result.CLEARED: ("Cleared", "Would be cleared"),
    Result.UNCHANGED: ("No change", "No change"),
    Result.ADOPTED: ("Found in {sis}", "Found in {sis}"),
    Result.SKIPPED: ("Left out", "Would be left out"),
    Result.FAILED: ("Failed", "Would not be sent"),
}
NOT_SENT = ("Not sent", "Would not be sent")
SYNC_RESULTS = {
    SyncResult.ALL_SENT: ("Everything is in {sis}", "Nothing would need attention"),
    SyncResult.STOPPED_FOR_REVIEW: ("Stopped for review", "Would stop for review"),
    SyncResult.FAILED: ("Nothing was sent", "Nothing could be sent"),
}
CHOSEN_SENT = "All of this is in {sis}"
PART_SENT = ("A part was sent", "A part would be sent")
FIELDS = {
    "name": "Name",
    "points": "Points",
    "due": "Due date",
    "category": "Category",
    "counts": "Counts in the final grade",
}
UNNAMED_CATEGORY = "another one"


def word_sync_result(sync: schemas.Sync) -> str:
    """Return what a sync came to, as the log has it; empty while it is in progress."""
    if sync.result is None:
        return ""
    result = SyncResult(sync.result)
    if result is SyncResult.NEEDS_ATTENTION:
        return _word_attention(sync)
    if result is SyncResult.ALL_SENT and not sync.dry_run and (sync.assignments_selected or sync.undo):
        return CHOSEN_SENT.format(sis=sis_name())
    return SYNC_RESULTS[result][sync.dry_run].format(sis=sis_name())


def _word_attention(sync: schemas.Sync) -> str:
    number = sync.attention.assignments + sync.attention.scores if sync.attention else 0
    if number == 0:
        return PART_SENT[sync.dry_run]
    if sync.dry_run:
        return f"{number:,} would need attention"
    return f"{number:,} {'needs' if number == 1 else 'need'} attention"


def word_result(outcome: schemas.Outcome, *, preview: bool) -> str:
    """Return what became of a row. What no teacher chose is not called left out."""
    result, reason = Result(outcome.result), outcome.reason
    left = result is Result.SKIPPED and reason is not None and reason.needs_attention
    stopped = reason is not None and reason.code == Reason.NOT_ATTEMPTED
    words = NOT_SENT if left or stopped else RESULTS[result]
    return words[preview].format(sis=sis_name())


def word_score(value: str | None) -> str:
    """Return a score as the page shows it: its points, or the name of its mark."""
    return value.capitalize() if value else ""


def word_edit(edit: schemas.Edit, *, after: bool) -> str:
    """Return one field of an assignment, before or after its change: "Points: 10"."""
    value, title = (edit.after, edit.after_title) if after else (edit.before, edit.before_title)
    words = {
        "category": title or UNNAMED_CATEGORY,
        "due": format_date(date.fromisoformat(value)) if edit.field == "due" else "",
    }
    return f"{FIELDS[edit.field]}: {words.get(edit.field, value)}"
