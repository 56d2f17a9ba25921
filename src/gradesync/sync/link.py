"""Link a section to the SIS: store the link, pair titles, match the students' keys."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.district import District, Match
from gradesync.core.fit import Pairing, find_categories_in_use, pair
from gradesync.core.gradebook import CATEGORIES, Gradebook
from gradesync.core.ledger import Doubtful, LedgerAssignment, find_reassigned
from gradesync.core.ports import Target
from gradesync.core.reasons import Reason
from gradesync.core.sis import Policy, Ref, SisCategory, SisSection
from gradesync.db import ledger_changes, links, pauses, syncs
from gradesync.db.driver import Session
from gradesync.db.holders import find_holders
from gradesync.db.links import SectionLink
from gradesync.errors import AccessRefused, SyncStopped
from gradesync.sync.claim import Attempt
from gradesync.sync.facts import SisFacts
from gradesync.upstream.response import to_plain


def remember_students(link: SectionLink, keys: Mapping[str, str], now: datetime) -> SectionLink:
    """Return the link with the students matched now, and with the keys that are no longer a student's."""
    remembered = link.remembered
    former = {**link.former, **{key: uid for uid, key in remembered.items() if keys.get(uid, key) != key}}
    reassigned = dict.fromkeys(find_reassigned(remembered, keys), now)
    return replace(
        link,
        students=keys,
        departed={uid: key for uid, key in remembered.items() if uid not in keys},
        reassigned={**link.reassigned, **reassigned} if reassigned else link.reassigned,
        former={key: uid for key, uid in former.items() if keys.get(uid) != key},
    )


def open_facts(attempt: Attempt) -> SisFacts:
    """Return what is remembered of the section, to be read again where it is too old."""
    return SisFacts(
        district=attempt.district,
        target=attempt.target,
        now=attempt.context.clock(),
        full=attempt.full,
        link=attempt.link,
        pairs=attempt.pairs,
    )


async def replace_teacher(attempt: Attempt, before: SisSection, refused: AccessRefused) -> None:
    """Resolve the section, as it was `before`, after the SIS refused access to it.

    Raises `refused` where the SIS names the same teacher again, or none.
    """
    facts = open_facts(attempt)
    try:
        await facts.resolve(attempt.link.code or "", doubted=True)
    except SyncStopped as stopped:
        if stopped.reason != Reason.TEACHER_NOT_IN_SIS_SECTION:
            raise
        raise refused from stopped
    if not facts.section.ref.is_other(before.ref):
        raise refused
    await keep_link(attempt, facts)


async def keep_link(attempt: Attempt, facts: SisFacts, refs: Collection[str] = ()) -> bool:
    """Store what was read of the link, and take it over for this attempt. True where it is another one.

    `refs` stand in the SIS section, and belong to no section that had it before.
    Raises `SyncStopped("sis-section-taken")` where another section goes to the SIS section today.
    """
    old_link, old_pairs = attempt.link, attempt.pairs
    attempt.link, attempt.pairs = facts.link, facts.pairs
    changed = [pair for key, pair in facts.pairs.items() if old_pairs.get(key) != pair]
    dropped = sorted(old_pairs.keys() - facts.pairs.keys())
    moved = old_link.sis is None or old_link.sis.ref.key != facts.section.ref.key
    if attempt.sync.dry_run:
        if moved:
            await _require_free(attempt, facts.section)
        return moved
    if facts.link == old_link and not changed and not dropped:
        return moved
    texts = _list_texts(attempt, facts.section) if moved else ()
    new = _NewLink(facts.link, old_link, texts, refs if moved else (), moved, changed, dropped)
    try:
        await new.save(attempt)
    except links.SisSectionTaken:  # nearly no section goes where another one went
        await _require_free(attempt, facts.section)
        try:
            await new.save(attempt)
        except links.SisSectionTaken as taken:
            raise SyncStopped(Reason.SIS_SECTION_TAKEN) from taken
    return moved


