"""Record which files and functions of gradesync a sync calls, in a process that is API and worker at once."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from gradesync.settings import Settings
from gradesync_sandbox.world import build
from harness.api import open_api
from harness.servers import Urls
from shape.sources import PACKAGE


@dataclass
class Calls:
    """Collect calls of functions.

    `functions` are (file, qualified name); a comprehension or a lambda is part of its function.
    """

    functions: set[tuple[str, str]] = field(default_factory=set)

    def add(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(f"{PACKAGE}/") and code.co_name[0] != "<":
            self.functions.add((code.co_filename, code.co_qualname))

    @property
    def files(self) -> set[str]:
        return {file for file, _ in self.functions}

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record what the block calls, in every thread."""
        threading.setprofile(self.add)
        sys.setprofile(self.add)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)


async def record_syncs(settings: Settings, urls: Urls) -> tuple[Calls, Calls]:
    """Return the calls of a first sync, and of one in which nothing changed.

    Of two such, those that both make: a periodic job may run beside one of them.
    """
    first, second, third = Calls(), Calls(), Calls()
    world = build(7, 1, 5, 8)
    async with open_api(settings, urls, world) as api:
        office = await api.office()
        for calls in (first, second, third):
            with calls.recorded():
                await api.sync(office)
    return first, Calls(second.functions & third.functions)
