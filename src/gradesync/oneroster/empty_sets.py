"""Find out if a SIS writes a set without rows as an object without members (upstream.md OneRoster §4)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.oneroster.refusals import read_refusal
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode

# Sets that have rows where anything can be synced at all.
CONTROLS: Mapping[str, tuple[str, ...]] = {
    "rostering": ("academicSessions",),
    "gradebook": ("categories", "lineItems"),
}
FAR = "900000"  # an offset behind the last row of any set

Read = Callable[[str, str], Awaitable[UpstreamResponse]]
"""Read one row of a set: its path, and the offset."""


@dataclass(slots=True)
class EmptySets:
    """Remember which services of a district write `{}` for no rows: nothing else shows that it is no failure.

    Shared by all syncs of a district in a process. A service that was not seen to do so is asked again.
    """

    written: set[str] = field(default_factory=set)

    async def are_objects(self, service: str, read: Read) -> bool:
        """Return True where a set that has rows shows `{}` behind its last one. Raises `Retriable`."""
        for name in CONTROLS[service]:
            if service in self.written:
                break
            try:
                first, behind = [_read(await read(f"/{name}", offset)) for offset in ("0", FAR)]
            except SyncStopped as stopped:
                if stopped.reason == Reason.SIS_CREDENTIALS_REFUSED:
                    raise
                continue
            if first is not None and behind == {} and isinstance(first.get(name), list) and first[name]:
                self.written.add(service)
        return service in self.written


def _read(response: UpstreamResponse) -> dict[str, Any] | None:
    """Return the object of a response that was successful; None for any other, or one that has a total."""
    if response.status != 200 or read_refusal(response).failed or "x-total-count" in response.headers:
        return None
    try:
        content = decode(response.body)
    except MalformedError:
        return None
    return content if isinstance(content, dict) else None
