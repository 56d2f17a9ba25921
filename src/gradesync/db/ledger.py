"""Store the ledger of a section: what the SIS was last sent, in one compact row for each assignment."""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Text, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from gradesync.core.decisions import drop_void
from gradesync.core.history import Cause, ColumnChange
from gradesync.core.ledger import (
    Decision,
    Doubtful,
    LedgerAssignment,
    StoredScores,
    Value,
)
from gradesync.core.sis import Ref
from gradesync.db import codec, decisions, history
from gradesync.db.driver import ALONE, Session, Statement, StatementPart, refuse_taken
from gradesync.db.tables import metadata
from gradesync.errors import GradeSyncError

LEDGER = metadata.tables["ledger"]
LINK = metadata.tables["section_link"]
KEYS = Statement(select(LINK.c.students).where(LINK.c.section_id == bindparam("section")))
CURSOR = metadata.tables["section_cursor"]
ONLY = bindparam("only", type_=ARRAY(Text))
_POINTS = msgspec.json.Decoder(dict[str, float | str | None])
COLUMNS = (
    "assignment_id",
    "ref_key",
    "ref_value",
    "spec",
    "scores",
    "owed",
    "doubts",
    "intent",
    "problem",
    "opted_out",
    "may_hold",
    "former",
    "shown",
)
LOADED = (*COLUMNS, "sent_at", "sent", "doubtful")
LOAD = Statement(
    select(
        *(LEDGER.c[name] for name in LOADED),
        LEDGER.c.decisions.cast(Text).label("decisions"),
        CURSOR.c.read_through[LEDGER.c.assignment_id].astext.label("read_through"),
    )
    .join_from(LEDGER, CURSOR, CURSOR.c.section_id == LEDGER.c.section_id, isouter=True)
    .where(LEDGER.c.section_id == bindparam("section"))
    .where(or_(ONLY.is_(None), LEDGER.c.assignment_id == any_(ONLY)))
)

# Rows that would not change are not written: an update costs a new version of the row.
SAVE_CURSORS = """
    INSERT INTO section_cursor AS old (section_id, read_through)
    SELECT CAST(:section_id AS text), jsonb_strip_nulls(CAST(:moved AS jsonb))
    WHERE EXISTS (SELECT FROM ours)
    ON CONFLICT (district_id, section_id) DO UPDATE
        SET read_through = jsonb_strip_nulls(old.read_through || CAST(:moved AS jsonb))
    WHERE old.read_through IS DISTINCT FROM jsonb_strip_nulls(old.read_through || CAST(:moved AS jsonb))
"""
SAVE_ENTRIES = """
    INSERT INTO ledger AS old (section_id, assignment_id, ref_key, ref_value, spec, scores, owed, doubts,
                               intent, problem, opted_out, may_hold, former, shown, sent_at)
    SELECT CAST(:section_id AS text), *, CASE WHEN ref_key IS NOT NULL THEN now() END FROM unnest(
        CAST(:assignment_id AS text[]), CAST(:ref_key AS text[]), CAST(:ref_value AS text[]),
        CAST(:spec AS text[]), CAST(:scores AS bytea[]), CAST(:owed AS text[]), CAST(:doubts AS text[]),
        CAST(:intent AS text[]), CAST(:problem AS text[]), CAST(:opted_out AS boolean[]),
        CAST(:may_hold AS boolean[]), CAST(:former AS text[]), CAST(:shown AS text[]))
        AS given (assignment_id, ref_key, ref_value, spec, scores, owed, doubts, intent, problem, opted_out,
                  may_hold, former, shown)
    WHERE EXISTS (SELECT FROM ours)
    ON CONFLICT (district_id, section_id, assignment_id) DO UPDATE SET
        ref_key = excluded.ref_key, ref_value = excluded.ref_value, spec = excluded.spec,
        scores = excluded.scores, owed = excluded.owed, doubts = excluded.doubts, intent = excluded.intent,
        problem = excluded.problem, may_hold = excluded.may_hold, former = excluded.former,
        shown = excluded.shown, sent = NULL, doubtful = NULL,
        opted_out = old.opted_out OR (excluded.opted_out AND excluded.ref_key <> coalesce(old.ref_key, '')),
        sent_at = CASE WHEN (old.ref_key, old.spec, old.scores) IS DISTINCT FROM
            (excluded.ref_key, excluded.spec, excluded.scores) THEN excluded.sent_at ELSE old.sent_at END
    WHERE (old.ref_key, old.ref_value, old.spec, old.scores, old.owed, old.doubts, old.intent, old.problem,
           old.may_hold, old.former, old.shown, old.sent, old.doubtful)
        IS DISTINCT FROM (excluded.ref_key, excluded.ref_value, excluded.spec, excluded.scores, excluded.owed,
           excluded.doubts, excluded.intent, excluded.problem, excluded.may_hold, excluded.former,
           excluded.shown, NULL, NULL)
"""