@dataclass(frozen=True, slots=True)
class _NewLink:
    """Hold what is to be stored of a link, and the one `before`; it has `moved` to another SIS section.

    `texts` may be its key there, `refs` stand there. `pairs` are new or changed, `dropped` are the ids of
    categories without one.
    """

    link: SectionLink
    before: SectionLink
    texts: Sequence[str]
    refs: Collection[str]
    moved: bool
    pairs: Sequence[links.Pair]
    dropped: Sequence[str]

    async def save(self, attempt: Attempt) -> None:
        """Store it, in one transaction. Raises `SisSectionTaken`."""
        database, district_id = attempt.context.database, attempt.district.id
        if self.moved and (self.before.sis is not None or self.refs):
            async with database.district(district_id) as db:
                await self._unbind(db)
                await self._write(db)
        else:
            async with database.on_driver(district_id) as driver:
                await self._write(driver)

    async def _unbind(self, db: AsyncSession) -> None:
        """Clear what this section left elsewhere, and what others left here."""
        section_id = self.link.section_id
        if self.before.sis is not None:
            await ledger_changes.unbind(db, section_id, keep=self.refs)
        holders = await find_holders(db, section_id, self.refs) if self.refs else {}
        for other in sorted({holder.section_id for holder in holders.values()}):
            await ledger_changes.unbind(db, other)

    async def _write(self, db: Session) -> None:
        if self.moved and await links.find_other(db, self.texts, self.link.section_id) is not None:
            raise links.SisSectionTaken("another section is linked to it by another text of its number")
        await links.save(db, self.link)
        if self.link.school != self.before.school:
            await pauses.hold(db)
        await links.remove_pairs(db, self.link.section_id, self.dropped)
        await links.save_pairs(db, self.link.section_id, self.pairs)


def _list_texts(attempt: Attempt, section: SisSection) -> Sequence[str]:
    return attempt.target.capabilities.list_texts(section.ref.key)


async def _require_free(attempt: Attempt, section: SisSection) -> None:
    """Release the SIS section where the section that is linked to it goes elsewhere by now (R37)."""
    async with attempt.context.database.district(attempt.district.id) as db:
        holder = await links.find_other(db, _list_texts(attempt, section), attempt.sync.section_id)
        if holder is None:
            return
        held = await links.get(db, holder)
        busy = await syncs.get_running(db, holder) is not None
    held_id = attempt.target.capabilities.normalize_id(held.sis_id) if held else None
    if held is None or busy or held.chosen or await _read_sis_id(attempt, holder) == held_id:
        raise SyncStopped(Reason.SIS_SECTION_TAKEN)
    if attempt.sync.dry_run:
        return
    async with attempt.context.database.district(attempt.district.id) as db:
        await ledger_changes.unbind(db, holder)
        await links.release(db, holder)


async def _read_sis_id(attempt: Attempt, section_id: str) -> str | None:
    """Return the SIS id that a section's school code is matched to today; None where it has none."""
    try:
        outline = await attempt.source.outline(section_id)
    except SyncStopped as stopped:
        if stopped.reason != Reason.SECTION_NOT_FOUND:
            raise SyncStopped(Reason.SIS_SECTION_TAKEN) from stopped
        return None
    return attempt.target.capabilities.normalize_id(attempt.district.match.section_key(outline.section_code))


def pair_by_title(
    district: District, gradebook: Gradebook, sis: Sequence[SisCategory], kept: Mapping[str, Ref]
) -> Pairing:
    """Pair as the district chose; `kept` is by source category id."""
    return pair(
        gradebook.categories,
        sis,
        kept,
        in_use=find_categories_in_use(gradebook),
        partial=CATEGORIES in gradebook.partial_lists,
        listed=False,
        many_to_one=district.policy.many_to_one,
        titles=district.category_titles,
    )


@dataclass(frozen=True, slots=True)
class Matched:
    """Hold the SIS keys of a section's students. `elsewhere` are SIS keys of those whose enrollment names
    another section."""

    keys: Mapping[str, str]
    elsewhere: frozenset[str]


