"""Share one district's token, call budget and memory among all its syncs in a process."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx

from gradesync.core.district import SisAccess
from gradesync.core.ports import Permit
from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.powerschool.calls import Calls, Memory
from gradesync.powerschool.refusals import MAX_READ_BYTES
from gradesync.powerschool.scores import Clearing
from gradesync.powerschool.target import CAPABILITIES, PowerSchoolTarget
from gradesync.powerschool.wire import MalformedError, decode
from gradesync.upstream.client import Backoff, Budget, Upstream
from gradesync.upstream.response import DEFAULT_PAUSE, UpstreamResponse, retry_after

TOKEN_PATH = "/oauth/access_token"  # noqa: S105 - a path
# Seconds before its end at which a token is renewed, and its lifetime where PowerSchool does not state one.
RENEWAL_MARGIN = 60.0
DEFAULT_LIFETIME = 300.0
# Seconds that fetching a token may take, retries included.
FETCH_SECONDS = 60.0
_VISIBLE = re.compile(r"[!-~]+")


class ClientCredentials(httpx.Auth):
    """Sign requests with a bearer token, which is fetched once, kept, and renewed before it ends.

    OAuth 2.0 client credentials (upstream.md PowerSchool §1): one token for all that a process does in a
    district. `upstream` is where tokens come from; it authenticates by HTTP Basic.
    """

    def __init__(
        self, upstream: Upstream, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._token: str | None = None
        self._ends = datetime.min.replace(tzinfo=UTC)
        self._fetching = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {await self.get_token()}"
        yield request

    async def get_token(self) -> str:
        """Return the token in force. Raises `SyncStopped("sis-credentials-refused")`, `Retriable`."""
        async with self._fetching:
            if self._token is None or self._clock() >= self._ends:
                self._token, seconds = await self._fetch()
                self._ends = self._clock() + timedelta(seconds=seconds)
            return self._token

    def discard(self, token: str) -> None:
        """Forget a token that was refused, unless another has replaced it."""
        if self._token == token:
            self._token = None

    async def _fetch(self) -> tuple[str, float]:
        upstream = replace(self._upstream, until=self._clock() + timedelta(seconds=FETCH_SECONDS))
        response = await upstream.call(
            "token",
            "POST",
            TOKEN_PATH,
            content=b"grant_type=client_credentials",
            headers={
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
            },
            repeatable=True,
        )
        return _read_token(response)


def _read_token(response: UpstreamResponse) -> tuple[str, float]:
    """Return a token and the seconds for which it may be used."""
    try:
        content = decode(response.body)
    except MalformedError:
        content = None
    fields: Mapping[str, object] = content if isinstance(content, Mapping) else {}
    if response.status in (400, 401, 403) or "error" in fields:
        raise SyncStopped(
            Reason.SIS_CREDENTIALS_REFUSED, "PowerSchool does not accept the client id and secret"
        )
    token = fields.get("access_token")
    if response.status != 200 or not isinstance(token, str) or not _VISIBLE.fullmatch(token):
        raise SyncStopped(
            Reason.UPSTREAM_ANSWER_UNEXPECTED, f"PowerSchool answered {response.status} without a token"
        )
    seconds = _read_lifetime(fields.get("expires_in"))
    return token, seconds - min(RENEWAL_MARGIN, seconds / 2)


def _read_lifetime(value: object) -> float:
    """Return the seconds of `expires_in`, which comes as a JSON string or as a number."""
    try:
        return max(float(str(value)), 0.0)
    except ValueError:
        return DEFAULT_LIFETIME


SYSTEM = "powerschool"


@dataclass(frozen=True, slots=True)
class PowerSchool:
    """Hold what all syncs of a district share, for as long as its access stands."""

    base_url: str
    client: httpx.AsyncClient
    budget: Budget
    auth: ClientCredentials
    memory: Memory
    timeout: float
    backoff: Backoff
    clock: Callable[[], datetime]

    @classmethod
    def open(
        cls,
        access: SisAccess,
        client: httpx.AsyncClient,
        budget: Budget,
        *,
        plugin_id: str | None = None,
        timeout: float = 30.0,
        backoff: Backoff | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> "PowerSchool":
        """Return a connection that has sent nothing yet.

        `plugin_id`: as an earlier process read it. `timeout`: seconds per call.
        """
        backoff = backoff or Backoff()
        tokens = Upstream(
            SYSTEM,
            access.base_url,
            httpx.BasicAuth(access.client_id, access.client_secret),
            client,
            budget,
            until=clock(),
            timeout=timeout,
            dialect=PowerSchoolDialect(),
            backoff=backoff,
            clock=clock,
        )
        auth = ClientCredentials(tokens, clock=clock)
        return cls(access.base_url, client, budget, auth, Memory(plugin_id), timeout, backoff, clock)

    def target(
        self,
        *,
        permit: Permit | None,
        until: datetime,
        student_id: str = "dcid",
        rows_per_write: int = CAPABILITIES.rows_per_write,
        clearing: Clearing = "nulls",
        timezone: str = "UTC",
        marks: bool = False,
    ) -> PowerSchoolTarget:
        """Return a target for one holder of a lease; retries go on until `until` at the latest."""
        upstream = Upstream(
            SYSTEM,
            self.base_url,
            self.auth,
            self.client,
            self.budget,
            until=until,
            permit=permit,
            timeout=self.timeout,
            dialect=PowerSchoolDialect(),
            backoff=self.backoff,
            clock=self.clock,
        )
        calls = Calls(upstream, self.auth, self.memory)
        return PowerSchoolTarget(
            calls,
            student_id,
            clearing,
            timezone,
            marks,
            capabilities=replace(CAPABILITIES, rows_per_write=rows_per_write),
        )


_TOO_MANY = re.compile(r"too\s+many\s+requests|wait\s+(?:for\s+)?\d+(?:\.\d+)?\s*s", re.IGNORECASE)
_SECONDS = re.compile(r"\b(\d{1,9}(?:\.\d+)?)\s*s(?:ec|\b)", re.IGNORECASE)
# Calls that carry or concern what teachers type: their refusals may quote it.
_TYPED = re.compile(r"assignment|score|teacher_category|schema\.(assignment|teachercategory)")


class PowerSchoolDialect:
    """Recognize throttling, by text only where no teacher's text can be in it (R42)."""

    def throttled(self, response: UpstreamResponse, kind: str) -> float | None:
        status = response.status
        if status < 400 or status == 409:
            return None
        wait = retry_after(response)
        if wait is not None and (status < 500 or status == 503):
            return wait
        seconds = None if _TYPED.match(kind) else _read_seconds(response)
        if seconds is not None:
            return seconds
        return DEFAULT_PAUSE if status == 429 else None

    def is_answer(self, response: UpstreamResponse, kind: str) -> bool:
        # A deleted assignment answers 500, and a row that breaks a batch does: whoever called looks which.
        return kind == "score.write" or (kind == "assignment.get" and response.status == 500)


def _read_seconds(response: UpstreamResponse) -> float | None:
    """Return the seconds that a text asks to wait for; None where it does not ask."""
    text = response.body[:MAX_READ_BYTES].decode(errors="replace")
    if not _TOO_MANY.search(text):
        return None
    seconds = _SECONDS.search(text)
    return float(seconds[1]) if seconds else DEFAULT_PAUSE
