"""Follow random histories of the real engine in the model: whatever happened, it is a run of the protocol."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync_sandbox.faults import Done, LoseAfter, RefuseBefore
from harness.environment import Environment, environment
from harness.fault_matrix import Scale
from harness.faults import kill_worker
from harness.loop_machine import LoopMachine
from protocol.recorder import Recorder, read_events, recording
from protocol.spin import is_run, missing
from protocol.traces import GRADES, REQUESTS, STOPS, encode, follower

__all__ = ["environment", "follower"]

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "installed")

SHORT, LONG = (
    settings(max_examples=examples, stateful_step_count=6, suppress_health_check=list(HealthCheck))
    for examples in (6, 25)
)
CALLS = st.sampled_from(["assignment.create", "score.write"])


class ProtocolMachine(LoopMachine):
    """Run one section within the bounds of the model. A subclass sets `owner` and `follower` too."""

    owner: AsyncConnection
    follower: Path

    def __init__(self) -> None:
        super().__init__()
        self.requests = self.stops = 0
        self.versions = {0: 1, 1: 1}

    @initialize()
    def begin(self) -> None:
        open_district = self.environment.open_district(Scale(students=1).build())
        self.harness = self.run(self.stack.enter_async_context(open_district))
        for item in self.harness.items:
            self.harness.grade(item, self.harness.students[0], 1)
        self.recorder: Recorder = self.run(
            self.stack.enter_async_context(recording(self.owner, self.harness))
        )
        self.recorder.versions = {"0": [Decimal(1)], "1": [Decimal(1)]}

    def teardown(self) -> None:
        try:
            if not self.requests:
                self.sync()
            trace = self.run(read_events(self.owner, self.recorder))
            assert is_run(self.follower, encode(trace)), trace
        finally:
            self.run(self.stack.aclose())

    @precondition(lambda self: min(self.versions.values()) < GRADES)
    @rule(number=st.sampled_from([0, 1]))
    def teacher_grades(self, number: int) -> None:
        if self.versions[number] < GRADES:
            self.versions[number] += 1
            self.recorder.grade(number, self.versions[number])

    @precondition(lambda self: self.requests < REQUESTS)
    @rule()
    def sync(self) -> None:
        self.requests += 1
        self.run(self.harness.sync())
        self.harness.faults.clear()
        self.run(self.harness.pass_time())

    @precondition(lambda self: self.requests < REQUESTS)
    @rule(fault=st.sampled_from([LoseAfter(), RefuseBefore()]), times=st.integers(1, 2))
    def sync_without_answers(self, fault: LoseAfter | RefuseBefore, times: int) -> None:
        """Lose those of scores. That of a create is waited for, which a history of its own does."""
        self.harness.fault("powerschool", "score.write", fault, times=times)
        self.sync()

    @precondition(lambda self: self.requests < REQUESTS and self.stops < STOPS)
    @rule(call=CALLS, nth=st.integers(1, 2), done=st.sampled_from(["before", "after"]))
    def worker_dies(self, call: str, nth: int, done: Done) -> None:
        self.requests += 1
        self.stops += 1
        sync = self.run(kill_worker(self.harness, nth, done, call=call))
        self.run(self.harness.run_to_end(sync))
        self.run(self.harness.pass_time())


@pytest.fixture
async def machine(
    environment: Environment, sweeper: AsyncConnection, follower: Path
) -> type[ProtocolMachine]:
    loop = asyncio.get_running_loop()
    held = {"environment": environment, "loop": loop, "owner": sweeper, "follower": follower}
    return type("EngineLife", (ProtocolMachine,), held)


@pytest.mark.timeout(600)  # a few hundred syncs
def test_random_history_is_a_run_of_the_protocol(machine: type[ProtocolMachine], run_all: bool) -> None:
    run_state_machine_as_test(machine, settings=LONG if run_all else SHORT)
