"""Run every cell of the fault and crash matrices, a burst, and long random histories: `make soak`.

`python -m soak [matrix] [crashes] [stops] [burst] [histories] [year] [previews]` runs some of them, for
minutes to an hour; `year=20` runs twenty random histories of a part.
Prints one table, and every broken promise as a sentence; ends with 1 where there is one.
"""

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from hypothesis import HealthCheck
from hypothesis import settings as chance
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from pydantic import SecretStr
from sqlalchemy import make_url

from gradesync import embedded
from gradesync.cli.output import make_table, out
from gradesync.db import migrate
from gradesync.db.codec import Secrets
from gradesync.db.session import Database
from gradesync.settings import Settings
from gradesync_sandbox.faults import Done
from harness.burst import Burst, run_burst
from harness.crashes import Crash, count_calls, run_crash
from harness.environment import Environment, open_environment
from harness.fault_matrix import EFFECTS, PHASES, FaultCell, Scale, list_call_kinds, run_cell
from harness.previews import check_worlds
from harness.sis_kinds import POWERSCHOOL, ROSTER_KINDS
from harness.state_machine import SectionMachine
from harness.year import YearMachine

AT_ONCE = 8
KEYS = ("a key for soaking only, and long enough for that",)


@dataclass(frozen=True)
class Figures:
    """Hold one line of the table. `broken` are sentences, one for each broken promise."""

    what: str
    runs: int
    faults: int
    syncs: int
    broken: tuple[str, ...]

    def of(self, *signs: str) -> int:
        return sum(any(sign in line for sign in signs) for line in self.broken)

    @property
    def row(self) -> tuple[str, ...]:
        twice = self.of("times", "stood there already", "another sync writes", "third sync writes")
        lost = self.of("is not there", "holds", " has ")
        stuck = self.of("has not ended")
        rest = len(self.broken) - twice - lost - stuck
        return self.what, *(f"{n:,}" for n in (self.runs, self.faults, self.syncs, twice, lost, stuck, rest))


HEADINGS = ("", "runs", "faults", "syncs", "twice", "lost", "stuck", "other")


async def matrix(environment: Environment, settings: Settings) -> AsyncIterator[Awaitable[list[str]]]:
    """Strike every kind of call with every fault, once and for as long as the sync lasts."""
    scale = Scale(assignments=3, students=5)
    for phase in PHASES:
        for system, kind in await list_call_kinds(environment, phase, scale):
            for effect in EFFECTS:
                for lasting in (False, True):
                    yield run_cell(environment, FaultCell(phase, system, kind, effect, lasting), scale)


async def crashes(
    environment: Environment, settings: Settings, by: signal.Signals = signal.SIGKILL
) -> AsyncIterator[Awaitable[list[str]]]:
    """End a worker process at every call of three phases, before and after its effect."""
    moments: tuple[Done, Done] = ("before", "after")
    for phase in ("first sync", "change", "recreate"):
        for system, calls in (await count_calls(environment, phase, Scale())).items():
            for nth in range(1, calls + 1):
                for when in moments:
                    crash = Crash(phase, system, nth, when, by)
                    yield run_crash(environment, settings, crash, Scale())


async def burst(environment: Environment, settings: Settings) -> AsyncIterator[Awaitable[list[str]]]:
    """Run bursts of many sections, with scores that change, faults, and four workers."""
    for seed in range(1, 11):
        yield run_burst(environment, Burst(seed))


PARTS: dict[str, Callable[[Environment, Settings], AsyncIterator[Awaitable[list[str]]]]] = {
    "matrix": matrix,
    "crashes": crashes,
    "stops": partial(crashes, by=signal.SIGTERM),
    "burst": burst,
}
ALONE = {"crashes", "stops"}
"""List parts whose workers would run each other's syncs."""


async def measured(name: str, settings: Settings) -> Figures:
    """Run one part on an environment of its own."""
    async with _test_environment(settings) as environment:
        slots = asyncio.Semaphore(1 if name in ALONE else AT_ONCE)

        async def run(one: Awaitable[list[str]]) -> list[str]:
            async with slots:
                return await one

        waiting = [asyncio.ensure_future(run(one)) async for one in PARTS[name](environment, settings)]
        broken = await asyncio.gather(*waiting)
        seen = environment.seen
        return Figures(name, len(waiting), seen.faults, seen.syncs, _flat(broken))


