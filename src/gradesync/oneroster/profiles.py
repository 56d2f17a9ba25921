"""Describe the dialects of OneRoster as data: one small table for each vendor.

See upstream.md OneRoster §10: much of what the tables hold is claimed by one source, or a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Version: TypeAlias = Literal["1.1", "1.2"]
Auth: TypeAlias = Literal["basic", "form", "oauth1-sha1", "oauth1-sha256"]
Setting: TypeAlias = str | int | bool
Settings: TypeAlias = Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Profile:
    """Hold how one SIS speaks OneRoster. A district overrides what its server does otherwise.

    `auth`: OAuth 2 with the secret in a Basic header or in the form, or signatures of OAuth 1.0a. `refs`:
    `minimal` sends references as ids alone, and neither status nor time of an object. `path_case`: `lower`
    writes to `/lineitems`. `whole_points`: total points must be whole; `decimals` are those of scores.
    `categories`: listed by `class` or `global`ly, or every line item has one `constant` category.
    `score_type` is the line item's `metadata.scoreType`, empty to send none. `term_end`: the standard's end
    of a term is the day after its last. `blank`: a score is cleared by
    `delete`, as `not-submitted`, or the SIS `cannot`. `excused_score` is what stands beside `exempt`.
    `keeps_entries`: the SIS refuses to write over a score that a teacher entered there. `reads_scores`: it
    shows the scores that it holds. `bulk_post`: it takes new results of a line item in one call.
    `connections` are those at once; `calls_per_minute` 0 is no limit.
    """

    version: Version = "1.2"
    auth: Auth = "basic"
    refs: Literal["full", "minimal"] = "full"
    score_date: Literal["date", "date-time"] = "date"
    path_case: Literal["camel", "lower"] = "camel"
    title_limit: int = 255
    whole_points: bool = False
    decimals: int = 4
    categories: Literal["class", "global", "constant"] = "class"
    score_type: str = ""
    grading_period: Literal["send", "omit"] = "omit"
    term_end: Literal["excluded", "included"] = "excluded"
    blank: Literal["delete", "not-submitted", "cannot"] = "delete"
    excused_score: Literal["none", "0", "last"] = "none"
    keeps_entries: bool = False
    reads_scores: bool = True
    bulk_post: bool = False
    connections: int = 8
    calls_per_minute: int = 600

    @property
    def line_items(self) -> str:
        """Return the collection of line items as writes spell it."""
        return "lineitems" if self.path_case == "lower" else "lineItems"


@dataclass(frozen=True, slots=True)
class Vendor:
    """Hold a vendor's table. The usual one of its `versions` comes first; `v1p1` holds only there.

    `title` is the name of its SIS as people know it, empty where there is no one SIS.
    """

    title: str = ""
    versions: tuple[Version, ...] = ("1.2", "1.1")
    settings: Settings = field(default_factory=dict)
    v1p1: Settings = field(default_factory=dict)


# What version 1.1 asks for: categories of the whole district, a grading period, a number in every result.
V1P1: Settings = {"categories": "global", "grading_period": "send", "excused_score": "0"}
# What Infinite Campus 1.1 takes instead of a category: its teachers move the items.
CONSTANT_CATEGORY = "11111111-1111-1111-111111111111"

PROFILES: Mapping[str, Vendor] = {
    "standard": Vendor(),
    "google-compatible": Vendor(
        settings={"refs": "minimal", "score_date": "date-time", "excused_score": "last"}
    ),
    "infinite-campus": Vendor(
        "Infinite Campus",
        settings={"title_limit": 50},
        v1p1={"categories": "constant", "grading_period": "omit"},
    ),
    "skyward": Vendor("Skyward", versions=("1.1",), settings={"title_limit": 49, "whole_points": True}),
    "eschoolplus": Vendor(
        "eSchoolPLUS",
        settings={"grading_period": "send", "bulk_post": True},
        v1p1={"auth": "oauth1-sha256", "bulk_post": False},
    ),
    "blackbaud": Vendor("Blackbaud", versions=("1.1",), settings={"blank": "cannot", "keeps_entries": True}),
    "powerschool-universal": Vendor("PowerSchool", settings={"title_limit": 50, "score_type": "POINTS"}),
    "synergy": Vendor("Synergy", versions=("1.1",), settings={"title_limit": 50}),
    "aspen": Vendor("Aspen", settings={"title_limit": 50}),
}


class NotSpokenError(ValueError):
    """Report a version that a vendor doesn't speak, or a setting that makes no sense beside another."""

    def __init__(self, message: str, setting: str) -> None:
        super().__init__(message)
        self.setting = setting


def choose_profile(name: str, version: Version | None, overrides: Settings) -> Profile:
    """Return a vendor's profile as a district overrides it. Raises `NotSpokenError`."""
    vendor = PROFILES[name]
    chosen = version or vendor.versions[0]
    if chosen not in vendor.versions:
        spoken = " or ".join(vendor.versions)
        raise NotSpokenError(f"the profile {name} speaks version {spoken}, and not {chosen}", "version")
    old = chosen == "1.1"
    own = {**(V1P1 if old else {}), **vendor.settings, **(vendor.v1p1 if old else {})}
    settings: dict[str, Any] = {**own, **overrides}
    profile = Profile(version=chosen, **settings)
    if old and profile.blank == "not-submitted":
        raise NotSpokenError(
            "version 1.1 has no result without a score: blank cannot be not-submitted", "blank"
        )
    if old and profile.excused_score == "none":
        message = "version 1.1 has no result without a score: excused_score cannot be none"
        raise NotSpokenError(message, "excused_score")
    if old and profile.bulk_post:
        message = "version 1.1 takes each result in a call of its own: bulk_post cannot be true"
        raise NotSpokenError(message, "bulk_post")
    if profile.bulk_post and not profile.reads_scores:
        # The ids that the SIS makes are never seen: a score could not be changed again.
        message = "bulk_post needs a SIS that shows its scores: reads_scores cannot be false"
        raise NotSpokenError(message, "reads_scores" if "reads_scores" in overrides else "bulk_post")
    return profile