class RefTaken(GradeSyncError):
    """Report that another assignment of the district already has one of the refs."""


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """Hold a section's ledger by assignment id, with the decisions that still hold.

    `old`: what processes of before revision 0002 wrote by uid. `voided`: all stored decisions of entries of
    which some hold no more.
    """

    entries: dict[str, LedgerAssignment]
    old: Sequence[str]
    voided: Mapping[str, Mapping[str, Decision]]

    @property
    def is_outdated(self) -> bool:
        return bool(self.old or self.voided)


async def load(db: Session, section_id: str) -> dict[str, LedgerAssignment]:
    """Read the entries of a section's ledger."""
    return (await read(db, section_id)).entries


async def read(db: Session, section_id: str, *, only: Collection[str] | None = None) -> StoredLedger:
    """Read a section's ledger; `only`: of no other assignments than these."""
    rows = await LOAD.fetch(db, {"section": section_id, "only": None if only is None else list(only)})
    link = await KEYS.fetch_one(db, {"section": section_id}) if any(map(_is_old, rows)) else None
    return open_rows(rows, link.students if link else {})


def open_rows(rows: Sequence[Any], keys: Mapping[str, str]) -> StoredLedger:
    """Return a ledger from its rows; `keys` are the SIS keys of the section's students, by uid."""
    stored = {row.assignment_id: _entry(row) for row in rows}
    entries = {key: drop_void(entry) if entry.decisions else entry for key, entry in stored.items()}
    voided = {key: stored[key].decisions for key, entry in entries.items() if entry is not stored[key]}
    if old := [row for row in rows if _is_old(row)]:
        entries |= {row.assignment_id: _convert(entries[row.assignment_id], row, keys) for row in old}
    return StoredLedger(entries, [row.assignment_id for row in old], voided)


def _is_old(row: Any) -> bool:
    return row.sent is not None or row.doubtful is not None


def _convert(entry: LedgerAssignment, row: Any, keys: Mapping[str, str]) -> LedgerAssignment:
    """Add to an entry what its row keeps by student uid; `keys` are the SIS keys, by uid."""
    # A student without a key has a doubt in place of one: the column is read back, and compared.
    sent, doubtful = codec.unpack(row.sent), codec.load_map(row.doubtful, codec.load_doubtful)
    lost = {f"uid:{uid}": Doubtful(value, 1) for uid, value in sent.items() if uid not in keys}
    return entry._replace(
        sent={**entry.sent, **{keys[uid]: value for uid, value in sent.items() if uid in keys}},
        doubtful={**entry.doubtful, **lost, **{keys.get(u, f"uid:{u}"): d for u, d in doubtful.items()}},
        read_through=None if lost else entry.read_through,
    )


def _entry(row: Any) -> LedgerAssignment:
    return LedgerAssignment(
        id=row.assignment_id,
        ref=_ref(row.ref_key, row.ref_value),
        spec=codec.load_spec(row.spec),
        sent=stored_scores(row.scores),
        owed=codec.load_map(row.owed, codec.load_owed),
        doubtful=codec.load_map(row.doubts, codec.load_doubtful),
        opted_out=row.opted_out,
        may_hold=row.may_hold,
        intent=codec.load_spec(row.intent),
        read_through=row.read_through and datetime.fromisoformat(row.read_through),
        problem=row.problem,
        former=codec.load_ref(codec.load(row.former)) if row.former else None,
        shown=row.shown,
        sent_at=row.sent_at,
        decisions=codec.load_map(row.decisions, decisions.load_one),
    )


def stored_scores(packed: bytes | None) -> Mapping[str, Value]:
    """Return what was sent of an assignment, to be unpacked when it is first needed."""
    return {} if packed is None else StoredScores(_Packed(packed))


