"""Search the model of the protocol: every check holds, and none without each guard. Traces are its runs."""

from pathlib import Path

import pytest

from protocol.guards import GUARDS, LIVE, LIVELY, QUICK, WHOLE, without
from protocol.spin import is_run, missing, search
from protocol.traces import encode, follower

__all__ = ["follower"]

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "installed")

FIRST_SYNC = """
    request claim intent:0 intent:1 create:0 create:1 ref:0 mark:0:1 ref:1 mark:1:1 write:0:1 write:1:1
    keep:0:1 keep:1:1 settle
"""
TWO_TAKEOVERS = """
    request claim intent:0 intent:1 create:0 claim create:1 ref:0 mark:0:1 ref:1 mark:1:1 write:0:1 write:1:1
    claim keep:0:1 keep:1:1 settle grade:0:2 request claim mark:0:2 write:0:2 keep:0:2 settle
"""


def test_protocol_holds_in_every_state() -> None:
    assert search(QUICK).error == ""


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("faults", WHOLE)
def test_protocol_holds_with_faults_in_every_state(faults: str) -> None:
    assert search(WHOLE[faults], level=2).error == ""


def test_protocol_holds_though_scores_are_late() -> None:
    assert search((*QUICK, "LATE_SCORES")).error == ""


def test_every_sync_ends_in_every_run() -> None:
    assert search(LIVELY).error == ""


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("faults", LIVE)
def test_every_sync_ends_though_workers_stop(faults: str) -> None:
    assert search(LIVE[faults], level=2).error == ""


def test_sync_may_never_end_without_a_sweep() -> None:
    assert "acceptance cycle" in search((*LIVELY, "NO_SWEEP")).error


@pytest.mark.sample(6)
@pytest.mark.parametrize("guard", GUARDS)
def test_protocol_fails_without(guard: str) -> None:
    assert search(without(GUARDS[guard][0])).error != ""


@pytest.mark.parametrize("trace", [FIRST_SYNC, TWO_TAKEOVERS], ids=["first", "takeovers"])
def test_trace_of_the_protocol_is_followed(follower: Path, trace: str) -> None:
    assert is_run(follower, encode(trace))


@pytest.mark.parametrize("left_out", ["intent:0", "mark:0:1", "write:1:1", "keep:1:1", "claim"])
def test_trace_without_an_event_is_refused(follower: Path, left_out: str) -> None:
    assert not is_run(follower, encode(FIRST_SYNC.replace(left_out, "")))


@pytest.mark.parametrize("repeated", ["create:0", "write:0:1", "request"])
def test_trace_with_an_event_twice_is_refused(follower: Path, repeated: str) -> None:
    assert not is_run(follower, encode(FIRST_SYNC.replace(repeated, f"{repeated} {repeated}")))
