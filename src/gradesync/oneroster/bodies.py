"""Build the objects that are written, in the form that the SIS takes (upstream.md OneRoster §4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from gradesync.core.sis import SisSection, Spec
from gradesync.core.writes import ScoreWrite
from gradesync.oneroster.cells import CELL, encode_cell, score_date, stamp
from gradesync.oneroster.objects import read_due
from gradesync.oneroster.profiles import Profile
from gradesync.upstream.response import to_plain

Object = Mapping[str, Any]

# Hours of UTC at which a due date is put, so that it is that day in UTC and in the district.
HOURS = (12, 9)
# Kind of a reference -> the collection of its address; those of the gradebook service are set apart.
COLLECTIONS = {
    "class": "classes",
    "org": "orgs",
    "user": "users",
    "academicSession": "academicSessions",
    "category": "categories",
    "lineItem": "lineItems",
}
OF_GRADEBOOK = frozenset({"category", "lineItem"})


@dataclass(frozen=True, slots=True)
class Bodies:
    """Build objects for one SIS. Both URLs are bases of its services; `zone` is the district's."""

    profile: Profile
    rostering_url: str
    gradebook_url: str
    zone: ZoneInfo

    def line_item(self, line_item: str, section: SisSection, spec: Spec, now: datetime) -> dict[str, object]:
        """Build a new line item."""
        assigned = min(now.astimezone(self.zone).date(), spec.due)
        return {
            **self._object(line_item, now),
            "assignDate": self._put_day(assigned),
            "resultValueMin": 0,
            **self._sent_of(section, spec),
        }

    def change_line_item(
        self, entry: Object, section: SisSection, spec: Spec, now: datetime
    ) -> dict[str, object]:
        """Return the whole object with what is in `spec`, and everything else as it came."""
        sent, kept = self._sent_of(section, spec), _drop_nulls(entry)
        if self.profile.grading_period == "omit" and read_due(entry.get("dueDate"), self.zone) != spec.due:
            kept.pop("gradingPeriod", None)  # the SIS finds it by the due date where none is named
        if isinstance(entry.get("metadata"), Mapping) and "metadata" in sent:
            sent["metadata"] = {**entry["metadata"], **self._metadata()}
        defaults = {"assignDate": sent["dueDate"], "resultValueMin": 0}
        return {**defaults, **kept, **self._object(str(entry["sourcedId"]), now), **sent}

    def result(
        self, known: Object | None, result: str, line_item: str, write: ScoreWrite, now: datetime
    ) -> dict[str, object] | None:
        """Build a student's result; None where it is to be deleted.

        `known` is what the SIS holds: comments, flags and metadata of it are carried over.
        """
        cell = encode_cell(write.value, write.before, self.profile)
        if cell is None:
            return None
        kept = {name: value for name, value in _drop_nulls(known or {}).items() if name not in CELL}
        return {
            **kept,
            **self._object(result, now),
            "lineItem": self._ref("lineItem", line_item),
            "student": self._ref("user", write.sis_student),
            "scoreDate": score_date(now.astimezone(self.zone), self.profile),
            **cell,
        }

    def _object(self, sourced_id: str, now: datetime) -> dict[str, object]:
        if self.profile.refs == "minimal":
            return {"sourcedId": sourced_id}
        return {"sourcedId": sourced_id, "status": "active", "dateLastModified": stamp(now)}

    def _sent_of(self, section: SisSection, spec: Spec) -> dict[str, object]:
        """Return what is sent of an assignment (R1), with the references that it needs."""
        value, profile = section.ref.value, self.profile
        sent: dict[str, object] = {
            "title": spec.name,
            "dueDate": self._put_day(spec.due),
            "resultValueMax": to_plain(spec.points),
            "class": self._ref("class", section.ref.key),
            "category": self._ref("category", spec.category.key),
        }
        if profile.version == "1.2":
            sent["school"] = self._ref("org", str(value["school"]))
        if profile.grading_period == "send" and (period := _find_period(value, spec.due)) is not None:
            sent["gradingPeriod"] = self._ref("academicSession", period)
        if profile.score_type:
            sent["metadata"] = self._metadata()
        return sent

    def _metadata(self) -> dict[str, object]:
        return {"scoreType": self.profile.score_type}

    def _ref(self, kind: str, sourced_id: str) -> dict[str, object]:
        if self.profile.refs == "minimal":
            return {"sourcedId": sourced_id}
        base = self.gradebook_url if kind in OF_GRADEBOOK else self.rostering_url
        href = f"{base}/{COLLECTIONS[kind]}/{quote(sourced_id, safe='')}"
        return {"href": href, "sourcedId": sourced_id, "type": kind}

    def _put_day(self, day: date) -> str:
        """Return a time that is this day in UTC and in the district."""
        moments = [datetime.combine(day, time(hour), UTC) for hour in HOURS]
        fits = (moment for moment in moments if moment.astimezone(self.zone).date() == day)
        return stamp(next(fits, moments[0]))


def _drop_nulls(entry: Object) -> dict[str, object]:
    """Return what an object holds: some servers show a null for what is not there, and take none."""
    return {name: value for name, value in entry.items() if value is not None}


def _find_period(section: Object, due: date) -> str | None:
    """Return the grading period in which a date lies, else the last one; ISO dates compare as texts."""
    periods: list[list[str]] = section.get("periods", [])
    return next(
        (key for key, first, last in periods if first <= due.isoformat() <= last),
        periods[-1][0] if periods else None,
    )
