"""Check that the ledger is read exactly as saved, writes only changes, and stays small."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text, update

from bench.ledger_size import ledger_bytes
from gradesync.core.gradebook import Mark
from gradesync.core.ledger import Doubtful, LedgerAssignment, Owed, Value, count_standing, read_points
from gradesync.core.sis import Ref, Spec
from gradesync.db import codec, ledger, ledger_changes, links, queue
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from harness.servers import KEYS, Urls

VERSIONS = text("SELECT assignment_id, xmin::text FROM ledger")
READ = datetime(2026, 9, 1, 12, 0, 0, 250000, tzinfo=UTC)
SPEC = Spec("Essay “one”", Decimal("9.50"), date(2026, 9, 30), Ref("c7", {"id": 7}), counts=False)
FULL = LedgerAssignment(
    id="5790000001",
    ref=Ref("a1", {"assignmentid": 11, "assignmentsectionid": 12}),
    spec=SPEC,
    sent={"1": Decimal("9.5"), "2": None, "3": Mark(3, Decimal(0)), "4": Mark(1)},
    owed={"5": Owed("student-not-in-sis-section", Decimal("0.1"))},
    doubtful={"6": Doubtful(Decimal(12), 1), "7": Doubtful(None)},
    may_hold=True,
    intent=SPEC._replace(name="Essay two"),
    read_through=READ,
    problem="term-locked",
    shown="Essay",
)
EMPTY = LedgerAssignment(id="5790000002")
TABLES = ("ledger", "section_link", "category_pair", "section_cursor")

points = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**6), max_value=10**9)
values = st.one_of(
    st.none(), points, st.builds(Mark, st.integers(min_value=0, max_value=9), st.one_of(st.none(), points))
)


@given(st.dictionaries(st.text(min_size=1, max_size=9), values, max_size=9))
def test_what_was_sent_is_packed_exactly(sent: dict[str, Value]) -> None:
    assert codec.unpack(codec.pack(sent)) == sent


@given(st.dictionaries(st.text(st.sampled_from('1":\\nul'), min_size=1, max_size=9), values, max_size=9))
def test_parts_of_what_was_sent_are_read_alike(sent: dict[str, Value]) -> None:
    stored = ledger.stored_scores(codec.pack(sent))
    assert count_standing(stored) == len([1 for value in sent.values() if value is not None])
    assert read_points(stored) == read_points(sent)
    assert stored == sent


async def load(database: Database, section_id: str = "1") -> dict[str, LedgerAssignment]:
    """Load entries without the time at which they were sent, which storing sets."""
    async with database.district("riverside") as db:
        stored = await ledger.load(db, section_id)
    return {key: entry._replace(sent_at=None) for key, entry in stored.items()}


async def save(database: Database, *entries: LedgerAssignment, section_id: str = "1") -> None:
    async with database.district("riverside") as db:
        await ledger.save(db, section_id, entries)


async def test_ledger_is_read_as_it_was_saved(database: Database) -> None:
    await save(database, FULL, EMPTY)
    assert await load(database) == {FULL.id: FULL, EMPTY.id: EMPTY}
    found = (await load(database))[FULL.id].ref
    assert found is not None
    assert found.value == {"assignmentid": 11, "assignmentsectionid": 12}
    assert await load(database, "2") == {}


async def test_save_keeps_other_assignments(database: Database) -> None:
    await save(database, FULL, EMPTY)
    changed = EMPTY._replace(sent={"1": Decimal(1)}, read_through=READ)
    await save(database, changed)
    assert await load(database) == {FULL.id: FULL, EMPTY.id: changed}


async def test_save_without_a_change_writes_nothing(database: Database, servers: Urls) -> None:
    await save(database, FULL, EMPTY)
    async with servers.owner() as owner:
        before = (await owner.execute(VERSIONS)).all()
        await save(database, FULL, EMPTY)
        assert (await owner.execute(VERSIONS)).all() == before


async def test_cursors_move_without_touching_the_ledger(database: Database, servers: Urls) -> None:
    await save(database, FULL, EMPTY)
    later = READ + timedelta(hours=1)
    async with servers.owner() as owner:
        before = (await owner.execute(VERSIONS)).all()
        async with database.district("riverside") as db:
            await ledger.save(db, "1", [], {FULL.id: later, "9": later})
        assert (await owner.execute(VERSIONS)).all() == before
    assert await load(database) == {FULL.id: FULL._replace(read_through=later), EMPTY.id: EMPTY}


async def test_cursor_can_be_reset(database: Database) -> None:
    await save(database, FULL)
    await save(database, FULL._replace(read_through=None))
    assert (await load(database))[FULL.id].read_through is None


async def test_R17_the_switch_works_before_the_first_sync(database: Database) -> None:
    async with database.district("riverside") as db:
        await ledger_changes.set_opted_out(db, "1", ["42"], True)
    assert await load(database) == {"42": LedgerAssignment(id="42", opted_out=True)}


async def test_R17_running_sync_keeps_the_switch(database: Database) -> None:
    await save(database, FULL)
    async with database.district("riverside") as db:
        await ledger_changes.set_opted_out(db, "1", [FULL.id], True)
    await save(database, FULL._replace(problem=None))
    assert await load(database) == {FULL.id: FULL._replace(problem=None, opted_out=True)}


async def test_ref_belongs_to_one_assignment_of_the_district(database: Database) -> None:
    await save(database, FULL)
    with pytest.raises(ledger.RefTaken):
        await save(database, EMPTY._replace(ref=FULL.ref))
    with pytest.raises(ledger.RefTaken):
        await save(database, EMPTY._replace(ref=FULL.ref), section_id="2")
    async with database.district("hilltop") as db:
        await ledger.save(db, "1", [FULL])


async def test_R45_a_ref_passes_from_one_entry_to_another(database: Database) -> None:
    last = EMPTY._replace(id="9")
    await save(database, EMPTY, last._replace(ref=FULL.ref))
    await save(database, EMPTY._replace(ref=FULL.ref), last)
    assert {key: each.ref for key, each in (await load(database)).items()} == {EMPTY.id: FULL.ref, "9": None}


async def test_moved_link_keeps_the_switch_and_clears_the_sis(database: Database) -> None:
    async with database.district("riverside") as db:
        await ledger.save(db, "1", [FULL])
        await ledger_changes.set_opted_out(db, "1", [FULL.id], True)
        await ledger_changes.unbind(db, "1")
    assert await load(database) == {
        FULL.id: LedgerAssignment(id=FULL.id, opted_out=True, problem=FULL.problem, former=FULL.ref)
    }


async def test_score_takes_few_bytes_after_ten_changes(database: Database, servers: Urls) -> None:
    async with servers.owner() as owner:
        await owner.execute(
            text("TRUNCATE ledger, section_cursor")
        )  # rows that other tests deleted take pages
        taken = await ledger_bytes(database, owner, sections=20)
    assert taken.filled <= 40
    assert taken.changed <= 90  # of so few rows; `make bench` allows 80


async def test_rows_by_uid_are_converted_by_the_keys_of_their_section(database: Database) -> None:
    sent = {"11": Decimal(9), "12": Decimal(8)}
    doubtful = codec.dump_map({"12": Doubtful(None)}, codec.dump_doubtful)
    old = update(ledger.LEDGER).values(scores=None, sent=codec.pack(sent), doubtful=doubtful)
    converted = FULL._replace(
        sent={"1": Decimal(9)},
        doubtful={**FULL.doubtful, "uid:12": Doubtful(None)},
        read_through=None,
    )
    async with database.district("riverside") as db:
        await links.save(db, links.SectionLink(section_id="1", students={"11": "1"}))
        await ledger.save(db, "1", [FULL, EMPTY])
        await db.execute(old.where(ledger.LEDGER.c.assignment_id == FULL.id))
        assert (await ledger.read(db, "1")).is_outdated
        await queue.refresh(db, "riverside", "1")
        await links.save(db, links.SectionLink(section_id="1", students={"11": "2"}))
    assert await load(database) == {FULL.id: converted, EMPTY.id: EMPTY}


async def test_loads_go_on_where_a_later_release_adds_columns(database: Database, servers: Urls) -> None:
    """Load on one connection, before and after: what is prepared there is of before."""
    one = Database.open(servers.database_url, Secrets(KEYS), application_name="one", pool_size=1)

    async def load_section() -> queue.StoredSection:
        async with one.for_statement() as alone:
            return await queue.load_section(alone, "riverside", "1")

    pair = links.Pair("31", Ref("8"), "Homework", chosen=True)
    async with database.district("riverside") as db:
        await links.save(db, links.SectionLink(section_id="1", students={"11": "1"}))
        await links.save_pairs(db, "1", [pair])
        await ledger.save(db, "1", [FULL, EMPTY])
    before = [await load_section() for _ in range(10)]
    async with servers.owner() as owner:
        for table in TABLES:
            await owner.execute(text(f"ALTER TABLE {table} ADD COLUMN later text DEFAULT 'x'"))
    try:
        after = await load_section()
    finally:
        await one.close()
        async with servers.owner() as owner:
            for table in TABLES:
                await owner.execute(text(f"ALTER TABLE {table} DROP COLUMN later"))
    assert before == [after] * 10
    assert {key: entry._replace(sent_at=None) for key, entry in after.ledger.entries.items()} == {
        FULL.id: FULL,
        EMPTY.id: EMPTY,
    }
    assert (after.link.students, after.pairs) == ({"11": "1"}, {"31": pair})
