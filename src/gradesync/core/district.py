"""Describe a district: a tenant with one Schoology organization, one SIS, a time zone and a policy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from gradesync.core.sis import Policy

# An upstream's clock and window are not ours: the rest is margin.
BUDGET_SHARE = Decimal("0.9")
"""Give the share of an upstream's rate limit that is used."""
# Our window is longer than the upstream's, and workers look again a moment after it has ended.
WINDOW_SLACK = Decimal("1.2")

USUAL_SIS = "PowerSchool"
"""Name the SIS of a district whose file doesn't."""
OIDC = "oidc:"
"""Begin the subjects of the district's own provider: those of Schoology are digits alone."""


@dataclass(frozen=True, slots=True)
class SchoologyAccess:
    """Hold the address, key and rate limit of the district's Schoology.

    `requests_per_window` calls in `window_seconds` is what the key may do; `multiget_cost` is what one
    multiget counts for (not published, so a setting: upstream.md Schoology §1.7).
    `run_as_requester` sends X-Schoology-Run-As. `domains` are the origins of the district's own names for
    Schoology's pages, beside `*.schoology.com`: what may show the teacher's page.
    """

    base_url: str
    consumer_key: str
    consumer_secret: str = field(repr=False)
    requests_per_window: int = 15
    window_seconds: Decimal = Decimal(5)
    multiget_cost: int = 3
    run_as_requester: bool = False
    domains: tuple[str, ...] = ()

    @property
    def calls_per_sync(self) -> int:
        """Return how many calls the first reads of a sync count for: a multiget, categories, periods."""
        return self.multiget_cost + 2

    @property
    def seconds_per_sync(self) -> float:
        """Return the seconds in which our share of the rate limit has room for one sync's first reads.

        A window has room for whole syncs: what it has beside them is of no use to the next.
        """
        share = max(1, int(BUDGET_SHARE * self.requests_per_window))
        syncs = share // self.calls_per_sync or Decimal(share) / self.calls_per_sync
        return float(WINDOW_SLACK * self.window_seconds / syncs)


@dataclass(frozen=True, slots=True)
class OneRosterAccess:
    """Hold how a SIS speaks OneRoster: its version (None: the usual one of its profile) and its profile.

    `rostering_url` and `gradebook_url` are bases of its two services, empty where they are the base URL.
    `settings` are those of the profile that the district overrides, by name.
    """

    profile: str = "standard"
    version: Literal["1.1", "1.2"] | None = None
    token_url: str = ""
    rostering_url: str = ""
    gradebook_url: str = ""
    settings: tuple[tuple[str, bool | int | str], ...] = ()


@dataclass(frozen=True, slots=True)
class SisAccess:
    """Hold the address, credentials and rate limit of the district's SIS.

    `minimum_interval_ms` is the SIS's own setting between requests of one plugin, 0 where it is off.
    `name` is what people call the SIS. `headers` go with every call, one a line: `name: value`. `oneroster`
    stands for the kind of that name.
    """

    kind: str
    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    minimum_interval_ms: int = 0
    name: str = USUAL_SIS
    headers: str = field(default="", repr=False)
    oneroster: OneRosterAccess | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Hold the patterns by which ids of one system name those of the other; districts differ in them.

    `section` and `student` are patterns whose first group is the SIS's id; `student_id` names which id
    that is in the SIS (upstream.md Schoology §3, PowerSchool §3, OneRoster §5).
    """

    section: str = r"^(\d+)$"
    student: str = r"^1_(\d+)$"
    student_id: str = "dcid"

    def section_key(self, code: str | None) -> str | None:
        """Return the SIS's id of the section that a school code names; None where the code doesn't fit."""
        return _first_group(self.section, code)

    def student_key(self, school_uid: str | None) -> str | None:
        """Return the SIS's id of the student that a school uid names; None where it doesn't fit (R35)."""
        return _first_group(self.student, school_uid)


ID_MAX = 200  # characters: a longer one is no id, and would cost a pattern time


def _first_group(pattern: str, text: str | None) -> str | None:
    match = re.search(pattern, text, re.ASCII) if text and len(text) <= ID_MAX else None
    return (match[1] or None) if match else None


@dataclass(frozen=True, slots=True)
class LtiRegistration:
    """Describe the district's LTI 1.3 installation."""

    issuer: str
    client_id: str
    deployment_id: str
    jwks_url: str
    authorization_url: str


@dataclass(frozen=True, slots=True)
class Lti11Registration:
    """Describe the district's LTI 1.1 installation, where it still installs by key and secret."""

    consumer_key: str
    consumer_secret: str = field(repr=False)


Role = Literal["viewer", "operator"]
"""Name what an admin may do in the console: look, or act too."""


@dataclass(frozen=True, slots=True)
class OidcAccess:
    """Describe the OpenID Connect provider of admins without Schoology, and who of its people may come in.

    `viewers` and `operators` are subjects (the claim `sub`) as the provider names them.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    viewers: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()

    def role_of(self, subject: str) -> Role | None:
        """Return the role of a subject; None for one that the district does not name."""
        if subject in self.operators:
            return "operator"
        return "viewer" if subject in self.viewers else None


@dataclass(frozen=True, slots=True)
class ConsoleAccess:
    """Hold who may open the console: the role of Schoology's system admins, by an LTI launch."""

    system_admins: Literal["none", "viewer", "operator"] = "viewer"


@dataclass(frozen=True, slots=True)
class District:
    """Hold everything gradesync knows of a district. Secrets are plain here and encrypted at rest.

    `category_titles`: title of a Schoology category -> title of the SIS category that it goes to, in every
    section that has both, where it is not the equal one.
    """

    id: str
    name: str
    timezone: str
    schoology: SchoologyAccess
    sis: SisAccess
    match: Match = field(default_factory=Match)
    lti: LtiRegistration | None = None
    lti11: Lti11Registration | None = None
    console: ConsoleAccess = field(default_factory=ConsoleAccess)
    oidc: OidcAccess | None = None
    policy: Policy = field(default_factory=Policy)
    category_titles: Mapping[str, str] = field(default_factory=dict)
