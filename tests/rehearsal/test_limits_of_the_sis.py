"""Check that a SIS whose own limits decide is named as the bottleneck."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from gradesync.core.district import OneRosterAccess
from gradesync.core.rehearsal import DOUBLED, Writing
from harness.rehearsals import DISTRICT, SCENE, SECTIONS, USUAL, play


async def test_limit_of_the_sis_is_the_bottleneck(redis: Redis) -> None:
    """Play a PowerSchool that wants a second between two calls: a read and a write of each sync."""
    slow = replace(DISTRICT, sis=replace(DISTRICT.sis, minimum_interval_ms=1000))
    played = await play(redis, replace(USUAL, requests_per_window=1000), replace(SCENE, district=slow))
    assert played.now.finish == pytest.approx(SECTIONS * 2 * 1.1, rel=0.05)
    assert played.improved["sis_limit"].finish == pytest.approx(played.now.finish / 2, rel=0.05)
    assert played.bottleneck == "the SIS's own limit of calls"


@pytest.mark.parametrize(
    ("limit", "connections", "bottleneck"),
    [(60, 8, "the SIS's own limit of calls"), (0, 2, DOUBLED["connections"])],
)
async def test_limits_of_a_profile_are_bottlenecks(
    redis: Redis, limit: int, connections: int, bottleneck: str
) -> None:
    """Play a OneRoster that takes each score by itself."""
    settings = (("calls_per_minute", limit), ("connections", connections))
    sis = replace(DISTRICT.sis, kind="oneroster", oneroster=OneRosterAccess(settings=settings))
    scene = replace(
        SCENE,
        district=replace(DISTRICT, sis=sis),
        load=SCENE.load[:20],
        writing=Writing(1, connections, is_shared=True),
    )
    played = await play(redis, replace(USUAL, requests_per_window=1000), scene)
    assert played.bottleneck == bottleneck
