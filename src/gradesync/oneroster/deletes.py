"""Distinguish a SIS that deletes no results for us from one that deletes none now."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.oneroster.refusals import Refusal
from gradesync.upstream.auth import ClientCredentials

SCOPE = "gradebook.delete"


@dataclass(slots=True)
class DeleteRight:
    """Ask once a sync for a token to delete alone: a 403 shows neither a missing scope nor a closed window.

    `source` gives such tokens; None where calls are signed, and there are no scopes. `is_granted` is None as
    long as that is not known.
    """

    source: ClientCredentials | None = None
    is_granted: bool | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, scopes: Mapping[str, ClientCredentials]) -> "DeleteRight":
        return cls(next((source for scope, source in scopes.items() if scope.endswith(SCOPE)), None))

    async def ask(self, gate: AbstractAsyncContextManager[Any]) -> None:
        """Ask for a new token: an older one may be of another day. Raises `Retriable`."""
        async with self._turn:
            if self.source is None or self.is_granted is not None:
                return
            self.source.discard(self.source.held or "")
            try:
                async with gate:
                    await self.source.get_token()
            except SyncStopped as stopped:
                if stopped.reason != Reason.SIS_CREDENTIALS_REFUSED:
                    return
                self.is_granted = False
            else:
                self.is_granted = True


def is_denied(refusal: Refusal) -> bool:
    """Return True where a SIS refuses access, for a reason that it does not show."""
    return refusal.status == 403 or "forbidden" in refusal.codes


def refuses_deletes(refusal: Refusal) -> bool:
    """Return True where a SIS names deletes as not supported."""
    return refusal.status == 405 or "deletefailure" in refusal.codes
