"""Look at what was written to the SIS: where it stands, and in which form the SIS keeps it (R41, R50)."""

from collections.abc import Mapping

from gradesync.core.catalog import sis_name
from gradesync.core.ledger import LedgerAssignment
from gradesync.core.ordering import AssignmentWrite
from gradesync.core.plan import FIELDS, AssignmentPlan
from gradesync.core.reasons import Reason, Result
from gradesync.core.sis import LiveAssignment, Spec
from gradesync.sync.assignment_calls import AssignmentWriter, find_made
from gradesync.sync.outcomes import stopped


async def look_at_written(writer: AssignmentWriter) -> None:
    """Read from one list what responses leave out: where creates stand, names as they are stored, and whether
    the SIS keeps what it accepted.
    """
    journal = writer.journal
    listed = {live.ref.key: live for live in await writer.target.assignments(writer.section)}
    for write, before in writer.sent:
        if write.item.ref is None:
            await _look_at_created(writer, write, before, listed)
        ref = writer.refs.get(write.item.id)
        live = listed.get(ref.key) if ref else None
        if live is not None:
            entry = journal.entry(write.item.id)
            journal.keep(entry._replace(shown="" if live.name == write.spec.name else live.name))
            _check_kept(writer, write, before, live)


def _check_kept(
    writer: AssignmentWriter, write: AssignmentWrite, before: LedgerAssignment, live: LiveAssignment
) -> None:
    """Fail what the SIS accepted and shows otherwise. That is its form, unless it shows the former one."""
    item, spec, shown = write.item, write.spec, live.spec
    if shown is None or _is_kept(write, shown):
        return
    former = find_stored_form(writer.before.get(item.id, before)) or before.spec
    if _is_ignored(write, shown, former):
        detail = f"{sis_name()} accepted a change of {live.name}, and doesn't show it"
        entry = before._replace(spec=former)
    else:  # sent again, it would come to the same form
        fields = _name_differences(shown, spec)
        detail = f"{sis_name()} accepted {live.name}, and shows it with other {fields}"
        entry = writer.journal.entry(item.id)._replace(intent=shown._replace(name=spec.name))
    writer.journal.keep(entry)
    _take_back(writer, item, Reason.ASSIGNMENT_NOT_ACCEPTED, detail)


def find_stored_form(entry: LedgerAssignment) -> Spec | None:
    """Return the form in which the SIS keeps what was last sent; None where it keeps the very same."""
    return entry.intent if entry.shown is not None else None


async def _look_at_created(
    writer: AssignmentWriter,
    write: AssignmentWrite,
    before: LedgerAssignment,
    listed: Mapping[str, LiveAssignment],
) -> None:
    """Bind a create to what the SIS shows of it: an answer alone may name what is another's (R41)."""
    item, journal = write.item, writer.journal
    ref = writer.refs[item.id]
    named = listed.get(ref.key) or await writer.target.assignment(writer.section, ref)
    made = find_made(writer, write, named, listed.values())
    if made is not None:
        writer.refs[item.id] = made.ref
        if made.ref.is_other(ref):
            journal.keep(journal.entry(item.id)._replace(ref=made.ref))
    elif named is None:
        _take_back(writer, item, Reason.ASSIGNMENT_GONE)
    else:
        journal.keep(before)
        detail = f"{sis_name()} names another assignment in its answer to a create"
        _take_back(writer, item, Reason.UPSTREAM_UNAVAILABLE, detail)


def _is_kept(write: AssignmentWrite, shown: Spec) -> bool:
    """Return True where the SIS shows an assignment as it was sent; its name may have another form."""
    return not _keeps_name(write, shown) and shown._replace(name=write.spec.name) == write.spec


def _is_ignored(write: AssignmentWrite, shown: Spec, stored: Spec | None) -> bool:
    """Return True where the SIS shows an assignment, or its name, as it was before a change."""
    former = [spec for spec in (write.item.before, stored) if spec is not None]
    unchanged = any(shown._replace(name=spec.name) == spec for spec in former)
    return write.item.ref is not None and (unchanged or _keeps_name(write, shown))


def _keeps_name(write: AssignmentWrite, shown: Spec) -> bool:
    before, spec = write.item.before, write.spec
    return before is not None and before.name != spec.name and shown.name == before.name


def _name_differences(shown: Spec, sent: Spec) -> str:
    pairs = zip(FIELDS, shown, sent, strict=True)
    return ", ".join(name for name, stored, given in pairs if name != "name" and stored != given)


def _take_back(writer: AssignmentWriter, item: AssignmentPlan, reason: Reason, detail: str = "") -> None:
    """Fail an assignment that the SIS accepted and did not keep: the next sync sends it again."""
    writer.refs.pop(item.id, None)
    writer.journal.note(stopped(writer.journal, item, Result.FAILED, reason, detail))
