"""Test which addresses outgoing calls may go to."""

import asyncio
import gc
import ipaddress
import warnings
from asyncio import StreamReader, StreamWriter

import httpcore
import httpx
import pytest

from gradesync.core.reasons import Reason
from gradesync.upstream.egress import PublicNetwork, is_public, open_client
from harness.errors import expect_stop
from harness.streams import serve_streams

CONNECTIONS = 4
STEPS = 8  # of the loop, in which a call closes what it comes upon


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1"),
        "0.0.0.0",  # noqa: S104 - nothing is bound
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fec0::1", "fd00::1", "ff0e::1"),
        *("::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::"),
        *("::127.0.0.1", "::ffff:0:127.0.0.1"),
    ],
)
def test_other_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://localhost/", "https://[::1]/"])
async def test_private_addresses_are_refused_when_connecting(url: str) -> None:
    async with open_client(allow_private_network=False) as client:
        with expect_stop(Reason.UPSTREAM_UNAVAILABLE):
            await client.get(url)


async def test_plain_http_is_refused() -> None:
    async with open_client(allow_private_network=False) as client:
        with expect_stop(Reason.UPSTREAM_UNAVAILABLE):
            await client.get("http://example.com/")


async def test_name_that_does_not_resolve_is_a_connect_error() -> None:
    async with open_client(allow_private_network=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("https://nowhere.invalid/")


class RefusingNetwork(httpcore.AsyncNetworkBackend):
    """Record the hosts to connect to, and refuse."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        self.hosts.append(host)
        raise httpcore.ConnectError("refused")


async def test_connection_goes_to_the_address_that_was_checked() -> None:
    network = RefusingNetwork()
    with pytest.raises(httpcore.ConnectError):
        await PublicNetwork(network).connect_tcp("8.8.8.8", 443)
    assert network.hosts == ["8.8.8.8"]


async def test_call_canceled_at_any_step_leaves_no_connection_open() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for steps in range(STEPS):
            await cancel_after(steps)
        gc.collect()
    assert [str(each.message) for each in caught] == []


async def cancel_after(steps: int) -> None:
    """Cancel a call that comes upon connections which the server has closed."""

    async def answer_once(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(65536)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await answered.wait()
        writer.close()
        await writer.wait_closed()
        closed.release()

    answered, closed = asyncio.Event(), asyncio.Semaphore(0)
    async with serve_streams(answer_once) as port, open_client(allow_private_network=True) as client:
        url = f"http://127.0.0.1:{port}/"
        await asyncio.gather(*(client.get(url) for _ in range(CONNECTIONS)))
        answered.set()
        for _ in range(CONNECTIONS):
            await closed.acquire()
        call = asyncio.create_task(client.get(url))
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


async def test_connection_that_its_server_closed_is_not_used_again() -> None:
    answered = asyncio.Queue[None]()

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        answered.put_nowait(None)

    async with serve_streams(answer) as port, open_client(allow_private_network=True) as client:
        for _ in range(3):
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 204
            await answered.get()
