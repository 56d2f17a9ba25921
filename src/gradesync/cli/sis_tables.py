"""Define the table [sis] of a district file, one form for each kind of SIS."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gradesync.cli.district_fields import Flag, Table, Text, Url, Whole, refuse_value
from gradesync.core.district import USUAL_SIS, OneRosterAccess, SisAccess
from gradesync.oneroster.profiles import PROFILES, Auth, NotSpokenError, Version, choose_profile


def _profile(value: str) -> str:
    if value not in PROFILES:
        raise refuse_value(f"{value!r} is no profile", f"Write one of: {', '.join(PROFILES)}")
    return value


Profile = Annotated[Text, AfterValidator(_profile)]
# As sentences of at most 200 characters name it.
Name = Annotated[Text, StringConstraints(max_length=30, pattern=r"^[^{}<>]+$")]


def _header(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+: *[!-~](?:[ -~]*[!-~])?", value):  # it may be a key: not repeated
        raise refuse_value("a header has no name or no value", 'Write it like "X-Api-Key: a1b2"')
    return value


Header = Annotated[Text, AfterValidator(_header)]


class PowerSchoolSis(Table):
    kind: Literal["powerschool"]
    base_url: Url
    client_id: Text
    client_secret: Text
    name: Name = USUAL_SIS
    minimum_interval_ms: Whole = Field(0, ge=0)

    # The ids of a student by which a district may match, the usual one first.
    student_ids: ClassVar[tuple[str, ...]] = ("dcid", "id", "student_number")

    def access(self) -> SisAccess:
        """Return what gradesync needs to know of it."""
        return SisAccess(**self.model_dump())


class OneRosterSis(Table):
    """Take a profile, and what the district's server does otherwise."""

    kind: Literal["oneroster"]
    client_id: Text
    client_secret: Text
    name: Name | None = None
    profile: Profile = "standard"
    version: Version | None = None
    base_url: Url | None = None
    rostering_url: Url | None = None
    gradebook_url: Url | None = None
    token_url: Url | None = None
    headers: tuple[Header, ...] = ()
    auth: Auth | None = None
    refs: Literal["full", "minimal"] | None = None
    score_date: Literal["date", "date-time"] | None = None
    path_case: Literal["camel", "lower"] | None = None
    title_limit: Whole | None = Field(None, ge=1)
    whole_points: Flag | None = None
    decimals: Whole | None = Field(None, ge=0, le=6)
    categories: Literal["class", "global", "constant"] | None = None
    score_type: Text | None = None
    grading_period: Literal["send", "omit"] | None = None
    term_end: Literal["excluded", "included"] | None = None
    blank: Literal["delete", "not-submitted", "cannot"] | None = None
    excused_score: Literal["none", "0", "last"] | None = None
    keeps_entries: Flag | None = None
    reads_scores: Flag | None = None
    bulk_post: Flag | None = None
    connections: Whole | None = Field(None, ge=1, le=64)
    calls_per_minute: Whole | None = Field(None, ge=0)

    student_ids: ClassVar[tuple[str, ...]] = ("sourced_id", "identifier", "username")
    own: ClassVar[frozenset[str]] = frozenset(
        {
            *("kind", "name", "client_id", "client_secret", "profile", "version", "headers"),
            *("base_url", "rostering_url", "gradebook_url", "token_url"),
        }
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            chosen = choose_profile(self.profile, self.version, self._settings())
        except NotSpokenError as error:
            raise refuse_value(str(error), "Change one of the two", setting=error.setting) from None
        if self.name is None and not PROFILES[self.profile].title:
            hint = 'Add name = "…": teachers read it'
            raise refuse_value("the SIS has no name", hint)
        if self.base_url is None and None in (self.rostering_url, self.gradebook_url):
            hint = "Add base_url, or with version 1.2 rostering_url and gradebook_url"
            raise refuse_value("the addresses of its services are missing", hint)
        if self.token_url is None and chosen.auth in ("basic", "form"):
            raise refuse_value("token_url is missing", 'Add token_url = "…", where its tokens come from')
        return self

    def _settings(self) -> dict[str, Any]:
        return self.model_dump(exclude=set(self.own), exclude_none=True)

    def access(self) -> SisAccess:
        """Return what gradesync needs to know of it."""
        return SisAccess(
            kind=self.kind,
            base_url=self.base_url or self.gradebook_url or "",
            client_id=self.client_id,
            client_secret=self.client_secret,
            name=self.name or PROFILES[self.profile].title,
            headers="\n".join(self.headers),
            oneroster=OneRosterAccess(
                profile=self.profile,
                version=self.version,
                token_url=self.token_url or "",
                rostering_url=self.rostering_url or "",
                gradebook_url=self.gradebook_url or "",
                settings=tuple(sorted(self._settings().items())),
            ),
        )


KINDS: dict[str, type[PowerSchoolSis] | type[OneRosterSis]] = {
    "powerschool": PowerSchoolSis,
    "oneroster": OneRosterSis,
}
Sis = Annotated[PowerSchoolSis | OneRosterSis, Field(discriminator="kind")]
