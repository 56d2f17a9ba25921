"""Follow what the real engine did in the model: it is a run of the protocol, and a changed record is none."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from gradesync_sandbox.faults import LoseAfter, RefuseBefore
from harness.environment import Environment, environment
from harness.fault_matrix import Scale
from harness.faults import kill_worker
from protocol.recorder import Recorder, read_events, recording
from protocol.spin import is_run, missing
from protocol.traces import encode, follower

__all__ = ["environment", "follower"]

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "installed")


async def _sync(recorder: Recorder) -> None:
    assert recorder.harness
    await recorder.harness.sync()
    await recorder.harness.pass_time()


async def change(recorder: Recorder) -> None:
    await _sync(recorder)
    recorder.grade(0, 3)
    await _sync(recorder)


async def lose_scores(recorder: Recorder) -> None:
    assert recorder.harness
    recorder.harness.fault("powerschool", "score.write", LoseAfter())
    await _sync(recorder)


async def refuse_scores(recorder: Recorder) -> None:
    assert recorder.harness
    recorder.harness.fault("powerschool", "score.write", RefuseBefore(), times=2)
    await _sync(recorder)
    await _sync(recorder)


async def lose_create(recorder: Recorder) -> None:
    assert recorder.harness
    recorder.harness.fault("powerschool", "assignment.create", LoseAfter(), nth=2)
    await _sync(recorder)


async def die(recorder: Recorder, call: str) -> None:
    assert recorder.harness
    sync = await kill_worker(recorder.harness, 1, "after", call=call)
    await recorder.harness.run_to_end(sync)


async def die_creating(recorder: Recorder) -> None:
    await die(recorder, "assignment.create")


async def die_writing(recorder: Recorder) -> None:
    await die(recorder, "score.write")


HISTORIES = (change, lose_scores, refuse_scores, lose_create, die_creating, die_writing)


@pytest.mark.sample(3)
@pytest.mark.parametrize("live", HISTORIES, ids=lambda live: str(live.__name__))
async def test_engine_is_a_run_of_the_protocol(
    environment: Environment,
    sweeper: AsyncConnection,
    follower: Path,
    live: Callable[[Recorder], Awaitable[None]],
) -> None:
    async with (
        environment.open_district(Scale(students=1).build()) as harness,
        recording(sweeper, harness) as recorder,
    ):
        await live(recorder)
        trace = await read_events(sweeper, recorder)
    assert is_run(follower, encode(trace)), trace
    for event in {event for event in trace.split() if event.startswith(("mark", "intent", "write"))}:
        assert not is_run(follower, encode(" ".join(one for one in trace.split() if one != event))), event