def run_machine(
    machine: type[RuleBasedStateMachine],
    steps: int,
    environment: Environment,
    loop: asyncio.AbstractEventLoop,
    profile: chance,
) -> None:
    """Run a state machine, each time for at most so many steps."""
    long = type("LongHistory", (machine,), {"environment": environment, "loop": loop})
    run_state_machine_as_test(long, settings=chance(profile, stateful_step_count=steps))


def run_previews(environment: Environment, loop: asyncio.AbstractEventLoop, profile: chance) -> None:
    """Compare previews with their syncs, on every kind of SIS."""
    check_worlds(environment, loop, [POWERSCHOOL] * len(ROSTER_KINDS) + list(ROSTER_KINDS), profile)


HISTORIES: dict[str, tuple[Callable[[Environment, asyncio.AbstractEventLoop, chance], None], int]] = {
    "histories": (partial(run_machine, SectionMachine, 30), 150),
    "year": (partial(run_machine, YearMachine, 50), 60),
    "previews": (run_previews, 300),
}
"""List random histories: what runs them, and how many."""


def lived(name: str, settings: Settings, wanted: str) -> Figures:
    """Run long random histories; the first broken promise ends them, with the steps that lead there.

    `wanted` is how many, empty for as many as are listed.
    """
    run, runs = HISTORIES[name]
    runs = int(wanted or runs)
    loop = asyncio.new_event_loop()
    opened = _test_environment(settings)
    environment = loop.run_until_complete(opened.__aenter__())
    broken: tuple[str, ...] = ()
    profile = chance(max_examples=runs, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    try:
        run(environment, loop, profile)
    except (AssertionError, ExceptionGroup) as error:  # a group where several promises broke
        errors = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
        broken = tuple("\n".join([str(one), *getattr(one, "__notes__", ())]) for one in errors)
    finally:
        loop.run_until_complete(opened.__aexit__(None, None, None))
        loop.close()
    return Figures(name, runs, environment.seen.faults, environment.seen.syncs, broken)


def _flat(lines: Iterable[list[str]]) -> tuple[str, ...]:
    return tuple(line for some in lines for line in some)


@asynccontextmanager
async def _test_environment(settings: Settings) -> AsyncIterator[Environment]:
    assert settings.database_url is not None
    assert settings.redis_url is not None
    url = settings.database_url.get_secret_value()
    database = Database.open(url, Secrets(KEYS), application_name="soak", pool_size=30)
    async with open_environment(database, settings.redis_url.get_secret_value()) as environment:
        yield environment
    await database.close()


async def _migrated(settings: Settings) -> None:
    assert settings.migrate_database_url is not None
    assert settings.database_url is not None
    role = make_url(settings.database_url.get_secret_value()).username or ""
    await migrate.upgrade(settings.migrate_database_url.get_secret_value(), role)


def main(names: list[str]) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)  # calls that were given up
    asked = {part: runs for part, _, runs in (name.partition("=") for name in names)}
    chosen = asked or dict.fromkeys([*PARTS, *HISTORIES], "")
    with tempfile.TemporaryDirectory(prefix="gradesync-soak-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        servers = embedded.start(folder / "data", durable=False)
        settings = Settings(
            database_url=SecretStr(servers.database_url),
            migrate_database_url=SecretStr(servers.migrate_database_url),
            redis_url=SecretStr(servers.redis_url),
            secret_keys=tuple(map(SecretStr, KEYS)),
            allow_private_network=True,
        )
        asyncio.run(_migrated(settings))
        figures = [asyncio.run(measured(part, settings)) for part in PARTS if part in chosen]
        figures += [lived(name, settings, chosen[name]) for name in HISTORIES if name in chosen]
        servers.stop()
    for line in (line for one in figures for line in one.broken):
        out.print(line, highlight=False, markup=False)
    shown = make_table("What was broken on purpose, and what broke with it", *HEADINGS)
    for one in figures:
        shown.add_row(*one.row)
    out.print(shown)
    return int(any(one.broken for one in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
