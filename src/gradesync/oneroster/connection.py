"""Share one district's tokens, call budget and connections among all its syncs in a process."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import httpx

from gradesync.core.district import District, OneRosterAccess, SisAccess
from gradesync.core.ports import Clock, Permit
from gradesync.core.rehearsal import Writing
from gradesync.oneroster.auth import METHODS, OAuth1, list_scopes
from gradesync.oneroster.bodies import Bodies
from gradesync.oneroster.calls import Calls, Tokens
from gradesync.oneroster.check import Checker
from gradesync.oneroster.deletes import DeleteRight
from gradesync.oneroster.empty_sets import EmptySets
from gradesync.oneroster.profiles import Profile, choose_profile
from gradesync.oneroster.refusals import OneRosterDialect
from gradesync.oneroster.target import OneRosterTarget, describe_capabilities
from gradesync.upstream.auth import ClientCredentials
from gradesync.upstream.client import Backoff, Upstream
from gradesync.upstream.limits import Budget, RateLimit, minimum_interval, per_window

SYSTEM = "oneroster"
TITLE = "The SIS"
WINDOWS = 12  # a minute's calls are counted in so many parts of it


def profile_of(access: OneRosterAccess) -> Profile:
    """Return the profile of a district, with what it overrides."""
    return choose_profile(access.profile, access.version, dict(access.settings))


@dataclass(frozen=True, slots=True)
class OneRoster:
    """Hold what all syncs of a district share, for as long as its access stands."""

    access: SisAccess
    settings: OneRosterAccess
    profile: Profile
    auth: httpx.Auth
    tokens: Tokens
    scopes: dict[str, ClientCredentials]
    upstream: Upstream
    gate: asyncio.Semaphore
    empty_sets: EmptySets = field(default_factory=EmptySets)

    @classmethod
    def rate(cls, access: SisAccess) -> RateLimit | None:
        """Return the limit of calls that the profile sets; None where it has none."""
        calls = profile_of(access.oneroster or OneRosterAccess()).calls_per_minute
        if calls >= WINDOWS:
            return per_window(calls // WINDOWS, 60 / WINDOWS)
        return minimum_interval(60_000 // calls) if calls else None

    @classmethod
    def relax_limit(cls, access: SisAccess, factor: int) -> SisAccess:
        """Return an access that allows so many times the calls."""
        settings = access.oneroster or OneRosterAccess()
        calls = factor * profile_of(settings).calls_per_minute
        changed = dict(settings.settings) | {"calls_per_minute": calls}
        return replace(access, oneroster=replace(settings, settings=tuple(changed.items())))

    @classmethod
    def writing(cls, access: SisAccess, score_batch: int) -> Writing:
        """Return how the profile takes writes: each score is a call, unless it takes new ones in one."""
        profile = profile_of(access.oneroster or OneRosterAccess())
        able = describe_capabilities(profile, score_batch)
        per_call = able.rows_per_write if profile.bulk_post else 1
        return Writing(per_call, able.writes_at_once, is_shared=True)

    @classmethod
    def open(
        cls,
        access: SisAccess,
        transport: httpx.AsyncBaseTransport,
        budget: Budget,
        *,
        timeout: float,
        backoff: Backoff,
        clock: Clock,
    ) -> "OneRoster":
        """Return a connection that has sent nothing yet. `timeout`: seconds per call."""
        settings = access.oneroster or OneRosterAccess()
        profile = profile_of(settings)
        upstream = Upstream(
            SYSTEM,
            settings.gradebook_url or access.base_url,
            httpx.Auth(),
            transport,
            budget,
            until=clock(),
            timeout=timeout,
            dialect=OneRosterDialect(),
            backoff=backoff,
            clock=clock,
        )
        gate = asyncio.Semaphore(profile.connections)
        if profile.auth in METHODS:
            signer = OAuth1(access.client_id, access.client_secret, profile.auth)
            return cls(access, settings, profile, signer, signer, {}, upstream, gate)
        names = list_scopes(profile)
        tokens = _tokens(access, settings, profile, upstream, " ".join(names))
        scopes = {name: _tokens(access, settings, profile, upstream, name) for name in names}
        return cls(access, settings, profile, tokens, tokens, scopes, upstream, gate)

    def open_target(
        self, district: District, *, permit: Permit | None, until: datetime, rows_per_write: int
    ) -> OneRosterTarget:
        """Return a target for a district as it is configured; each score is a call of its own."""
        rostering_url = self.settings.rostering_url or self.access.base_url
        gradebook = replace(self.upstream, auth=self.auth, until=until, permit=permit, gate=self.gate)
        rostering = replace(gradebook, base_url=rostering_url)
        headers = dict(_split_header(line) for line in self.access.headers.splitlines())
        calls = Calls(rostering, gradebook, self.tokens, headers, self.empty_sets)
        zone = ZoneInfo(district.timezone)
        return OneRosterTarget(
            calls,
            Bodies(self.profile, rostering_url, gradebook.base_url, zone),
            district.id,
            Checker(calls, self.scopes),
            student_id=district.match.student_id,
            marks=district.policy.exception_flags,
            rows_per_write=rows_per_write,
            right=DeleteRight.of(self.scopes),
        )


def _split_header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _tokens(
    access: SisAccess, settings: OneRosterAccess, profile: Profile, upstream: Upstream, scope: str
) -> ClientCredentials:
    """Return the source of tokens for a scope; the credentials go in a Basic header, or in the form."""
    form = {"grant_type": "client_credentials", "scope": scope}
    auth: httpx.Auth = httpx.BasicAuth(access.client_id, access.client_secret)
    if profile.auth == "form":
        form |= {"client_id": access.client_id, "client_secret": access.client_secret}
        auth = httpx.Auth()
    url = urlsplit(settings.token_url)
    issuer = replace(upstream, base_url=f"{url.scheme}://{url.netloc}", auth=auth)
    path = url.path + (f"?{url.query}" if url.query else "")
    return ClientCredentials(issuer, path, TITLE, form=urlencode(form).encode(), clock=upstream.clock)
