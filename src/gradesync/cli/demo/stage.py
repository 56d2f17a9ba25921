"""Sets the stage of the demonstration: servers, an invented district, the API and a worker."""

import asyncio
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import httpx
from pydantic import SecretStr

from gradesync import embedded
from gradesync.cli import operator
from gradesync.cli.demo.process import last_words, started
from gradesync.cli.output import CommandError, out
from gradesync.cli.servers import bring_up, listen
from gradesync.runtime import Runtime
from gradesync.settings import Settings

Client = tuple[str, str]
"""A client's id and secret."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demonstration plays on.

    `sandbox` is what the sandbox says of itself. `front_end` exchanges launches for teachers' tokens,
    `office` reads the district's log.
    """

    sandbox: dict[str, Any]
    api: httpx.Client
    control: httpx.Client
    lti: httpx.Client
    front_end: Client
    office: Client

    @property
    def url(self) -> str:
        return str(self.api.base_url).rstrip("/")

    @property
    def course(self) -> str:
        """Where a browser finds the first section in Schoology, as its teacher, with our page in it."""
        first = self.sandbox["sections"][0]
        query = urlencode({"user": first["teacher_uid"], "section": first["id"]})
        return f"{self.sandbox['lti_url']}/course?{query}"


@contextmanager
def set_stage(host: str, port: int, *, seed: int, sections: int) -> Iterator[Stage]:
    """Start everything in a folder of its own, and leave nothing behind."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="gradesync-demo-"))
        folder.chmod(0o711)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with _step("PostgreSQL and Valkey run, from wheels"):
            servers = embedded.start(folder / "data", durable=False)
            stack.callback(servers.stop)
        settings = _settings(servers, _url(host, port))
        with _step("the database has its tables"):
            bring_up(settings)
        with _step("an invented district answers as Schoology, as PowerSchool and as LTI platform"):
            sandbox = _sandbox(stack, folder, settings.public_url, seed, sections)
        with _step(f"the API answers at {settings.public_url}, and a worker waits"):
            api = _gradesync(stack, folder, settings)
        with _step("the district is set up, with a client for its front-end and one for its office"):
            front_end, office = asyncio.run(_set_up(settings, (folder / "district.toml").read_text()))
        control, lti = (
            stack.enter_context(httpx.Client(base_url=sandbox[f"{name}_url"])) for name in ("control", "lti")
        )
        with _broken_off(folder):
            yield Stage(sandbox, api, control, lti, front_end, office)


@contextmanager
def _broken_off(folder: Path) -> Iterator[None]:
    """Show what the processes said last, where one of them stops answering."""
    try:
        yield
    except httpx.HTTPError as error:
        logs = (last_words(folder / f"{name}.log") for name in ("api", "worker", "sandbox"))
        raise CommandError(
            f"The demonstration broke off: {error}", "\n  ".join(filter(None, logs))
        ) from error


@contextmanager
def _step(done: str) -> Iterator[None]:
    began = monotonic()
    with out.status(done):
        yield
    out.print(f"  [green]✓[/] {done} [dim]({monotonic() - began:.1f} s)[/]")


def _url(host: str, port: int) -> str:
    with listen(host, port) as free:
        host, port = free.getsockname()[:2]
    return f"http://{host}:{port}"


def _settings(servers: embedded.Servers, url: str) -> Settings:
    return Settings(
        database_url=SecretStr(servers.database_url),
        migrate_database_url=SecretStr(servers.migrate_database_url),
        redis_url=SecretStr(servers.redis_url),
        secret_keys=(SecretStr(secrets.token_urlsafe(48)),),
        public_url=url,
        allow_private_network=True,
    )


def _sandbox(stack: ExitStack, folder: Path, url: str, seed: int, sections: int) -> dict[str, Any]:
    asked = ["gradesync_sandbox", "--json", "--seed", str(seed), "--sections", str(sections)]
    asked += ["--tool-url", url]
    asked += ["--schoology-window", "1"]  # on a new Redis a call budget begins with one empty window
    asked += ["--district-file", str(folder / "district.toml")]
    process = stack.enter_context(started("sandbox", asked, folder, {}))
    process.wait_until(lambda: process.output().endswith("\n"))
    told: dict[str, Any] = json.loads(process.output())
    return told


def _gradesync(stack: ExitStack, folder: Path, settings: Settings) -> httpx.Client:
    url = httpx.URL(settings.public_url)
    environment = settings.environment()
    listening = ["gradesync", "serve", "--host", url.host, "--port", str(url.port)]
    serve = stack.enter_context(started("api", listening, folder, environment))
    stack.enter_context(started("worker", ["gradesync", "worker"], folder, environment))
    api = stack.enter_context(httpx.Client(base_url=url, timeout=30))
    serve.wait_until(lambda: _ready(api))
    return api


def _ready(api: httpx.Client) -> bool:
    try:
        return api.get("/readyz").is_success
    except httpx.TransportError:
        return False


async def _set_up(settings: Settings, district_file: str) -> tuple[Client, Client]:
    async def do(runtime: Runtime) -> tuple[Client, Client]:
        district_id, _ = await operator.apply(runtime, district_file)
        office = ["syncs:read", "sections:read", "connections:check", "audit:read"]
        return (
            await operator.create_client(runtime, district_id, ["token:exchange"]),
            await operator.create_client(runtime, district_id, office),
        )

    return await operator.within(settings, do)
