"""Carry what is kept of students over to the accounts that they have now."""

from collections.abc import Mapping

from gradesync.core.accounts import Accounts
from gradesync.core.ledger import Ledger
from gradesync.sync.claim import Attempt


def follow_accounts(attempt: Attempt, keys: Mapping[str, str]) -> Ledger:
    """Give decisions, and the selection of a retry, to the accounts of now; `keys` are SIS keys by uid.

    Returns the ledger. It is kept at once: by the next sync the former account may be another student's.
    """
    journal, accounts = attempt.journal, Accounts.of(keys, attempt.link.remembered)
    before, journal.entries = journal.entries, dict(accounts.follow_ledger(journal.entries))
    for key, entry in list(journal.entries.items()):
        # A column that is taken over is stored with its outcome.
        if entry is not before.get(key) and entry.taken_from is None and not attempt.sync.dry_run:
            journal.keep(entry)
    if attempt.sync.retry_of and attempt.selection:
        attempt.selection = accounts.follow_selection(attempt.selection)
    return journal.entries
