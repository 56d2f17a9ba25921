"""Describe the stored sync state of one section: what was sent, what is owed or doubtful, and where."""

from collections.abc import Collection, ItemsView, Iterator, KeysView, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

from gradesync.core.gradebook import ITEMS, Gradebook, Mark, Score
from gradesync.core.sis import LiveGradebook, Ref, Slot, Spec, fold_case, id_order

# A score as the SIS should hold it: points, cleared (None), or marked where exception flags are sent.
Value: TypeAlias = Score


def points_of(value: Value) -> Decimal | None:
    """Return the points that a value puts into the SIS; None where it leaves or makes a blank."""
    return value.points if isinstance(value, Mark) else value


def holds(live: Value, value: Value, *others: Value) -> bool:
    """Return True where a live score is a value. Marks are compared where it, or one of the others, has one.

    A mark that somebody made in the SIS is left alone where none of ours is concerned.
    """
    marked = any(isinstance(each, Mark) for each in (value, *others))
    return live == value if marked else points_of(live) == value


class Owed(NamedTuple):
    """Describe a score that should have gone and did not: the reason, and the value.

    One that a rule left out, though no teacher chose that, is owed as the source has it: every sync judges it
    again, so that none claims that everything was sent while it stands left out. `held` is what the SIS holds
    instead, where a person is to decide about that.
    """

    reason: str
    value: Value
    held: Value = None


class Decision(NamedTuple):
    """Hold what a person decided about an edit in the SIS, and the three values that the person saw.

    `put-back` sends what Schoology has. `take` lets what the SIS holds count as sent until Schoology changes;
    once that is recorded, `sent` is `live`. `stop` sends nothing here until it is taken back. `reopened`: the
    SIS was changed again before a sync could do what was decided. `student` is the uid.
    """

    choice: Literal["put-back", "take", "stop", "reopened"]
    student: str
    sent: Value
    live: Value
    wanted: Value


class Doubtful(NamedTuple):
    """Describe a score whose write may have happened: the value, and the read-backs still to come.

    With no look to come it is set aside: its student's score did not go. It is planned when its row is read
    again, and not before. `sync` is the one that sent it, empty until its batch has ended.
    """

    value: Value
    looks: int = 2
    sync: str = ""


class PackedScores(Protocol):
    """Hold what was sent of an assignment as it is stored. Parts of it cost less to read than all."""

    def read(self) -> Mapping[str, Value]: ...
    def read_points(self) -> Mapping[str, float]: ...
    def count_standing(self) -> int: ...


class StoredScores(Mapping[str, Value]):
    """Read what was sent of an assignment when it is needed: most syncs compare few of their columns."""

    def __init__(self, packed: PackedScores) -> None:
        self.packed = packed

    @cached_property
    def _scores(self) -> Mapping[str, Value]:
        return self.packed.read()

    def __getitem__(self, key: str) -> Value:
        return self._scores[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scores)

    def __len__(self) -> int:
        return len(self._scores)

    def __bool__(self) -> bool:
        return True  # an empty map is stored as none at all

    # Those of `Mapping` take several times as long.
    def keys(self) -> KeysView[str]:
        return self._scores.keys()

    def items(self) -> ItemsView[str, Value]:
        return self._scores.items()

    def get(self, key: str, default: Any = None) -> Any:
        return self._scores.get(key, default)


def forget_read(sent: Mapping[str, Value]) -> None:
    """Free what was read of stored scores; it is read again where it is needed again."""
    if isinstance(sent, StoredScores):
        vars(sent).pop("_scores", None)


def count_standing(sent: Mapping[str, Value]) -> int:
    """Return how many of the scores that were sent are no blanks."""
    if isinstance(sent, StoredScores):
        return sent.packed.count_standing()
    return len([1 for value in sent.values() if value is not None])


def read_points(sent: Mapping[str, Value]) -> Mapping[str, float]:
    """Return the points that were sent, without marks and blanks, and inexact."""
    if isinstance(sent, StoredScores):
        return sent.packed.read_points()
    return {key: float(value) for key, value in sent.items() if isinstance(value, Decimal)}


_NO_SCORES: Final[Mapping[str, Any]] = MappingProxyType({})


class LedgerAssignment(NamedTuple):
    """Hold one assignment of the ledger.

    `ref` is None until the SIS holds it. `spec` is what was last sent of it. `sent` and `doubtful` are by SIS
    student key: a value belongs to the record where it stands. `owed` is by student uid. `intent` is the spec
    of a create, or of a change where `ref` stands, that has no answer; with `shown`, the SIS's form of it.
    `may_hold` is True while an adopted assignment may hold scores that the ledger does not know.
    `read_through` is the cursor: the source's time up to which cells have been recorded.
    `problem` is the reason of its last failed or skipped outcome. `former` is where it stands in the SIS
    section that its section went to before, until an outcome has named that. `shown` is the name by which the
    SIS listed it right after it was sent: empty for the very name, None where that was not read. `sent_at` is
    when something of it was last sent or adopted; storing an entry sets it. `taken_from` is the removed one
    whose column it takes over in this sync, not stored. `decisions` of people are by SIS student key.
    """

    id: str
    ref: Ref | None = None
    spec: Spec | None = None
    sent: Mapping[str, Value] = _NO_SCORES
    owed: Mapping[str, Owed] = _NO_SCORES
    doubtful: Mapping[str, Doubtful] = _NO_SCORES
    opted_out: bool = False
    may_hold: bool = False
    intent: Spec | None = None
    read_through: datetime | None = None
    problem: str | None = None
    former: Ref | None = None
    shown: str | None = None
    sent_at: datetime | None = None
    taken_from: str | None = None
    decisions: Mapping[str, Decision] = _NO_SCORES