@dataclass(frozen=True, slots=True)
class _Packed:
    """Hold what was sent of an assignment as the database has it. Fits `PackedScores`."""

    content: bytes

    def read(self) -> dict[str, Value]:
        return codec.unpack(self.content)

    def read_points(self) -> dict[str, float]:
        found = _POINTS.decode(zlib.decompress(self.content))
        return {key: points for key, points in found.items() if isinstance(points, float)}

    def count_standing(self) -> int:
        text = zlib.decompress(self.content)
        if b"\\" in text or b'{":' in text or b',":' in text:  # keys may have the characters that are counted
            return len([1 for value in self.read().values() if value is not None])
        return text.count(b'":') - text.count(b'":null')


def _pack(sent: Mapping[str, Value]) -> bytes | None:
    """Pack what was sent, unless it is what was loaded: a sync marks many scores before it sends one."""
    if isinstance(sent, StoredScores) and isinstance(sent.packed, _Packed):
        return sent.packed.content
    return codec.pack(sent)


def _ref(key: str | None, value: str | None) -> Ref | None:
    return None if key is None else Ref(key, msgspec.json.decode(value) if value else {})


class Saving(NamedTuple):
    """Hold what saves entries, and these with what was sent as it is stored: packed."""

    parts: list[StatementPart]
    packed: list[LedgerAssignment]


def prepare(
    section_id: str,
    entries: Iterable[LedgerAssignment],
    read_through: Mapping[str, datetime] = MappingProxyType({}),
    *,
    changed: Sequence[ColumnChange] = (),
    cause: Cause | None = None,
) -> Saving:
    """Prepare to write these entries and their cursors, and no others.

    `read_through` moves cursors of assignments, whether they are among the entries or not. The switch of an
    existing entry is left as it is, unless a ref comes to it that was switched off where it stood. What
    `changed` in the SIS is added to the history with its `cause`.
    """
    # A ref may pass from one entry to another: it is released before it is taken.
    entries = sorted(entries, key=lambda entry: (entry.ref is not None, entry.id))
    cursors = {entry.id: entry.read_through for entry in entries} | dict(read_through)
    if not cursors:
        return Saving([], [])
    moved = {key: at and at.astimezone(UTC).isoformat() for key, at in cursors.items()}
    parts = [StatementPart("cursors", SAVE_CURSORS, {"section_id": section_id, "moved": codec.dump(moved)})]
    rows = [_row(entry) for entry in entries]
    if rows:
        columns = {name: [row[name] for row in rows] for name in COLUMNS}
        parts.append(StatementPart("entries", SAVE_ENTRIES, columns))
    if changed and cause:
        parts.append(history.make_part(section_id, cause, changed))
    packed = [e._replace(sent=stored_scores(row["scores"])) for e, row in zip(entries, rows, strict=True)]
    return Saving(parts, packed)


def refuse_taken_refs() -> AbstractContextManager[None]:
    """Raise `RefTaken` where a ref is taken: the transaction can only be rolled back."""
    return refuse_taken(RefTaken("another assignment of the district already has this ref in the SIS"))


async def save(
    db: Session, section_id: str, entries: Iterable[LedgerAssignment], *others: Any, **more: Any
) -> None:
    """Write entries as `prepare` does, in one statement. Raises `RefTaken`."""
    if parts := prepare(section_id, entries, *others, **more).parts:
        with refuse_taken_refs():
            await ALONE.fetch_one(db, parts=parts)


async def save_decisions(
    db: Session,
    section_id: str,
    before: Mapping[str, LedgerAssignment],
    after: Mapping[str, LedgerAssignment],
) -> None:
    """Store the decisions of entries where they are others than before, by assignment id."""
    for key, entry in after.items():
        known = before[key].decisions if key in before else {}
        if known != entry.decisions:
            await decisions.replace(db, section_id, key, known, entry.decisions)


def _row(entry: LedgerAssignment) -> dict[str, Any]:
    return {
        "assignment_id": entry.id,
        "ref_key": entry.ref.key if entry.ref else None,
        "ref_value": codec.dump(entry.ref.value) if entry.ref and entry.ref.value else None,
        "spec": codec.dump_spec(entry.spec),
        "scores": _pack(entry.sent),
        "owed": codec.dump_map(entry.owed, codec.dump_owed),
        "doubts": codec.dump_map(entry.doubtful, codec.dump_doubtful),
        "intent": codec.dump_spec(entry.intent),
        "problem": entry.problem,
        "opted_out": entry.opted_out,
        "may_hold": entry.may_hold,
        "former": codec.dump(codec.dump_ref(entry.former)) if entry.former else None,
        "shown": entry.shown,
    }
