"""Hold what each vendor's server demands: it refuses every other setting (upstream.md OneRoster §10).

The tables are written here anew, so that the product's own tables cannot vouch for themselves.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Literal

from pydantic import TypeAdapter, ValidationError


@dataclass(frozen=True)
class Demands:
    """Describe a server. `constant_category` takes no other; `vendor_header` is a header that must come.

    `decimals` are the most that a score may have. `reads_scores`: results are shown. `bulk_post`: many
    results of a line item come in one POST. `at_once`: no more calls than that at a time, `per_minute`: than
    that in any minute. `settings` are
    those by which a district's file differs from the server's profile.
    """

    version: Literal["1.1", "1.2"] = "1.2"
    auth: Literal["basic", "form", "oauth1-sha1", "oauth1-sha256"] = "basic"
    refs: Literal["full", "minimal", "any"] = "full"
    score_date: Literal["date", "date-time"] = "date"
    lower_case: bool = False
    title_limit: int | None = None
    whole_points: bool = False
    categories: Literal["class", "global"] = "class"
    constant_category: str | None = None
    needs_category: bool = True
    needs_scope: bool = True
    score_type: str | None = None
    grading_period: bool = False
    blank: Literal["delete", "not-submitted", "cannot"] = "delete"
    exempt_needs_score: bool = False
    keeps_entries: bool = False
    decimals: int = 4
    term_end: Literal["excluded", "included"] = "excluded"
    reads_scores: bool = True
    bulk_post: bool = False
    at_once: int | None = None
    per_minute: int | None = None
    vendor_header: str | None = None
    refusal: Literal["top", "statusInfoSet", "imsx_StatusInfo"] = "top"
    page_cap: int = 3000
    settings: tuple[tuple[str, str | int | bool], ...] = ()

    @property
    def old(self) -> bool:
        return self.version == "1.1"


_V1P1 = {"version": "1.1", "categories": "global", "grading_period": True, "exempt_needs_score": True}
_IC_HEADER = "x-vendor-authorization"

# Profile and version -> its server.
SERVERS: dict[tuple[str, str], Demands] = {
    ("standard", "1.2"): Demands(),
    ("standard", "1.1"): Demands(**_V1P1),  # type: ignore[arg-type]  # names and values of fields
    ("google-compatible", "1.2"): Demands(refs="minimal", score_date="date-time", exempt_needs_score=True),
    ("google-compatible", "1.1"): Demands(**_V1P1, refs="minimal", score_date="date-time"),  # type: ignore[arg-type]  # as above
    ("infinite-campus", "1.2"): Demands(title_limit=50, vendor_header=_IC_HEADER),
    ("infinite-campus", "1.1"): Demands(
        version="1.1",
        title_limit=50,
        categories="global",
        constant_category="11111111-1111-1111-111111111111",
        exempt_needs_score=True,
        vendor_header=_IC_HEADER,
    ),
    ("skyward", "1.1"): Demands(
        **_V1P1,  # type: ignore[arg-type]  # names and values of fields
        title_limit=49,
        whole_points=True,
        refusal="imsx_StatusInfo",
    ),
    ("eschoolplus", "1.2"): Demands(grading_period=True, bulk_post=True),
    ("eschoolplus", "1.1"): Demands(**_V1P1, auth="oauth1-sha256"),  # type: ignore[arg-type]  # as above
    ("blackbaud", "1.1"): Demands(
        **_V1P1,  # type: ignore[arg-type]  # names and values of fields
        blank="cannot",
        keeps_entries=True,
        refusal="statusInfoSet",
    ),
    ("powerschool-universal", "1.2"): Demands(title_limit=50, score_type="POINTS"),
    ("powerschool-universal", "1.1"): Demands(**_V1P1, title_limit=50, score_type="POINTS"),  # type: ignore[arg-type]  # as above
    ("synergy", "1.1"): Demands(**_V1P1, title_limit=50),  # type: ignore[arg-type]  # as above
    ("aspen", "1.2"): Demands(title_limit=50),
    ("aspen", "1.1"): Demands(**_V1P1, title_limit=50),  # type: ignore[arg-type]  # as above
}
# A server that takes what Teams sent, until its grade sync ended; it has no profile of its own.
TEAMS = "teams"
SERVERS[TEAMS, "1.1"] = Demands(
    **_V1P1,  # type: ignore[arg-type]  # names and values of fields
    refs="any",
    score_date="date-time",
    lower_case=True,
    needs_category=False,
    needs_scope=False,
    settings=(("refs", "minimal"), ("score_date", "date-time"), ("path_case", "lower")),
)


def server_of(profile: str, version: str | None = None) -> Demands:
    """Return the server of a profile, of its usual version unless another is named. Raises `KeyError`."""
    found = [demands for (name, spoken), demands in SERVERS.items() if name == profile]
    if version is None and found:
        return found[0]
    return SERVERS[profile, version or ""]


# Demands that a district's file has a setting of the same name for.
SETTINGS = frozenset(
    {
        *("auth", "score_date", "title_limit", "whole_points", "decimals", "score_type", "blank"),
        *("keeps_entries", "term_end", "reads_scores", "bulk_post"),
    }
)


def change_demands(demands: Demands, changes: Mapping[str, str]) -> Demands:
    """Return a server that demands otherwise; its district's file has the settings of the same names.

    Raises `ValueError` for a demand or a value that there is not.
    """
    if unknown := changes.keys() - {field.name for field in fields(Demands)}:
        raise ValueError(f"there is no demand {min(unknown)}")
    try:
        checked = TypeAdapter(Demands).validate_python({**asdict(demands), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][0]}: {first['msg']}") from None
    chosen = tuple((name, getattr(checked, name)) for name in sorted(SETTINGS & changes.keys()))
    return replace(checked, settings=demands.settings + chosen)


PROFILES = tuple(dict.fromkeys(name for name, _ in SERVERS))