def find_reassigned(remembered: Mapping[str, str], keys: Mapping[str, str]) -> frozenset[str]:
    """Return the SIS keys that are another student's than before, or new for a student (R40).

    Both map uids to SIS keys: as it was remembered, and as it is now.
    """
    holders = {key: uid for uid, key in remembered.items()}
    return frozenset(
        key for uid, key in keys.items() if holders.get(key, uid) != uid or remembered.get(uid, key) != key
    )


def doubt_rescaled(entry: LedgerAssignment) -> dict[str, Doubtful]:
    """Return the doubts of an entry whose total points change: the SIS may rescale points, and no blank."""
    sent = {key: value for key, value in entry.sent.items() if points_of(value) is not None}
    return {**{key: Doubtful(value, looks=1) for key, value in sent.items()}, **entry.doubtful}


def mark_doubtful(entry: LedgerAssignment) -> LedgerAssignment:
    """Return an entry that may be older than the SIS: everything that was sent is read and checked again."""
    sent = {key: Doubtful(value, looks=1) for key, value in entry.sent.items()}
    return entry._replace(
        doubtful={**sent, **entry.doubtful}, may_hold=entry.ref is not None, read_through=None
    )


def is_among(entry: LedgerAssignment, refs: Collection[str]) -> bool:
    """Return True where an assignment's column is one of these."""
    return entry.ref is not None and entry.ref.key in refs


def unbind(entry: LedgerAssignment) -> LedgerAssignment:
    """Return an entry whose section goes elsewhere: nothing of it was ever sent there."""
    former = entry.ref or entry.former
    return LedgerAssignment(entry.id, opted_out=entry.opted_out, problem=entry.problem, former=former)


# Assignment id -> what is known of it. Assignments that were never synced or switched are absent.
Ledger: TypeAlias = Mapping[str, LedgerAssignment]


def find_cursor(ledger: Ledger) -> datetime | None:
    """Return the smallest cursor among the assignments that sync; None where there is none."""
    cursors = [
        entry.read_through
        for entry in ledger.values()
        if entry.ref and entry.read_through and entry.problem is None and not entry.opted_out
    ]
    return min(cursors, default=None)


def reassign_columns(
    gradebook: Gradebook, specs: Mapping[str, Spec], ledger: Ledger, live: LiveGradebook
) -> Ledger:
    """Return the ledger in which columns of removed assignments belong to their successors.

    `specs` is by assignment id. A successor has the name and due date of the column, as the SIS lists it or
    as they were sent, and no column of its own. Who has the name to the letter comes before who has it in
    another letter case. A partial list of assignments proves no removal.
    """
    if ITEMS in gradebook.partial_lists or not (columns := dict(list_removed(gradebook, ledger, live))):
        return ledger
    changed: dict[str, LedgerAssignment] = {}
    listed = {item.slot for item in live.assignments}
    folded = {fold_case(slot): entry for slot, entry in columns.items()}
    wanted = [(a, specs[a].slot) for a in sorted(specs, key=id_order)]
    exact = [(a, columns.get(slot)) for a, slot in wanted]
    alike = [(a, folded.get(fold_case(slot))) for a, slot in wanted if slot not in listed]
    for assignment_id, removed in exact + alike:
        entry = changed.get(assignment_id) or ledger.get(assignment_id)
        if removed is None or removed.id in changed or has_column(entry, live):
            continue
        changed[assignment_id] = succeed(entry or LedgerAssignment(assignment_id), removed)
        changed[removed.id] = release(removed)
    return {**ledger, **changed} if changed else ledger


def list_left_categories(gradebook: Gradebook, ledger: Ledger) -> dict[Slot, Ref]:
    """Return the SIS categories of columns that removed assignments left to their successors (R45).

    By name and due date, without regard to letter case.
    """
    if ITEMS in gradebook.partial_lists:
        return {}
    present = {assignment.id for assignment in gradebook.assignments}
    left = (entry for entry in ledger.values() if entry.ref and entry.id not in present)
    return {fold_case(entry.spec.slot): entry.spec.category for entry in left if entry.spec}


def list_removed(
    gradebook: Gradebook, ledger: Ledger, live: LiveGradebook
) -> Iterator[tuple[Slot, LedgerAssignment]]:
    """List the columns whose assignment the source lacks, by name and due date: as sent, then as listed."""
    present = {assignment.id for assignment in gradebook.assignments}
    listed = {item.ref.key: item for item in live.assignments}
    removed = [
        (entry, listed[entry.ref.key])
        for entry in ledger.values()
        if entry.id not in present and entry.ref is not None and entry.ref.key in listed
    ]
    yield from ((entry.spec.slot, entry) for entry, _ in removed if entry.spec)
    yield from ((item.slot, entry) for entry, item in removed)


def has_column(entry: LedgerAssignment | None, live: LiveGradebook) -> bool:
    """Return True where an assignment stands in the SIS."""
    return entry is not None and entry.ref is not None and entry.ref.key not in live.gone


def succeed(entry: LedgerAssignment, removed: LedgerAssignment) -> LedgerAssignment:
    """Return a successor's entry, with the column, its switch, and all that was sent to it."""
    return entry._replace(
        ref=removed.ref,
        spec=removed.spec,
        sent=removed.sent,
        doubtful=removed.doubtful,
        decisions=removed.decisions,
        opted_out=removed.opted_out,
        may_hold=removed.may_hold,
        shown=removed.shown,
        intent=None,
        read_through=None,
        taken_from=removed.id,
    )


def release(removed: LedgerAssignment) -> LedgerAssignment:
    """Return a removed assignment's entry without its column: restored, it is a new one."""
    return LedgerAssignment(
        removed.id, opted_out=removed.opted_out, problem=removed.problem, former=removed.former
    )
