"""List what is searched: the whole protocol, and it without each guard."""

from collections.abc import Mapping

# Name -> settings under which every check holds in all states.
WHOLE: Mapping[str, tuple[str, ...]] = {
    "one lost answer and one stop": (),
    "the same, a call for each score": ("BATCH=1",),
    "two lost answers": ("LOSSES=2", "STOPS=0"),
    "scores that take effect late": ("LATE_SCORES", "STOPS=0"),
    "both workers die": ("MORTAL", "LOSSES=0", "STOPS=2", "DEADLINE=7", "GRADES=1"),
}
# Settings under which no run goes on for ever without the end of a sync.
LIVE: Mapping[str, tuple[str, ...]] = {
    "a stop": ("LIVE", "DEADLINE=5", "LOSSES=0", "STOPS=1", "GRADES=1"),
    "both workers die": ("LIVE", "MORTAL", "DEADLINE=5", "LOSSES=0", "STOPS=2", "GRADES=1"),
}
LIVELY = ("LIVE", "DEADLINE=4", "LOSSES=0", "STOPS=0", "GRADES=1")
QUICK = ("LOSSES=1", "STOPS=0", "GRADES=1")

# Guard -> the setting that removes it, and the function that keeps it.
GUARDS: Mapping[str, tuple[str, str]] = {
    "the lease is checked before a call": ("NO_PERMIT", "Lease.__call__"),
    "a takeover waits for a call timeout": ("NO_TAKEOVER_WAIT", "queue.claim"),
    "a lease that lapsed is taken over": ("NO_TAKEOVER", "queue.claim"),
    "a worker writes under its lease's token": ("NO_TOKEN", "syncs.LEASED"),
    "an intent is saved before a create": ("NO_INTENT", "_record_intents"),
    "a lost create is looked for": ("NO_FIND", "_create"),
    "it is looked for again, when it has landed": ("NO_SECOND_LOOK", "_find_twice"),
    "a sync that is given back rests until its call has landed": ("NO_REST", "release"),
    "no call begins that may outlast the sync": ("NO_TIME_TO_LAND", "Lease.__call__"),
    "scores are marked before they are sent": ("NO_PENDING", "_mark_pending"),
    "a lost batch is read back": ("NO_READ_BACK", "read_back"),
    "it is read back again, when it has landed": ("NO_SECOND_READ", "read_back"),
    "scores in doubt are read before a plan": ("NO_DOUBT_READ", "select_score_reads"),
    "a section has one processing sync": ("NO_SINGLE", "syncs.insert"),
    "a cursor moves with the settlement": ("NO_CURSOR_AT_END", "Journal.settle"),
    "a sync settles with its last outcomes": ("NO_ONE_TRANSACTION", "Journal.settle"),
    "a sweep settles what nobody runs": ("NO_SWEEP", "sweep"),
}
NEEDS: Mapping[str, tuple[str, ...]] = {
    "NO_SWEEP": ("MORTAL", "LOSSES=0", "STOPS=2", "GRADES=1"),
    "NO_TIME_TO_LAND": ("DEADLINE=4", "LOSSES=0", "STOPS=0"),
    "NO_READ_BACK": ("LOSSES=1", "STOPS=0"),
    "NO_SECOND_READ": ("LATE_SCORES", "LOSSES=1", "STOPS=0"),
}


def without(setting: str) -> tuple[str, ...]:
    """Return the settings of a search with a guard removed."""
    return (setting, *NEEDS.get(setting, ()))
