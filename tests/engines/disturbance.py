"""Disturb a database under load, and find out what that cost and whether every promise held."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from engines.figures import Figures
from engines.load import loaded
from engines.probe import probing
from gradesync.cli import maintenance, operator
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.settings import Settings
from harness.processes import Installation
from harness.servers import KEYS, Urls

STEADY = 10.0
LATE_MAX = 10.0  # how long after the database is back the syncs under way may take


async def disturbed(
    what: str, here: Installation, settings: Settings, disturb: Callable[[], Awaitable[None]]
) -> Figures:
    """Run the load before, during and after a disturbance; `disturb` returns once it is over."""
    url = Urls.from_settings(settings).database_url
    database = Database.open(url, Secrets(KEYS), application_name="probe", pool_size=1)
    async with probing(database) as probe:
        async with loaded(here) as load:
            await asyncio.sleep(STEADY)
            began = monotonic()
            await disturb()
            await asyncio.sleep(STEADY)
        gap, ended = probe.gap(began)
        late = load.late(ended)
        broken = await load.settle() + await _audit(settings)
    lost = await probe.lost()
    await database.close()
    if late > LATE_MAX:
        broken.append(f"a sync was settled {late:.1f} s after the database was back")
    broken += [f"{lost} acknowledged writes are lost"] if lost else []
    broken += [f"the API answered {kind}" for kind in load.answers if kind not in {"200", "202", "503"}]
    return Figures(what, gap, late, load, tuple(f"{what}: {line}" for line in broken), len(probe.times), lost)


async def _audit(settings: Settings) -> list[str]:
    logs = await operator.run_with(settings, lambda runtime: maintenance.verify(runtime, None))
    return [f"the audit log of {log.district} breaks at {log.broken_at}" for log in logs if log.broken_at]
