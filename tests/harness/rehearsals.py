"""Play the load of an invented district."""

from dataclasses import replace
from decimal import Decimal

from redis.asyncio import Redis

from gradesync.core.rehearsal import Rehearsal, Resources, SectionLoad, Writing
from gradesync.rehearsal.play import Scene, rehearse
from harness.store import RIVERSIDE

SECTIONS = 60
DISTRICT = replace(RIVERSIDE, schoology=replace(RIVERSIDE.schoology, window_seconds=Decimal(5)))
SCENE = Scene(
    DISTRICT,
    [SectionLoad(str(number), 0, 4) for number in range(SECTIONS)],
    writing=Writing(500),
    settle_seconds=900,
    slice_seconds=30,
    call_timeout=30,
)
USUAL = Resources(requests_per_window=15, workers=1, slots=10, per_district=4, latency=0.5)


async def play(redis: Redis, resources: Resources = USUAL, scene: Scene = SCENE) -> Rehearsal:
    played = await rehearse(scene, resources, redis)
    assert len(played.now.ends) == len(scene.load)
    return played
