"""Meet a server whose certificate nobody signed: it is named, not taken for an outage (R53)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gradesync.core.district import SisAccess
from gradesync.errors import CertificateRefused
from gradesync.powerschool.connection import PowerSchool
from gradesync.schoology.check import check_connection
from harness.canned_schoology import open_source
from harness.powerschool_target import AT_ONCE, Unbounded
from harness.scripted_upstream import Rig


def write_certificate(folder: Path) -> Path:
    """Write a self-signed certificate of localhost, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "localhost.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
async def untrusted(tmp_path: Path) -> AsyncIterator[str]:
    """Serve a certificate that nobody trusts; return the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write_certificate(tmp_path))

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=context)
    yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize("repeatable", [True, False])
async def test_R53_an_untrusted_certificate_is_named(rig: Rig, untrusted: str, repeatable: bool) -> None:
    upstream = replace(rig.upstream(), name="schoology", base_url=untrusted)
    with pytest.raises(CertificateRefused) as refused:
        await upstream.call("thing", "GET", "/thing", repeatable=repeatable)
    assert refused.value.detail == "the certificate of Schoology is not trusted: self-signed certificate"
    assert rig.budget.reports == [False]
    assert rig.server.events.count("acquire 1") == 1


async def test_R53_the_check_of_powerschool_names_its_certificate(rig: Rig, untrusted: str) -> None:
    access = SisAccess("powerschool", untrusted, "an id", "a secret")
    connection = PowerSchool.open(access, rig.client, Unbounded(), backoff=AT_ONCE)
    target = connection.target(permit=None, until=datetime.now(UTC) + timedelta(seconds=30))
    (finding,) = await target.check()
    assert (finding.check, finding.ok) == ("PowerSchool certificate", False)
    assert "certificate of PowerSchool is not trusted" in finding.detail
    assert "SSL_CERT_FILE" in finding.fix


async def test_R53_the_check_of_schoology_names_its_certificate(untrusted: str) -> None:
    async with open_source(httpx.AsyncHTTPTransport(), untrusted) as source:
        (finding,) = await check_connection(source, None)
    assert not finding.ok
    assert "certificate of Schoology is not trusted" in finding.detail
    assert "filter" in finding.fix
