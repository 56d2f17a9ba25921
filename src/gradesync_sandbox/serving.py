"""Serve ASGI applications on real sockets, inside the running event loop."""

import asyncio
import socket
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 1.0


@dataclass(eq=False)
class Served:
    """Serve one application on one port, taken at once; it responds from `start` to `stop`.

    With `dated` off the application sends the `Date` header itself.
    """

    app: ASGIApp
    host: str
    port: int = 0
    dated: bool = True
    listener: socket.socket = field(init=False)
    server: uvicorn.Server = field(init=False)
    answering: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.listener = socket.create_server((self.host, self.port))
        # asyncio leaves Nagle's delay on for sockets that do not name their protocol: 40 ms an answer.
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.listener.getsockname()[1]
        config = uvicorn.Config(
            self.app,
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=self.dated,
            server_header=False,
            proxy_headers=False,
        )
        self.server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Respond from now on. `Server.serve` would take the signals of the process too: hence its parts."""
        self.server.config.load()
        self.server.lifespan = self.server.config.lifespan_class(self.server.config)
        await self.server.startup(sockets=[self.listener])
        self.answering = asyncio.create_task(self.server.main_loop())

    async def stop(self) -> None:
        """Give the port back, end open connections, and wait a moment for what is being answered.

        `Server.shutdown` would wait for several tenths of a second, which each test would pay.
        """
        if self.answering is not None:
            self.answering.cancel()
            state = self.server.server_state
            for listening in self.server.servers:
                listening.close()
            for connection in [*state.connections]:
                connection.shutdown()
            await asyncio.sleep(0)
            if state.tasks:
                _, late = await asyncio.wait(state.tasks, timeout=GRACE_SECONDS)
                for task in late:
                    task.cancel()
        self.listener.close()
