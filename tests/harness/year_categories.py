"""Remember which category of Schoology goes to which of the SIS, and what the rules allow it to become."""

from collections.abc import Collection
from dataclasses import dataclass, field

from gradesync_sandbox.district import World
from gradesync_sandbox.powerschool.rows import Category
from gradesync_sandbox.schoology.model import Section
from harness.year_people import form

UNMAPPED = frozenset({"category-unmapped", "category-inactive", "category-ambiguous", "category-taken"})


@dataclass(frozen=True)
class Choice:
    """Hold the SIS categories that an assignment may have, and the reasons that may keep it from the SIS.

    An assignment must sync where there are no `reasons`, and must not where there are no `keys`.
    """

    keys: frozenset[int] = frozenset()
    reasons: frozenset[str] = frozenset()


@dataclass
class CategoryMemory:
    """Hold the pairs that were seen in use, and those that may have been made unseen (R10, R11, R34, R44)."""

    pairs: dict[int, int] = field(default_factory=dict)
    possible: dict[int, set[tuple[int, str]]] = field(default_factory=dict)

    def choose(
        self, world: World, book: Section, category: int, teachers: Collection[int], standing: int | None
    ) -> Choice:
        """Return where a category of Schoology may go; `standing` is where its column stands now."""
        if category not in book.categories:
            return Choice(reasons=frozenset({"ungraded"}))
        known = world.powerschool.categories
        mine = [c for c in known.values() if c.usersdcid in teachers]
        kept = next((c for c in mine if c.teachercategoryid == self.pairs.get(category)), None)
        if kept is not None and kept.isactive:
            return Choice(frozenset({kept.teachercategoryid}))
        found = self._by_title(book, category, mine)
        keys, reasons = set(found.keys), set(found.reasons)
        for key, title in self.possible.get(category, set()):
            keys |= {c.teachercategoryid for c in mine if c.isactive and c.teachercategoryid == key}
            keys |= {c.teachercategoryid for c in mine if c.isactive and form(c.name) == form(title)}
        if keys != found.keys or self._rivals(book, category, keys):
            reasons |= UNMAPPED
        if kept is not None and standing == kept.teachercategoryid:
            # It stands in a category that is merely inactive: it goes on, or moves to a namesake.
            return Choice(frozenset(keys | {standing}), frozenset(reasons - UNMAPPED))
        if standing is not None and standing not in known:
            # Its category was deleted: it goes on unless the pair was forgotten, as with another teacher.
            return Choice(frozenset(keys | {standing}), frozenset(reasons | UNMAPPED))
        return Choice(frozenset(keys), frozenset(reasons))

    def _by_title(self, book: Section, category: int, mine: list[Category]) -> Choice:
        title = form(book.categories[category].title)
        here = [c for c in book.categories.values() if form(c.title) == title]
        there = [c for c in mine if form(c.name) == title]
        active = [c for c in there if c.isactive]
        if len(here) > 1 or len(active) > 1:
            return Choice(reasons=frozenset({"category-ambiguous"}))
        if not active:
            return Choice(reasons=frozenset({"category-unmapped", "category-inactive"}))
        return Choice(frozenset({active[0].teachercategoryid}))

    def _rivals(self, book: Section, category: int, keys: set[int]) -> bool:
        """Return whether another category of Schoology has, or may have, one of these."""
        others = [c for c in book.categories if c != category]
        held = {self.pairs[c] for c in others if c in self.pairs}
        held |= {key for c in others for key, _ in self.possible.get(c, set())}
        return bool(keys & held)

    def learn(self, world: World, book: Section, teachers: Collection[int], used: dict[int, int]) -> None:
        """Remember after a sync: `used` are pairs that columns of the SIS show."""
        self.pairs = {c: key for c, key in {**self.pairs, **used}.items() if c in book.categories}
        mine = [c for c in world.powerschool.categories.values() if c.usersdcid in teachers]
        for category in book.categories:
            for key in {*self._by_title(book, category, mine).keys, *filter(None, [used.get(category)])}:
                if (theirs := world.powerschool.categories.get(key)) is not None:
                    self.possible.setdefault(category, set()).add((key, theirs.name))

    def forget(self) -> None:
        """Turn what was certain into what is possible: the section goes elsewhere."""
        self.pairs = {}
