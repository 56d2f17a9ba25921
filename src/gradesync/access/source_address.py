"""Find the address that a request came from."""

from contextlib import suppress
from ipaddress import ip_address

from starlette.requests import Request


def source_ip(request: Request) -> str | None:
    """Return the address that the request came from; None where a proxy forwards text that is none."""
    if request.client is not None:
        with suppress(ValueError):
            return str(ip_address(request.client.host))
    return None
