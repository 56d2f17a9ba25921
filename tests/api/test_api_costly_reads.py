"""Test that reads which compute much leave the event loop to others, and give way to syncs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

import pytest

from gradesync.core.history import fold, trace
from gradesync.core.statement.build import build_statement
from gradesync.core.statement.render import render_lines
from gradesync.core.totals.causes import explain
from gradesync.db.history import unpack
from harness.api import ApiHarness

COSTLY = {
    each.__code__: each.__name__ for each in (unpack, fold, trace, build_statement, render_lines, explain)
}


@contextmanager
def watch_this_thread() -> Iterator[set[str]]:
    """Collect the names of the costly functions that begin in the thread of the event loop."""
    seen: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in COSTLY:
            seen.add(COSTLY[frame.f_code])

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


async def test_costly_reads_leave_the_event_loop_to_others(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    uid = next(iter(api.room.students))
    period = {"to": datetime.now(UTC).isoformat()}
    statement = f"{api.path}/statement"
    with watch_this_thread() as seen:
        answers = [
            await office.get(f"{api.path}/history"),
            await office.get(f"/students/{uid}/scores", live=True),
            await office.get(statement, **period),
            await office.ask("GET", statement, params=period, headers={"accept": "application/zip"}),
            await office.post(f"{api.path}/totals", {}),
        ]
    assert [answer.status_code for answer in answers] == [200] * len(answers), answers
    assert seen == set()
    history, scores = answers[0].json()["items"], answers[1].json()["scores"]
    assert history
    assert scores


@pytest.mark.long  # a person waits ten seconds for a turn
async def test_live_scores_are_not_read_while_syncs_wait(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    await office.post(f"{api.path}/syncs")
    api.world.powerschool.log.clear()
    uid = next(iter(api.room.students))
    found = (await office.get(f"/students/{uid}/scores", live=True)).json()
    assert {score["now"]["source"] for score in found["scores"]} == {"last-sent"}
    assert api.world.powerschool.log.calls == []
