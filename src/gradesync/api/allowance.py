"""Who asks too often: token requests and everything that changes or starts something."""

import asyncio
from math import ceil

from fastapi import Request

from gradesync.access.tokens import Caller
from gradesync.api.service import Service
from gradesync.errors import RequestRefused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MANY = 20
"""How many teachers a district's client, or an address that a school shares, counts for."""


async def count_request(service: Service, caller: Caller, request: Request) -> None:
    """Count what is more than reading. Raises `RequestRefused("too-many-requests")`."""
    if request.method in SAFE:
        return
    most = service.settings.requests_per_minute
    who = f"{caller.district_id}:{caller.actor}"
    await _count(
        service,
        ("request", who, most if caller.section_id else most * MANY),
        ("request", _address(request), most * MANY),
    )


async def count_token_request(service: Service, request: Request, client_id: str | None = None) -> None:
    """Count a request for a token: by its address, or by the client that has shown its secret.

    Raises `RequestRefused("too-many-token-requests")`.
    """
    most = service.settings.token_requests_per_minute
    await _count(service, ("token", client_id or _address(request), most), code="too-many-token-requests")


async def _count(service: Service, *limits: tuple[str, str, int], code: str = "too-many-requests") -> None:
    seconds = max(await asyncio.gather(*(service.limits.wait(*limit) for limit in limits)))
    if seconds:
        raise RequestRefused(code, "", headers={"retry-after": str(ceil(seconds))})


def _address(request: Request) -> str:
    return f"ip:{request.client.host}" if request.client else "ip:none"
