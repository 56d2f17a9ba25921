"""Carry what is kept of a student over to another account of the same student in the SIS (R40)."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from gradesync.core.ledger import Decision, Ledger, LedgerAssignment
from gradesync.core.plan import Selection


class Accounts(NamedTuple):
    """Hold the accounts that students have now, and had.

    `keys` are the SIS keys that accounts have now, by uid. `holders`: SIS key -> uid, of who alone has it and
    never had another one. `successors`: uid of an account without a key -> that of the student's account.
    """

    keys: Mapping[str, str]
    holders: Mapping[str, str]
    successors: Mapping[str, str]

    @classmethod
    def of(cls, keys: Mapping[str, str], remembered: Mapping[str, str] = MappingProxyType({})) -> "Accounts":
        """Compare the SIS keys of now, by uid, with those by which earlier syncs knew the students.

        A key that goes to a student who had another one was corrected: that is no other account.
        """
        claims = Counter(keys.values())
        holders = {
            key: uid for uid, key in keys.items() if claims[key] == 1 and remembered.get(uid, key) == key
        }
        former = {uid: key for uid, key in remembered.items() if uid not in keys and key in holders}
        return cls(keys, holders, {uid: holders[key] for uid, key in former.items()})

    def follow_ledger(self, ledger: Ledger) -> Ledger:
        """Return the ledger with decisions as those of the accounts of now, and with debts still due."""
        kept = ((key, entry) for key, entry in ledger.items() if entry.decisions or entry.owed)
        changed = {key: after for key, entry in kept if (after := self._follow(entry)) is not entry}
        return {**ledger, **changed} if changed else ledger

    def follow_selection(self, selection: Selection) -> Selection:
        """Return a selection of students in which the accounts of now stand for those that they replaced."""
        return {
            key: None if uids is None else frozenset(self.successors.get(uid, uid) for uid in uids)
            for key, uids in selection.items()
        }

    def _follow(self, entry: LedgerAssignment) -> LedgerAssignment:
        decisions = {key: self._follow_decision(key, made) for key, made in entry.decisions.items()}
        settled = {uid for uid in entry.owed if self._is_settled(entry, uid)}
        if decisions == entry.decisions and not settled:
            return entry
        owed = {uid: debt for uid, debt in entry.owed.items() if uid not in settled}
        return entry._replace(decisions=decisions, owed=owed)

    def _is_settled(self, entry: LedgerAssignment, uid: str) -> bool:
        """Return True where a replaced account owes what was sent for the student by now.

        No other debt of it is dropped, and none is handed on: the score of the account of now is newer.
        """
        if uid not in self.successors:
            return False
        key = self.keys[self.successors[uid]]
        return key in entry.sent and entry.sent[key] == entry.owed[uid].value

    def _follow_decision(self, key: str, made: Decision) -> Decision:
        """Return a decision about a record as one of who has it. Who decided saw the record, not an account.

        A student who has another record by now keeps it: it was made about a mistaken key.
        """
        holder = self.holders.get(key)
        if holder is None or made.student in self.keys:
            return made
        return made._replace(student=holder)
