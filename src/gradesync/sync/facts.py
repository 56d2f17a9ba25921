"""Decide when what is remembered of the SIS is read again, and judge on what was (R37)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from gradesync.core.district import District
from gradesync.core.fit import Pairing, find_categories_in_use, pair, restore_pairs
from gradesync.core.gradebook import CATEGORIES, Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.overview import CategoryUse, SectionProfile
from gradesync.core.ports import Target
from gradesync.core.reasons import Reason
from gradesync.core.rules import Rulebook, Verdict, judge_assignments
from gradesync.core.sis import Policy, SisSection, Spec
from gradesync.db.links import Pair, SectionLink
from gradesync.errors import SyncStopped

# What is remembered of the SIS for longer is read again by the next sync in any case.
FACTS_KEPT = timedelta(days=1)


class Fact(Enum):
    """Name what a link remembers of the SIS, and a refusal may rest on."""

    TERM = "term"  # which one the section is in, its first and its last day
    CATEGORIES = "categories"


# What a refusal rests on: it stands only where these were read in the same sync (R37).
FACTS_BEHIND: Mapping[Reason, frozenset[Fact]] = {
    Reason.DUE_DATE_OUTSIDE_TERM: frozenset({Fact.TERM}),
    Reason.CATEGORY_UNMAPPED: frozenset({Fact.CATEGORIES}),
    Reason.CATEGORY_AMBIGUOUS: frozenset({Fact.CATEGORIES}),
    Reason.CATEGORY_TAKEN: frozenset({Fact.CATEGORIES}),
    Reason.CATEGORY_INACTIVE: frozenset({Fact.CATEGORIES}),
}


@dataclass(slots=True)
class SisFacts:
    """Keep what one sync knows of its SIS section, and decide when that is read again (R37).

    What is remembered lets a sync go on, and never refuses: `require` reads a fact that was not read in this
    sync. `full` believes nothing that was remembered.
    """

    district: District
    target: Target
    now: datetime
    full: bool
    link: SectionLink
    pairs: Mapping[str, Pair]
    read: set[Fact] = field(default_factory=set)

    @property
    def section(self) -> SisSection:
        """Return the SIS section, once it is resolved."""
        assert self.link.sis is not None  # noqa: S101 - `resolve` has found it, or stopped the sync
        return self.link.sis

    async def resolve(self, code: str, *, doubted: bool = False) -> None:
        """Find the SIS section of a school code. Raises `SyncStopped` where the code names none.

        A section that the district chose stays; one that was resolved follows the school code and the
        district's pattern. `doubted`: the SIS refused it as it is remembered.
        """
        link = self.link
        named = link.sis_id if link.chosen else self.district.match.section_key(code)
        key = self.target.capabilities.normalize_id(named)
        if key is None:
            raise SyncStopped(Reason.SECTION_UNMATCHED, "the school code does not fit the district's pattern")
        self.link = replace(link, code=code, sis_id=key)
        if link.sis is None or link.sis_id != key or doubted:
            await self._look_up(None, term=True)
        elif self._is_old(link.sis):
            await self._look_up(link.sis, term=self.full)

    def _is_old(self, section: SisSection) -> bool:
        today = self.now.astimezone(ZoneInfo(self.district.timezone)).date()
        until = section.teacher_until
        return self.full or _is_past(self.link.section_read_at, self.now) or until is None or until < today

    async def require(self, facts: Iterable[Fact]) -> bool:
        """Read these facts where they were not read in this sync; return True where any was."""
        missing = set(facts) - self.read
        if Fact.TERM in missing:
            await self._look_up(self.section, term=True)
        if Fact.CATEGORIES in missing - self.read:
            await self._read_categories()
        return bool(missing)

    @property
    def old_term(self) -> frozenset[Fact]:
        """Return the facts to read before due dates are written or categories are read: both are a term's."""
        return frozenset({Fact.TERM}) if _is_past(self.link.term_read_at, self.now) else frozenset()

    async def _look_up(self, known: SisSection | None, *, term: bool) -> None:
        before, key = self.link.sis, self.link.sis_id
        section = await self.target.resolve_section(key or "", self.link.teacher, known=known, term=term)
        same_term = known is not None and (known.term_first, known.term_last) == (
            section.term_first,
            section.term_last,
        )
        self.link = replace(self.link, sis=section, section_read_at=self.now)
        if term or not same_term:
            self.read.add(Fact.TERM)
            self.link = replace(self.link, term_read_at=self.now)
        if before is not None and section.ref.is_other(before.ref):
            await self._follow()

    async def _follow(self) -> None:
        """Keep the pairs whose SIS category lives, and make the others anew by the SIS titles that they had.

        A category belongs to its teacher: it lives on where only the section is another one.
        """
        await self._read_categories()
        listed = {category.ref.key for category in self.link.sis_categories}
        alive = {key: pair for key, pair in self.pairs.items() if pair.ref.key in listed}
        titles = {key: pair.sis_title for key, pair in self.pairs.items() if key not in alive}
        taken = {pair.ref.key for pair in alive.values()}
        refs = restore_pairs(titles, (c for c in self.link.sis_categories if c.ref.key not in taken))
        self.pairs = alive | {key: replace(self.pairs[key], ref=ref) for key, ref in refs.items()}

    async def _read_categories(self) -> None:
        categories = await self.target.categories(self.section)
        self.read.add(Fact.CATEGORIES)
        self.link = replace(self.link, sis_categories=categories, categories_read_at=self.now)

    def pair(self, gradebook: Gradebook) -> Pairing:
        """Pair the categories of a gradebook with those of the SIS, as far as these are known."""
        pairing = pair(
            gradebook.categories,
            self.link.sis_categories,
            {category_id: kept.ref for category_id, kept in self.pairs.items()},
            in_use=find_categories_in_use(gradebook),
            partial=CATEGORIES in gradebook.partial_lists,
            listed=Fact.CATEGORIES in self.read,
            many_to_one=self.district.policy.many_to_one,
            titles=self.district.category_titles,
        )
        kept = {key: one for key, one in self.pairs.items() if key in pairing.pairs or key in pairing.closed}
        self.pairs = {**kept, **new_pairs(pairing)}
        return pairing


