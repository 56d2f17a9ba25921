"""Name what the drill lacks, in the place of a part that cannot be run."""

import pytest

from engines import programs
from engines.__main__ import main
from engines.cluster import PATRONI


async def test_drill_names_what_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(programs, "SYSTEM", ())
    for name in ("PATH", PATRONI):
        monkeypatch.setenv(name, "")
    assert await main(["pooler", "failover"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "pooler was not run: not installed: pgbouncer (Debian: apt-get install pgbouncer)" in printed
    assert "failover was not run: not installed: etcd (Debian: apt-get install etcd-server)" in printed
    assert f"{PATRONI} names no Python with Patroni" in printed
