"""Meet a server whose certificate nobody signed: it is named, not taken for an outage (R53)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from gradesync.core.district import SisAccess
from gradesync.errors import CertificateRefused
from gradesync.powerschool.connection import PowerSchool
from gradesync.schoology.check import check_connection
from gradesync.systems import utc_now
from harness.canned_schoology import open_source
from harness.powerschool_target import AT_ONCE, Unbounded
from harness.scripted_upstream import Rig


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
    connection = PowerSchool.open(
        access, rig.client.transport, Unbounded(), timeout=30, backoff=AT_ONCE, clock=utc_now
    )
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
