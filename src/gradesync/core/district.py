"""A district: a tenant with one Schoology organisation, one SIS, a time zone and a policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from gradesync.core.sis import Policy


@dataclass(frozen=True, slots=True)
class SchoologyAccess:
    """How to reach the district's Schoology, and how often.

    `requests_per_window` calls in `window_seconds` is what the key may do; `multiget_cost` is what one
    multiget counts for (Schoology contract 1.7: not published, so a setting).
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


@dataclass(frozen=True, slots=True)
class SisAccess:
    """How to reach the district's SIS, and how often.

    `minimum_interval_ms` is the SIS's own setting between requests of one plugin, 0 where it is off.
    """

    kind: str
    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    minimum_interval_ms: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """How ids of one system name those of the other; it differs between districts.

    `section` and `student` are patterns whose first group is the SIS's id; `student_id` says which id
    that is: `dcid`, `id` or `student_number` (Schoology contract 3, PowerSchool contract 3).
    """

    section: str = r"^(\d+)$"
    student: str = r"^1_(\d+)$"
    student_id: str = "dcid"


@dataclass(frozen=True, slots=True)
class LtiRegistration:
    """The district's LTI 1.3 installation."""

    issuer: str
    client_id: str
    deployment_id: str
    jwks_url: str
    authorization_url: str


@dataclass(frozen=True, slots=True)
class Lti11Registration:
    """The district's LTI 1.1 installation, where it still installs by key and secret."""

    consumer_key: str
    consumer_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class District:
    """Everything gradesync knows of a district. Secrets are plain here and encrypted at rest.

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
    policy: Policy = field(default_factory=Policy)
    category_titles: Mapping[str, str] = field(default_factory=dict)
