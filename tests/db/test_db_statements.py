"""Test where a statement gets its bounds from: the term ends in the district's own zone."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from gradesync.core.decide import NEVER_SENT
from gradesync.core.history import Cause, CellChange, ColumnChange
from gradesync.core.sis import Ref, SisSection
from gradesync.core.statement.build import build_statement
from gradesync.db import history, ledger, links, statements
from gradesync.db.links import SectionLink
from gradesync.db.session import Database

AT = select(history.HISTORY.c.at)
COLUMN = ColumnChange("5001", "901", (CellChange("57", NEVER_SENT, None),))


@pytest.mark.parametrize("name", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_term_ends_with_its_last_day_in_the_district(database: Database, name: str) -> None:
    """Change something now, which is the last day of a term, or the day after it, 25 hours apart."""
    zone, cause = ZoneInfo(name), Cause(str(uuid4()), "changes", "teacher:5790000")
    async with database.district("riverside") as db:
        await ledger.save(db, "79", [], {"5001": datetime.now(UTC)}, changed=[COLUMN], cause=cause)
        (written,) = await db.scalars(AT)
    today = written.astimezone(zone).date()
    late = []
    for last in (today, today - timedelta(days=1)):
        term = SisSection(Ref("901"), last - timedelta(days=90), last)
        async with database.district("riverside") as db:
            await links.save(db, SectionLink(section_id="79", sis=term))
            period = written - timedelta(seconds=1), written
            gathered = await statements.gather(db, "79", *period, zone)
        assert gathered is not None
        late.append(build_statement(gathered[1]).late)
    assert late == [0, 1]
