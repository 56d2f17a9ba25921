"""Test which addresses outgoing calls may go to."""

import ipaddress

import httpcore
import httpx
import pytest

from gradesync.core.reasons import Reason
from gradesync.upstream.egress import PublicNetwork, is_public, open_client
from harness.errors import expect_stop


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
