"""Errors that say what becomes of a sync or of one row of it, as tests expect them."""

import re

import pytest

from gradesync.errors import Rejected, SyncStopped


def expect_stop(reason: str, detail: str = "") -> pytest.RaisesExc[SyncStopped]:
    """Expect `SyncStopped` with a reason, and a detail that says at least this."""
    return pytest.raises(SyncStopped, match=_told(reason, detail))


def expect_rejection(reason: str, detail: str = "") -> pytest.RaisesExc[Rejected]:
    """Expect `Rejected` with a reason, and a detail that says at least this."""
    return pytest.raises(Rejected, match=_told(reason, detail))


def _told(reason: str, detail: str) -> str:
    return f"^{re.escape(reason)}: .*{re.escape(detail)}"
