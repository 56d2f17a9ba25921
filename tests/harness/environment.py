"""Open districts on the servers and connections that all of them share."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
import structlog

from gradesync.core.sis import Policy
from gradesync.db.session import Database
from gradesync.redis_client.pool import RedisClient, open_redis
from gradesync.sync.context import SyncLimits
from gradesync.upstream.egress import GuardedClient, open_client
from gradesync_sandbox.district import World
from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build
from harness.contexts import BUSY_REDIS_SECONDS, LIMITS, new_context
from harness.district import DistrictHarness
from harness.known_districts import district_of, mark_budgets_known, register_district

_numbers = count(1)


@dataclass
class Totals:
    """Count the faults that struck and the syncs requested, in all districts of an environment."""

    faults: int = 0
    syncs: int = 0


@dataclass(frozen=True)
class Environment:
    """Hold what districts share: the servers, one HTTP client, one Redis connection."""

    database: Database
    redis: RedisClient
    client: GuardedClient
    seen: Totals = field(default_factory=Totals)

    @asynccontextmanager
    async def open_district(
        self,
        world: World,
        *,
        limits: SyncLimits = LIMITS,
        policy: Policy | None = None,
        oneroster: OneRoster | None = None,
    ) -> AsyncIterator[DistrictHarness]:
        """Serve a world and register its district; with a face its SIS takes grades over OneRoster."""
        async with Sandbox(world, oneroster=oneroster) as sandbox:
            name = f"district-{next(_numbers)}"
            # An installation may be of one district only.
            district = replace(district_of(sandbox, name), lti=None, lti11=None)
            if policy is not None:
                district = replace(district, policy=policy)
            await register_district(self.database, district)
            context = new_context(self.database, self.client, self.redis, limits)
            harness = DistrictHarness(world, sandbox, district, context, self.redis, self.client)
            try:
                yield harness
            finally:
                self.seen.faults += len(harness.faults.struck)
                self.seen.syncs += harness.requested


@asynccontextmanager
async def open_environment(
    database: Database, redis_url: str, patience_seconds: float = BUSY_REDIS_SECONDS
) -> AsyncIterator[Environment]:
    async with AsyncExitStack() as stack:
        redis = open_redis(redis_url, patience_seconds=patience_seconds)
        stack.push_async_callback(redis.aclose)
        await mark_budgets_known(redis)
        client = await stack.enter_async_context(open_client(allow_private_network=True, connections=400))
        yield Environment(database, redis, client)


@pytest.fixture
async def environment(database: Database, redis_url: str) -> AsyncIterator[Environment]:
    """Open an environment, with logging off: it would report hundreds of faults."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=False,  # a command of an earlier test may have set it: it would stay off
    )
    async with open_environment(database, redis_url) as opened:
        yield opened
    structlog.reset_defaults()


@pytest.fixture
async def harness(environment: Environment) -> AsyncIterator[DistrictHarness]:
    """Open a district of two assignments and three students, nothing synced yet."""
    async with environment.open_district(build(7, 1, 3, 2, ideal=True)) as harness:
        yield harness
