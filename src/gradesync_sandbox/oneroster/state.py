"""Hold the OneRoster face of the invented SIS: its ids and fields, beside the gradebook that it shares.

Rosters, assignments and scores are those of `PowerSchool`: teachers see one SIS, whichever way grades come.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from gradesync_sandbox.oneroster.demands import Demands, server_of
from gradesync_sandbox.powerschool.rows import Assignment, AssignmentSection, Category, Score
from gradesync_sandbox.powerschool.state import PowerSchool

SCOPES = (
    *("roster.readonly", "gradebook.readonly"),
    *("gradebook.createput", "gradebook.createpost", "gradebook.delete"),
)
VENDOR_KEY = "vendor-key:vendor-secret"  # invented
Pair = tuple[int, int]


def open_face(sis: PowerSchool, profile: str, version: str | None = None) -> "OneRoster":
    """Return the OneRoster face of a SIS. Raises `KeyError` for a profile or version that no server has."""
    demands = server_of(profile, version)
    lacking = set() if demands.bulk_post else {"gradebook.createpost"}
    return OneRoster(sis, demands, profile, scopes=set(SCOPES) - lacking)


@dataclass
class Switches:
    """Hold the switches. `deleted`: a deleted line item is gone, or stays to be seen as `tobedeleted`.

    `totals`: sets have X-Total-Count. `empty_sets`: an empty set is `{}`. `ok_failures`: refusals of writes
    come with status 200. `echo`: a write is answered with the object as it is stored. `part_posts`: results
    that come together are taken up to the one for which the call is refused. `takes_absent`: results of
    students who are not in the class are taken.
    """

    deleted: Literal["gone", "tobedeleted"] = "gone"
    totals: bool = True
    empty_sets: bool = False
    ok_failures: bool = False
    echo: bool = False
    part_posts: bool = False
    takes_absent: bool = False


@dataclass(eq=False)
class OneRoster:
    """Serve a SIS over OneRoster, by the demands of a vendor's profile.

    `scopes` are those that it grants; a token has those it was asked for. `line_items` maps a sourcedId to
    ASSIGNMENTID, for those that a client made; `item_fields` holds what the gradebook has no column for, and
    `item_classes` SECTIONS.DCID, by ASSIGNMENTID; `results` and `result_fields` the same of scores, by
    (ASSIGNMENTSECTIONID, STUDENTS.DCID).
    """

    sis: PowerSchool
    demands: Demands
    profile: str = "standard"
    switches: Switches = field(default_factory=Switches)
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    granted: dict[str, frozenset[str]] = field(default_factory=dict)
    line_items: dict[str, int] = field(default_factory=dict)
    item_fields: dict[int, dict[str, Any]] = field(default_factory=dict)
    item_classes: dict[int, int] = field(default_factory=dict)
    results: dict[str, Pair] = field(default_factory=dict)
    result_fields: dict[Pair, dict[str, Any]] = field(default_factory=dict)

    def issue(self, scopes: frozenset[str], lifetime: int) -> str:
        """Issue a token for these scopes."""
        token = self.sis.tokens.issue(lifetime)
        self.granted[token] = scopes
        return token

    def now(self) -> str:
        """Return the time as OneRoster writes it."""
        moment = datetime.fromtimestamp(self.sis.now(), UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

    def find_line_item(self, sourced_id: str) -> Assignment | None:
        """Return the assignment of a sourcedId, where it stands."""
        key = self.line_items.get(sourced_id)
        if key is None and sourced_id.startswith("made-"):
            key = int(sourced_id.removeprefix("made-"))
        return None if key is None else self.sis.gradebook.assignments.get(key)

    def id_of_item(self, assignment: Assignment) -> str:
        """Return the sourcedId of an assignment: its client's, or one of the SIS's own."""
        key = assignment.assignmentid
        return str(self.item_fields.get(key, {}).get("sourcedId", f"made-{key}"))

    def id_of_result(self, score: Score) -> str:
        """Return the sourcedId of a score."""
        pair = score.assignmentsectionid, score.studentsdcid
        return str(self.result_fields.get(pair, {}).get("sourcedId", f"made-{pair[0]}-{pair[1]}"))

    def district_categories(self) -> dict[str, list[Category]]:
        """Return the district's categories by sourcedId: teachers share those of one name."""
        grouped: dict[tuple[str, int], list[Category]] = {}
        seen: Counter[tuple[int, str]] = Counter()
        for category in self.sis.categories.values():
            name = category.name.strip().casefold()
            seen[category.usersdcid, name] += 1
            grouped.setdefault((name, seen[category.usersdcid, name]), []).append(category)
        return {str(rows[0].teachercategoryid): rows for rows in grouped.values()}

    def id_of_category(self, key: int) -> str:
        """Return the sourcedId of a teacher's category."""
        if self.demands.categories == "class":
            return str(key)
        listed = self.district_categories().items()
        return next(
            (sourced_id for sourced_id, rows in listed if key in {row.teachercategoryid for row in rows}),
            str(key),
        )

    def find_result(self, sourced_id: str) -> tuple[AssignmentSection, Score] | None:
        """Return the part and the score of a sourcedId, where it stands."""
        pair = self.results.get(sourced_id)
        if pair is None and sourced_id.startswith("made-"):
            part, _, student = sourced_id.removeprefix("made-").partition("-")
            pair = int(part), int(student)
        if pair is None or pair[0] not in self.sis.gradebook.parts:
            return None
        score = self.sis.gradebook.scores[pair[0]].get(pair[1])
        return None if score is None else (self.sis.gradebook.parts[pair[0]][1], score)

    def kept_deleted(self, sections: set[int], sourced_id: str | None = None) -> list[dict[str, Any]]:
        """Return the deleted line items of these sections, where they stay to be seen."""
        if self.switches.deleted == "gone":
            return []
        standing, named = self.sis.gradebook.assignments, self.line_items.items()
        return [
            {
                "title": "Deleted",
                **self.item_fields[key],
                "status": "tobedeleted",
                "dateLastModified": self.now(),
            }
            for name, key in named
            if key not in standing and self.item_classes[key] in sections and sourced_id in (None, name)
        ]
