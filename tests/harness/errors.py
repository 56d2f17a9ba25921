"""Expect the errors that stop a sync or reject a row."""

import re

import pytest

from gradesync.errors import Rejected, SyncStopped


def expect_stop(reason: str, detail: str = "") -> pytest.RaisesExc[SyncStopped]:
    """Expect `SyncStopped` with a reason, and a detail that contains this."""
    return pytest.raises(SyncStopped, match=f"^{re.escape(reason)}: .*{re.escape(detail)}")


def expect_rejection(reason: str) -> pytest.RaisesExc[Rejected]:
    """Expect `Rejected` with a reason."""
    return pytest.raises(Rejected, match=f"^{re.escape(reason)}: ")