async def match_students(
    district: District, gradebook: Gradebook, section: SisSection, target: Target
) -> Matched:
    """Match the active students to the SIS, by the district's pattern."""
    ids = {
        student.uid: sis_id
        for student in gradebook.students.values()
        if student.active and (sis_id := district.match.student_key(student.school_uid)) is not None
    }
    known = await target.resolve_students(section, sorted(set(ids.values())))
    keys = {uid: known[sis_id] for uid, sis_id in ids.items() if sis_id in known}
    elsewhere = frozenset(
        keys[uid]
        for uid in keys
        if gradebook.students[uid].other_section not in {None, gradebook.section_code}
    )
    return Matched(keys, elsewhere)


def normalize_students(attempt: Attempt) -> None:
    """Give the keys of students that earlier releases stored in other texts their one written form.

    What was sent under such a key went to the record that has its number.
    """
    if not attempt.target.capabilities.numbers:
        return
    link, journal = attempt.link, attempt.journal
    holders = {**link.former, **{key: uid for uid, key in link.remembered.items()}}
    aliases = {key: number for key in holders if (number := _read_sent_number(key)) not in {None, key}}
    for entry in list(journal.entries.values()) if aliases else ():
        if aliases.keys() & {*entry.sent, *entry.doubtful}:
            renamed = _rename_records(entry, aliases, holders)
            journal.entries[entry.id] = journal.stored[entry.id] = renamed  # nothing for the history
            if not attempt.sync.dry_run:
                journal.keep(renamed)


def _read_sent_number(key: str) -> str | None:
    """Return the number that was sent for a key; None for what was never sent."""
    try:
        return str(int(key))
    except ValueError:
        return None


def _rename_records(
    entry: LedgerAssignment, aliases: Mapping[str, str], holders: Mapping[str, str]
) -> LedgerAssignment:
    """Return an entry by the numbers of its records. One that several texts were sent to is in doubt."""
    sent = {key: value for key, value in entry.sent.items() if key not in aliases}
    doubtful = {key: doubt for key, doubt in entry.doubtful.items() if key not in aliases}
    for key in sorted(aliases.keys() & {*entry.sent, *entry.doubtful}):
        number, owed = aliases[key], entry.owed.get(holders[key])
        doubt = entry.doubtful.get(key)
        if doubt is None and owed is not None and owed.reason == Reason.SCORE_NOT_KEPT:
            # It was looked for under a text that the SIS never shows.
            doubt = Doubtful(owed.value, looks=1)
        if doubt is None and number in sent:
            doubt = Doubtful(entry.sent[key], looks=1)
        if key in entry.sent:
            sent.setdefault(number, entry.sent[key])
        if doubt is not None:
            doubtful[number] = doubt
    # All cells are read again: none is planned by what was sent for another student.
    return entry._replace(sent=sent, doubtful=doubtful, read_through=None)


def hash_rules(district: District, section: SisSection, pairing: Pairing) -> str:
    """Hash the settings under which cursors move; with another hash everything is read again."""
    pairs = sorted((category_id, ref.key) for category_id, ref in pairing.pairs.items())
    settings = _render_settings(district.match, district.policy, district.timezone)
    return hashlib.sha256(f"({settings}, {section.ref.key!r}, {pairs!r})".encode()).hexdigest()


# All sections of a district have the same.
@lru_cache(maxsize=1024)
def _render_settings(match: Match, policy: Policy, timezone: str) -> str:
    # Equal policies are one key, however their numbers are written: 15 and 15.0 have one text.
    exact: dict[str, Any] = {
        name: to_plain(each) for name, each in asdict(policy).items() if isinstance(each, Decimal)
    }
    return f"{match!r}, {replace(policy, **exact)!r}, {timezone!r}"


def hash_sides(district: District, section: SisSection, pairing: Pairing, gradebook: Gradebook) -> str:
    """Hash what cursors move under: settings, who is enrolled how (R39), and who is assigned what (R18)."""
    rules = hash_rules(district, section, pairing)
    read_id = district.match.student_key
    enrolled = [
        (each.uid, each.enrollment_id, each.active, each.enrollments, read_id(each.school_uid))
        for each in sorted(gradebook.students.values(), key=lambda student: student.uid)
    ]
    assigned = sorted((item.id, sorted(item.assignees)) for item in gradebook.assignments if item.assignees)
    return hashlib.sha256(f"{rules} {enrolled!r}{assigned or ''}".encode()).hexdigest()
