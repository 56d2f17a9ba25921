"""Find sections in which a scheduled sync would find nothing to send, by what changed in Schoology alone."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from gradesync.core.district import District
from gradesync.core.gradebook import Gradebook
from gradesync.core.ledger import Ledger, find_cursor
from gradesync.core.rules import Rulebook
from gradesync.core.sis import Ref, SisSection
from gradesync.core.waiting import is_settled, would_change
from gradesync.db import ledger, links, syncs
from gradesync.db.links import SectionLink
from gradesync.errors import Retriable, SyncStopped
from gradesync.sync.context import SyncContext
from gradesync.sync.link import hash_sides, pair_by_title
from gradesync.sync.older_blanks import hold_older_blanks
from gradesync.sync.read import FULL_READ_EVERY
from gradesync.sync.spare_calls import reserve_spare_calls

PATIENCE = timedelta(seconds=10)


class _Known(NamedTuple):
    """Hold what the last sync left of a section."""

    link: SectionLink
    section: SisSection
    pairs: dict[str, Ref]
    entries: Ledger


async def is_unchanged(context: SyncContext, district: District, section_id: str) -> bool:
    """Return True where the last sync sent everything, and Schoology has nothing new to send since then.

    False wherever that is not certain. It takes the calls of a sync's first reads from Schoology, and none
    that a sync waits for. Changes in the SIS do not show: so a section that is due to be read whole is not
    unchanged.
    """
    known = await _load(context, district, section_id)
    since = known and find_cursor(known.entries)
    if known is None or since is None:
        return False
    if not await reserve_spare_calls(context, district, district.schoology.calls_per_sync):
        return False
    until = context.clock() + PATIENCE
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            source = context.systems.source(district, requester=None, until=until)
            book = await source.read(section_id, since)
    except (SyncStopped, Retriable, TimeoutError):
        return False
    if book.partial_lists or book.partial:
        return False
    database = partial(context.database.district, district.id)
    book = await hold_older_blanks(book, known.entries, known.link.students, database)
    return _is_as_left(context, district, known, book)


async def _load(context: SyncContext, district: District, section_id: str) -> _Known | None:
    """Return what is known of a section; None unless its last sync was of the whole and sent everything."""
    async with context.database.district(district.id) as db:
        newest = await syncs.page(db, section_id=section_id, limit=1)
        link = await links.get(db, section_id)
        pairs = await links.get_pairs(db, section_id)
        entries = await ledger.load(db, section_id)
    whole = newest and newest[0].result == "all-sent" and newest[0].selection is None and not newest[0].undo
    if not whole or link is None or link.sis is None or link.last_full_read is None:
        return None
    if context.clock() - link.last_full_read >= FULL_READ_EVERY or not is_settled(entries):
        return None
    return _Known(link, link.sis, {key: pair.ref for key, pair in pairs.items()}, entries)


def _is_as_left(context: SyncContext, district: District, known: _Known, book: Gradebook) -> bool:
    pairing = pair_by_title(district, book, known.link.sis_categories, known.pairs)
    if hash_sides(district, known.section, pairing, book) != known.link.rules_hash:
        return False
    target = context.systems.target(district, permit=None, until=context.clock())
    rules = Rulebook(known.section, pairing, target.capabilities, district.policy)
    return not would_change(book, known.entries, rules, known.link.students)
