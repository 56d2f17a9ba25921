"""Serve the whole sandbox on four ports: Schoology, the SIS, the LTI platform, and the control API."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from gradesync_sandbox.control import control_app
from gradesync_sandbox.district import World
from gradesync_sandbox.faults import Faults
from gradesync_sandbox.faulty import with_faults
from gradesync_sandbox.lti.app import lti_app
from gradesync_sandbox.oneroster.app import create_app as oneroster_app
from gradesync_sandbox.oneroster.kinds import kind_of as oneroster_kind
from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.powerschool.app import create_app as powerschool_app
from gradesync_sandbox.powerschool.kinds import kind_of as powerschool_kind
from gradesync_sandbox.schoology.app import SchoologyApp
from gradesync_sandbox.schoology.routes import PREFIX
from gradesync_sandbox.schoology.routes import kind_of as schoology_kind
from gradesync_sandbox.serving import Served


class Sandbox:
    """Serve a world until it is left: `async with Sandbox(world) as s: s.schoology_url …`.

    `port` is the first of four consecutive ports; 0 takes free ones. The world may be changed while it
    is served, from the same event loop. With a `oneroster` face the SIS takes grades that way alone.
    """

    def __init__(
        self,
        world: World,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        oneroster: OneRoster | None = None,
    ) -> None:
        self.world = world
        self.oneroster = oneroster
        self.faults = Faults() if faults is None else faults
        own_clocks = (True, True, False, False)  # both systems date their answers by clocks of their own
        self.served = [
            Served(app, host, port and port + index, dated=not own_clock)
            for index, (app, own_clock) in enumerate(zip(self._apps(), own_clocks, strict=True))
        ]

    def _apps(self) -> tuple[ASGIApp, ASGIApp, ASGIApp, ASGIApp]:
        schoology = SchoologyApp(self.world.schoology)
        return (
            with_faults(schoology, "schoology", self.faults, schoology_kind),
            self._sis_app(),
            lti_app(self.world.lti),
            control_app(self.world, self.faults, self.oneroster),
        )

    def _sis_app(self) -> ASGIApp:
        if self.oneroster is not None:
            return with_faults(oneroster_app(self.oneroster), "oneroster", self.faults, oneroster_kind)
        return with_faults(
            powerschool_app(self.world.powerschool), "powerschool", self.faults, powerschool_kind
        )

    @property
    def schoology_url(self) -> str:
        """Return the base of Schoology's API, `/v1` included."""
        return self.served[0].url + PREFIX

    @property
    def sis_url(self) -> str:
        return self.served[1].url

    @property
    def lti_url(self) -> str:
        return self.served[2].url

    @property
    def control_url(self) -> str:
        return self.served[3].url

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(served.start() for served in self.served))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(served.stop() for served in self.served))
