"""Store what people decided about scores that were changed in the SIS: in the ledger's rows."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Text, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.ledger import Decision
from gradesync.db import codec
from gradesync.db.driver import Session, Statement
from gradesync.db.tables import metadata

LEDGER = metadata.tables["ledger"]
DECIDED = Statement("""
    SELECT CAST(decisions AS text) AS decided FROM ledger
    WHERE section_id = :section AND assignment_id = :assignment FOR UPDATE
""")
# What a comparison found in a column that is to be adopted has no row yet.
DECIDE = Statement("""
    INSERT INTO ledger AS old (section_id, assignment_id, opted_out, may_hold, decisions)
    VALUES (:section, :assignment, false, false, CAST(:added AS jsonb))
    ON CONFLICT (district_id, section_id, assignment_id) DO UPDATE
        SET decisions = coalesce(old.decisions, '{}') || excluded.decisions
""")
UNDECIDE = Statement("""
    UPDATE ledger SET decisions = nullif(decisions - CAST(:keys AS text[]), '{}')
    WHERE section_id = :section AND assignment_id = :assignment
""")


async def add(db: Session, section_id: str, assignment_id: str, decisions: Mapping[str, Decision]) -> None:
    """Store what people decided, by SIS student key. The next sync acts on it; one that runs may not yet."""
    if not decisions:
        return
    added = {key: _dump_one(decision) for key, decision in decisions.items()}
    values = {"section": section_id, "assignment": assignment_id, "added": codec.dump(added)}
    await DECIDE.run(db, values)


async def load(db: AsyncSession, section_id: str) -> dict[str, dict[str, Decision]]:
    """Return what people decided: assignment id -> SIS student key -> decision."""
    decided = LEDGER.c.decisions.cast(Text)
    query = select(LEDGER.c.assignment_id, decided.label("decided")).where(
        LEDGER.c.section_id == section_id, LEDGER.c.decisions.is_not(None)
    )
    rows = await db.execute(query)
    return {row.assignment_id: codec.load_map(row.decided, load_one) for row in rows}


async def drop(db: Session, section_id: str, dropped: Mapping[str, Collection[str]]) -> None:
    """Forget decisions: assignment id -> SIS student keys."""
    for assignment_id, keys in dropped.items():
        if not keys:
            continue
        values = {"section": section_id, "assignment": assignment_id, "keys": sorted(keys)}
        await UNDECIDE.run(db, values)


async def replace(
    db: Session,
    section_id: str,
    assignment_id: str,
    before: Mapping[str, Decision],
    after: Mapping[str, Decision],
) -> None:
    """Store what became of the decisions `before` that were loaded. Newer ones of people stay as they are."""
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    row = await DECIDED.fetch_one(db, {"section": section_id, "assignment": assignment_id})
    stored = codec.load_map(row and row.decided, load_one)
    ours = {key for key in changed if stored.get(key) == before.get(key)}
    await add(db, section_id, assignment_id, {key: after[key] for key in ours & after.keys()})
    await drop(db, section_id, {assignment_id: ours - after.keys()})


async def close_reopened(db: AsyncSession, section_id: str) -> None:
    """Forget what was to be decided anew: a comparison has just read what the SIS holds."""
    for assignment_id, decided in (await load(db, section_id)).items():
        reopened = [key for key, decision in decided.items() if decision.choice == "reopened"]
        await drop(db, section_id, {assignment_id: reopened})


def _dump_one(decision: Decision) -> object:
    choice, student, *values = decision
    return [choice, student, *map(codec.dump_value, values)]


def load_one(raw: Any) -> Decision:
    choice, student, *values = raw
    sent, live, wanted = map(codec.load_value, values)
    return Decision(choice, student, sent, live, wanted)
