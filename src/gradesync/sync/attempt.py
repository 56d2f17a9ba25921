"""Open one attempt at one sync: the stored section, both systems and a journal."""

from collections.abc import Mapping
from dataclasses import dataclass

from gradesync.core.district import District
from gradesync.core.plan import Selection
from gradesync.core.ports import Source, Target
from gradesync.db import ledger, links, outcomes
from gradesync.db.links import Pair, SectionLink
from gradesync.db.syncs import Sync
from gradesync.sync.claim import Claimed
from gradesync.sync.context import SyncContext
from gradesync.sync.journal import Journal, Tally


@dataclass(slots=True)
class Attempt:
    """Hold what one worker's attempt at one sync works with.

    `spanning`: a batch of scores may cover several assignments.
    """

    context: SyncContext
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
        """Return True where the sync covers everything in the section."""
        return self.selection is None

    @property
    def full(self) -> bool:
        return self.sync.mode == "full"


async def open_attempt(context: SyncContext, claimed: Claimed) -> Attempt:
    """Load what is stored of the section, and open both systems."""
    district, sync, lease = claimed.district, claimed.sync, claimed.lease
    async with context.database.district(district.id) as db:
        link = await links.get(db, sync.section_id) or SectionLink(section_id=sync.section_id)
        pairs = await links.get_pairs(db, sync.section_id)
        entries = await ledger.load(db, sync.section_id)
        earlier = await outcomes.get_results(db, sync.id) if sync.attempt > 1 else {}
    requester = sync.requested_by_id if sync.requested_by_kind == "teacher" else None
    return Attempt(
        context=context,
        district=district,
        sync=sync,
        source=context.systems.source(district, requester=requester, until=sync.settles_by),
        target=context.systems.target(district, permit=lease, until=sync.settles_by),
        journal=Journal(
            database=context.database,
            sync=sync,
            lease=lease,
            tally=Tally.of(earlier, sync.warnings if earlier else {}),
            entries=entries,
            slice=context.limits.slice,
        ),
        link=link,
        pairs=pairs,
        selection=sync.selection or None,
        spanning=not claimed.facts.non_spanning,
    )
