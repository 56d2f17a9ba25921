"""Check a section's link and the pairs of its categories."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gradesync.core.sis import Ref, SisCategory, SisSection
from gradesync.db import links
from gradesync.db.links import Pair, SectionLink
from gradesync.db.session import Database

LINK = SectionLink(
    section_id="1",
    title="Algebra, period 3",
    code="4711",
    sis=SisSection(
        Ref("s4711", {"dcid": 4711, "teacher": 9}), date(2026, 8, 17), date(2027, 1, 22), date.max
    ),
    sis_id="4711",
    section_read_at=datetime(2026, 9, 1, 11, tzinfo=UTC),
    term_read_at=datetime(2026, 8, 31, 11, tzinfo=UTC),
    teacher="9",
    chosen=True,
    students={"5790000": "31"},
    sis_categories=(
        SisCategory(Ref("c1", {"id": 1}), "Homework"),
        SisCategory(Ref("c2"), "Old", False),
    ),
    categories_read_at=datetime(2026, 9, 1, 12, tzinfo=UTC),
    last_full_read=datetime(2026, 9, 1, 13, tzinfo=UTC),
    rules_hash="r1",
)
HOMEWORK = Pair("11", Ref("c1", {"id": 1}), "Homework")
QUIZZES = Pair("12", Ref("c3", {"id": 3}), "Quizzes")


async def save(database: Database, link: SectionLink, district_id: str = "riverside") -> None:
    async with database.district(district_id) as db:
        await links.save(db, link)


async def test_link_is_read_as_it_was_saved(database: Database) -> None:
    await save(database, LINK)
    async with database.district("riverside") as db:
        found = await links.get(db, "1")
        assert found == LINK
        assert found.sis is not None
        assert found.sis.ref.value == {"dcid": 4711, "teacher": 9}
        assert await links.get(db, "2") is None


async def test_link_is_replaced_as_a_whole(database: Database) -> None:
    await save(database, LINK)
    await save(database, SectionLink(section_id="1", title="Algebra"))
    async with database.district("riverside") as db:
        assert await links.get(db, "1") == SectionLink(section_id="1", title="Algebra")


async def test_sis_section_has_one_section_of_the_district(database: Database) -> None:
    await save(database, LINK)
    with pytest.raises(links.SisSectionTaken):
        await save(database, replace(LINK, section_id="2"))
    await save(database, replace(LINK, section_id="2"), "hilltop")
    await save(database, replace(LINK, sis=None))
    await save(database, replace(LINK, section_id="2"))


async def test_links_are_read_page_by_page(database: Database) -> None:
    for section_id in "321":
        await save(database, SectionLink(section_id=section_id))
    async with database.district("riverside") as db:
        first = await links.page(db, limit=2)
        rest = await links.page(db, after=first[-1].section_id, limit=2)
    assert [link.section_id for link in (*first, *rest)] == ["1", "2", "3"]


async def test_R11_pair_by_title_does_not_replace_a_choice(database: Database) -> None:
    chosen = replace(HOMEWORK, ref=Ref("c9"), sis_title="Practice", chosen=True)
    async with database.district("riverside") as db:
        await links.save_pairs(db, "1", [HOMEWORK, QUIZZES])
        assert await links.get_pairs(db, "1") == {"11": HOMEWORK, "12": QUIZZES}
        await links.save_pairs(db, "1", [chosen])
        await links.save_pairs(db, "1", [HOMEWORK])
        assert await links.get_pairs(db, "1") == {"11": chosen, "12": QUIZZES}
        assert await links.get_pairs(db, "2") == {}


async def test_pairs_can_be_removed(database: Database) -> None:
    async with database.district("riverside") as db:
        await links.save_pairs(db, "1", [HOMEWORK, QUIZZES])
        await links.remove_pairs(db, "1", ["11"])
        assert await links.get_pairs(db, "1") == {"12": QUIZZES}
