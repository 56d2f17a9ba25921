"""Find which names stay another's in a sync, and whose they are: none may stand twice in the SIS (R29)."""

from collections.abc import Collection, Mapping

from gradesync.core.assignments import Binding, read_as_sent
from gradesync.core.catalog import NO_FACTS, Facts, format_date
from gradesync.core.fit import fill_due, fit_title
from gradesync.core.gradebook import ITEMS, Assignment, Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.ordering import CREATES
from gradesync.core.plan import AssignmentPlan, changes
from gradesync.core.reasons import Reason
from gradesync.core.rules import Rulebook
from gradesync.core.sis import LiveAssignment, LiveGradebook, Slot, Spec, fold_name


def find_held_up(planned: Collection[AssignmentPlan], ledger: Ledger, live: LiveGradebook) -> set[str]:
    """Return the ids of what would get a name that a column keeps in this sync.

    A column gives up its name only where its own assignment is planned to change that.
    """
    taking = {item.id: item.spec.slot for item in planned if item.spec and _takes_name(item)}
    if not taking:
        return set()
    leaving = {item.ref.key: taking[item.id] for item in planned if item.ref and item.id in taking}
    entries = {entry.ref.key: entry for entry in ledger.values() if entry.ref}
    staying: dict[Slot, set[str]] = {}
    for column in live.assignments:
        key = column.ref.key
        for slot in list_names(column, entries.get(key)):
            if leaving.get(key, slot) == slot:
                staying.setdefault(slot, set()).add(key)
    own = {item.id: item.ref.key for item in planned if item.ref}
    return {name for name, slot in taking.items() if staying.get(slot, set()) - {own.get(name)}}


def _takes_name(item: AssignmentPlan) -> bool:
    if item.spec is None or item.action in CREATES:
        return item.spec is not None
    renamed = item.before is None or item.before.slot != item.spec.slot
    return renamed and changes(item.action, item.before, item.spec)


def list_names(column: LiveAssignment, entry: LedgerAssignment | None) -> set[Slot]:
    """Return the names of a column as the SIS shows it and as it was sent: it may keep another form."""
    sent = read_as_sent(column, entry, entry.spec) if entry is not None and entry.spec else column
    return {column.slot, sent.slot}


def explain_clash(
    binding: Binding,
    gradebook: Gradebook,
    ledger: Ledger,
    bindings: Mapping[str, Binding],
    live: LiveGradebook,
    *,
    book: Rulebook,
) -> tuple[Reason, Facts]:
    """Return why the name of an assignment is not free, with the facts of that.

    What no sync of this section ends comes first: a column that is not ours, then one that is left.
    """
    spec, own = binding.spec, binding.ref.key if binding.ref else None
    items = {assignment.id: assignment for assignment in gradebook.assignments}
    entries = {entry.ref.key: entry for entry in ledger.values() if entry.ref}
    holders = {key: entry.id for key, entry in entries.items()}
    holders |= {bound.ref.key: a for a, bound in bindings.items() if bound.ref}
    columns = [column for column in live.assignments if column.ref.key != own]
    named = [each for each in columns if spec.slot in list_names(each, entries.get(each.ref.key))]
    unknown = {holders.get(column.ref.key) for column in named} - items.keys()
    if None in unknown or (unknown and ITEMS in gradebook.partial_lists):
        return Reason.DUPLICATE_NAME, NO_FACTS
    facts = {"name": spec.name, "due": format_date(spec.due)}
    if unknown:
        return Reason.NAME_LEFT_IN_SIS, facts
    others = [items[holders[column.ref.key]] for column in named]
    if not others or any(o.id not in bindings and _is_named(o, spec, gradebook, book) for o in others):
        return Reason.DUPLICATE_NAME, facts
    return Reason.NAME_NOT_FREE, {**facts, "holder": others[0].title.strip()}


def _is_named(assignment: Assignment, spec: Spec, gradebook: Gradebook, book: Rulebook) -> bool:
    """Return True where an assignment would be sent with a name, perhaps shortened, and due date too."""
    name = fit_title(assignment.title, book.capabilities, book.policy, {spec.name}).name
    due = fill_due(assignment, gradebook.periods, book.section.term_last)
    return fold_name(name) == fold_name(spec.name) and due == spec.due