def _is_past(read_at: datetime | None, now: datetime) -> bool:
    return read_at is None or now - read_at >= FACTS_KEPT


async def judge_on_facts(
    facts: SisFacts, gradebook: Gradebook, entries: Ledger, policy: Policy
) -> tuple[Rulebook, Mapping[str, Verdict]]:
    """Judge the assignments of a gradebook, until no refusal rests on what an earlier sync read."""
    while True:
        book = Rulebook(facts.section, facts.pair(gradebook), facts.target.capabilities, policy)
        verdicts = judge_assignments(gradebook, entries, book)
        if not await facts.require(_facts_behind(facts, verdicts, entries)):
            return book, verdicts


def _facts_behind(facts: SisFacts, verdicts: Mapping[str, Verdict], entries: Ledger) -> set[Fact]:
    """Return the facts that must have been read in this sync, for refusals and for writes alike."""
    needed: set[Fact] = set()
    for assignment_id, verdict in verdicts.items():
        if verdict.stop is not None:
            behind = FACTS_BEHIND.get(verdict.stop.reason, frozenset())
            needed |= behind | (facts.old_term if behind else frozenset())
        else:
            needed |= _facts_to_write(facts, entries.get(assignment_id), verdict.spec)
    return needed


def _facts_to_write(facts: SisFacts, entry: LedgerAssignment | None, spec: Spec | None) -> frozenset[Fact]:
    last = entry.spec if entry is not None and entry.ref is not None else None
    if facts.full or last != spec:  # an update sends the category too, which may be gone
        return facts.old_term | {Fact.CATEGORIES}
    return frozenset()


def new_pairs(pairing: Pairing) -> dict[str, Pair]:
    """Return the pairs that a pairing made by title, by source category id."""
    return {
        category_id: Pair(category_id=category_id, ref=made.ref, sis_title=made.title, chosen=False)
        for category_id, made in pairing.made.items()
    }


def describe_section(gradebook: Gradebook) -> SectionProfile:
    """Return the profile of a section as Schoology shows it."""
    return SectionProfile(gradebook.title, gradebook.section_code, gradebook.school, gradebook.teachers)


def describe_linked(gradebook: Gradebook, facts: SisFacts, pairing: Pairing) -> SectionProfile:
    """Return the profile of a section with its term, and what becomes of its categories."""
    items = Counter(item.category_id for item in gradebook.assignments)
    titles = {kept.ref.key: kept.sis_title for kept in facts.pairs.values()}
    titles |= {category.ref.key: category.title for category in facts.link.sis_categories}
    chosen = {key for key, kept in facts.pairs.items() if kept.chosen}
    return describe_section(gradebook)._replace(
        term_first=facts.section.term_first,
        term_last=facts.section.term_last,
        categories=tuple(
            CategoryUse(
                category.title,
                items[category.id],
                titles.get(pairing.pairs[category.id].key, "") if category.id in pairing.pairs else None,
                category.id in chosen,
            )
            for category in gradebook.categories
        ),
    )
