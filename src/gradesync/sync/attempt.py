"""One attempt at one sync, from the first read to the last outcome."""

from collections.abc import Mapping
from dataclasses import dataclass

from gradesync.core.district import District
from gradesync.core.plan import Selection
from gradesync.db import ledger, links, outcomes
from gradesync.db.links import Pair, SectionLink
from gradesync.db.syncs import Sync
from gradesync.sync.claim import Claimed
from gradesync.sync.context import SyncContext
from gradesync.sync.journal import Journal
from gradesync.sync.ports import Source, Target
from gradesync.sync.tally import Tally


@dataclass(slots=True)
class Attempt:
    """One worker's attempt at one sync: what it holds, and what it works with."""

    engine: SyncContext
    district: District
    sync: Sync
    source: Source
    target: Target
    journal: Journal
    link: SectionLink
    pairs: Mapping[str, Pair]
    selection: Selection | None
    spanning: bool

    @property
    def whole(self) -> bool:
        """Whether everything that the section holds is meant."""
        return self.selection is None

    @property
    def full(self) -> bool:
        return self.sync.mode == "full"


async def open_attempt(engine: SyncContext, claimed: Claimed) -> Attempt:
    """Load what is stored of the section, and open both systems."""
    district, sync, lease = claimed.district, claimed.sync, claimed.lease
    async with engine.database.district(district.id) as db:
        link = await links.get(db, sync.section_id) or SectionLink(section_id=sync.section_id)
        pairs = await links.pairs(db, sync.section_id)
        entries = await ledger.load(db, sync.section_id)
        earlier = await outcomes.results(db, sync.id) if sync.attempt > 1 else {}
    requester = sync.requested_by_id if sync.requested_by_kind == "teacher" else None
    return Attempt(
        engine=engine,
        district=district,
        sync=sync,
        source=engine.systems.source(district, requester=requester, until=sync.settles_by),
        target=engine.systems.target(district, permit=lease, until=sync.settles_by),
        journal=Journal(
            database=engine.database,
            sync=sync,
            lease=lease,
            tally=Tally.of(earlier, sync.warnings if earlier else {}),
            entries=entries,
            slice=engine.bounds.slice,
        ),
        link=link,
        pairs=pairs,
        selection=sync.selection or None,
        spanning=not claimed.facts.non_spanning,
    )
