"""What the handlers work with: the runtime, and what this process remembers for a while."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from gradesync.access.platform_keys import PlatformKeys
from gradesync.access.request_limits import Limits
from gradesync.access.tokens import PAGE, Caller, Tokens
from gradesync.api.live import Live
from gradesync.db import clients
from gradesync.db.session import Database
from gradesync.runtime import Runtime
from gradesync.settings import Settings
from gradesync.sync.context import SyncContext
from gradesync.sync.ports import Clock


@dataclass(frozen=True, slots=True)
class Service:
    """Built once for an application. `keys` are those of LTI platforms."""

    runtime: Runtime
    live: Live
    keys: PlatformKeys
    limits: Limits

    @classmethod
    def of(cls, runtime: Runtime) -> "Service":
        live = Live(runtime.database, runtime.systems, runtime.clock)
        return cls(runtime, live, PlatformKeys(runtime.client), Limits(runtime.redis))

    @property
    def settings(self) -> Settings:
        return self.runtime.settings

    @property
    def engine(self) -> SyncContext:
        return self.runtime.engine

    @property
    def database(self) -> Database:
        return self.runtime.database

    @property
    def clock(self) -> Clock:
        return self.runtime.clock

    @property
    def tokens(self) -> Tokens:
        return self.runtime.tokens

    @property
    def cursor_key(self) -> bytes:
        """What cursors are sealed with."""
        return self.tokens.secret

    async def client_stands(self, caller: Caller) -> bool:
        """Whether the client that got the token still exists: revoking one ends its tokens at once."""
        if caller.client_id == PAGE:
            return True
        async with self.database.district(caller.district_id) as db:
            return await clients.stands(db, caller.client_id)


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(service_of)]
