"""Record what a process sends to its database and to Redis, and send it again by the bare libraries.

Of the database it is what runs on the driver itself, with BEGIN and COMMIT; not what SQLAlchemy prepares.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from redis.asyncio import Redis
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass
class Statements:
    """Hold the statements sent while `on`: each with its arguments, in their order."""

    on: bool = False
    sent: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def listen(self, engine: AsyncEngine) -> None:
        """Record on each connection of the pool."""
        event.listen(engine.sync_engine, "checkout", self._follow)

    def _follow(self, connection: Any, *_: object) -> None:
        connection.driver_connection.add_query_logger(self._record)

    def _record(self, query: Any) -> None:
        if self.on:
            self.sent.append((query.query, query.args))


class RecordedRedis(Redis):
    """Run commands over the connections of another client, and record them."""

    def __init__(self, client: Redis) -> None:
        super().__init__(connection_pool=client.connection_pool)
        self.sent: list[tuple[Any, ...]] = []

    async def execute_command(self, *command: Any, **options: Any) -> Any:
        self.sent.append(command)
        return await super().execute_command(*command, **options)  # type: ignore[no-untyped-call]  # redis-py's own


async def send_statements(
    connection: asyncpg.Connection, sent: Iterable[tuple[str, tuple[Any, ...]]]
) -> None:
    """Run statements again. What was claimed and ended is so no more: they find nothing left to do."""
    for statement, arguments in sent:
        if arguments:
            await connection.fetch(statement, *arguments)
        else:
            await connection.execute(statement)


async def send_commands(redis: Redis, sent: Iterable[tuple[Any, ...]]) -> None:
    """Run commands again."""
    for command in sent:
        await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's own
