"""Restrict outgoing calls to https and public addresses, checked when the connection is made."""

import http.cookiejar
import ipaddress
import ssl
from functools import cache

import httpx

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.upstream.transport import CONNECTIONS, Transport, resolve

SILENT_SECONDS = 60.0  # longer than any call that names no time of its own
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # the part of IPv6 that the internet uses
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Client(httpx.AsyncClient):
    """Send requests without redirects, cookies, or proxies of the environment.

    `transport` sends a request as it is. The caller limits the total time; here each step is limited.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        super().__init__(
            transport=transport,
            timeout=SILENT_SECONDS,
            cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )
        self.transport = transport


def open_client(*, allow_private_network: bool, connections: int = CONNECTIONS) -> Client:
    """Open one client for all districts.

    It connects only to public addresses over https, unless `allow_private_network`.
    """
    if allow_private_network:
        return Client(Transport(_tls(), connections=connections))
    return Client(PublicTransport(_tls(), resolve=resolve_public, connections=connections))


@cache
def _tls() -> ssl.SSLContext:
    """Return what all clients of a process verify certificates with: loading the authorities is slow."""
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class PublicTransport(Transport):
    """Send https requests to public addresses; raises `SyncStopped("upstream-unavailable")` for others."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https":
            raise SyncStopped(Reason.UPSTREAM_UNAVAILABLE, "the address of the upstream is not https")
        return await super().handle_async_request(request)


async def resolve_public(host: str, port: int) -> list[str]:
    """Return all addresses of a host, to connect to the very ones that were checked: a name can change.

    Raises `SyncStopped` where one of them is not public.
    """
    addresses = await resolve(host, port)
    if not all(is_public(ipaddress.ip_address(address.partition("%")[0])) for address in addresses):
        raise SyncStopped(Reason.UPSTREAM_UNAVAILABLE, "the address of the upstream is not public")
    return addresses


def is_public(address: Address) -> bool:
    """Return True for addresses of the internet; IPv4 inside IPv6 counts as the address that it reaches."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast
