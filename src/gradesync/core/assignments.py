"""Decides what to do with one assignment, from its spec, what was last sent and what the SIS lists."""

from typing import NamedTuple

from gradesync.core.bind import Binding
from gradesync.core.ledger import LedgerAssignment
from gradesync.core.plan import Action
from gradesync.core.reasons import Reason
from gradesync.core.sis import Spec

_CHANGES = (Action.UPDATE, Action.ADOPT)


class AssignmentDecision(NamedTuple):
    """What to do with one assignment, and why not where it fails.

    `before` is what the SIS holds as far as known. `edited`: someone changed the assignment in the SIS.
    """

    action: Action
    before: Spec | None = None
    reason: Reason | None = None
    edited: bool = False


def move(binding: Binding, entry: LedgerAssignment, *, full: bool) -> AssignmentDecision:
    """Decide one assignment that syncs. `full`: put right what someone changed in the SIS."""
    if binding.ref is None:
        return _arrive(binding)
    decided = _stay(binding, entry, full=full)
    if changes(decided.action, decided.before, binding.spec) and (refusal := _refusal(binding)):
        return decided._replace(action=Action.FAIL, reason=refusal)
    return decided


def changes(action: Action, before: Spec | None, spec: Spec) -> bool:
    """Whether an assignment that stands in the SIS is to be changed there."""
    return action in _CHANGES and before != spec


def _arrive(binding: Binding) -> AssignmentDecision:
    if binding.clash:
        return AssignmentDecision(Action.FAIL, reason=Reason.DUPLICATE_NAME)
    return AssignmentDecision(Action.RECREATE if binding.gone else Action.CREATE)


def _stay(binding: Binding, entry: LedgerAssignment, *, full: bool) -> AssignmentDecision:
    """Decide an assignment that the SIS holds: compare what it should be, was last sent as, and is."""
    wanted, last, shown = binding.spec, entry.spec, binding.live.spec if binding.live else None
    if binding.adopted:
        return AssignmentDecision(Action.ADOPT, shown)
    if shown == wanted:
        return AssignmentDecision(Action.KEEP if last == wanted else Action.ADOPT, shown)
    edited = None not in (shown, last) and shown != last
    if last != wanted or (edited and full and _refusal(binding) is None):
        return AssignmentDecision(Action.UPDATE, shown or last, edited=edited)
    return AssignmentDecision(Action.KEEP, last, edited=edited)


def _refusal(binding: Binding) -> Reason | None:
    """Why the SIS would refuse to have an assignment changed to its spec."""
    live = binding.live
    if live is None:
        return None
    refusals = (
        (live.shared, Reason.SIS_ASSIGNMENT_SHARED),
        (live.locked, Reason.TERM_LOCKED),
        (binding.clash and live.slot != binding.spec.slot, Reason.DUPLICATE_NAME),
    )
    return next((reason for applies, reason in refusals if applies), None)
