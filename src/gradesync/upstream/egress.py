"""Restrict outgoing calls to https and public addresses, checked when the connection is made."""

import http.cookiejar
import ipaddress
import select
import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any

import anyio
import httpcore
import httpx

from gradesync.core.reasons import Reason
from gradesync.errors import SyncStopped
from gradesync.observability.descriptors import limit_share
from gradesync.upstream.limits import ConnectionPool, limit_steps

SILENT_SECONDS = 60.0  # longer than any call that names no time of its own
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # the part of IPv6 that the internet uses
NAT64 = ipaddress.ip_network("64:ff9b::/96")

CONNECTIONS = 100

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class GuardedClient(httpx.AsyncClient):
    """Hold the guarded transport too: calls to upstream systems go over it, past a client's own layers."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.transport = transport
        super().__init__(
            transport=transport,
            timeout=httpx.Timeout(**limit_steps(SILENT_SECONDS)),
            cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )


def limit_connections() -> int:
    """Return how many connections a process opens to all upstream systems and webhooks together."""
    return limit_share(CONNECTIONS, 4)


def open_client(*, allow_private_network: bool, connections: int | None = None) -> GuardedClient:
    """Open one client for all districts: no redirects, no cookies, no proxies of the environment.

    It connects only to public addresses over https, unless `allow_private_network`. The caller limits the
    total time of a call; here each step of it is limited.
    """
    most = connections or limit_connections()
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
    transport = PooledTransport if allow_private_network else PublicTransport
    return GuardedClient(transport(limits=limits))


@cache
def load_authorities() -> ssl.SSLContext:
    """Return what all clients of a process verify certificates with: loading the authorities is slow."""
    return httpx.create_ssl_context()


class PooledTransport(httpx.AsyncHTTPTransport):
    """Send requests over a pool of connections that `network` makes."""

    def __init__(self, *, limits: httpx.Limits, network: httpcore.AsyncNetworkBackend | None = None) -> None:
        super().__init__(verify=load_authorities(), limits=limits)
        self._pool = ConnectionPool(
            ssl_context=load_authorities(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=network or Network(),
        )


class PublicTransport(PooledTransport):
    """Send https requests to public addresses; raises `SyncStopped("upstream-unavailable")` for others."""

    def __init__(self, *, limits: httpx.Limits) -> None:
        super().__init__(limits=limits, network=PublicNetwork())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https":
            raise SyncStopped(Reason.UPSTREAM_UNAVAILABLE, "the address of the upstream is not https")
        return await super().handle_async_request(request)


class Stream(httpcore.AsyncNetworkStream):
    """Hold a connection and its socket, which takes fifty times as long to look up as to ask.

    With each call, the pool asks every connection that is idle whether its server has closed it.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._socket = stream.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as in httpcore
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as in httpcore
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as in httpcore
    ) -> httpcore.AsyncNetworkStream:
        return Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._is_readable() if info == "is_readable" else self._stream.get_extra_info(info)

    def _is_readable(self) -> bool:
        """Return True where the server closed the connection, or sent what nobody asked for."""
        descriptor = self._socket.fileno()
        if descriptor < 0:
            return True
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        return bool(waiting.poll(0))


class Network(httpcore.AsyncNetworkBackend):
    """Connect to any address."""

    def __init__(self) -> None:
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as in httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return Stream(await self._backend.connect_tcp(host, port, timeout, local_address, socket_options))


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connect to the very address that was checked, so that a name cannot change in between."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._backend = backend or Network()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await _public_addresses(host, port):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")


async def _public_addresses(host: str, port: int) -> list[str]:
    """Return all addresses of a host. Raises `SyncStopped` where one of them is not public."""
    try:
        infos = await anyio.getaddrinfo(host, port)
    except OSError as error:
        raise httpcore.ConnectError("the name does not resolve") from error
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in infos))
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
