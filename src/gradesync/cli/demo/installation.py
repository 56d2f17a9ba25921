"""Start the installation of the demonstration: servers, an invented district, the API and a worker."""

import asyncio
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
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
from gradesync.cli.demo.process import last_lines, start
from gradesync.cli.output import CommandError, out
from gradesync.cli.servers import listen, upgrade_database
from gradesync.core.catalog import use_sis_name
from gradesync.runtime import Runtime
from gradesync.settings import Settings

Client = tuple[str, str]  # its id and its secret


@dataclass(frozen=True, slots=True)
class Installation:
    """Hold clients of everything that the demonstration runs.

    `sandbox` is the sandbox's description of itself. `front_end` exchanges launches for teachers' tokens,
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
        """Return the URL of the first section in Schoology, for its teacher, with our page in it."""
        return self._open(self.sandbox["sections"][0]["teacher_uid"])

    @property
    def console(self) -> str:
        """Return the URL of the same section for a system admin, to whom our page opens as the console."""
        return self._open(self.sandbox["admin_uid"])

    def _open(self, user: str) -> str:
        query = urlencode({"user": user, "section": self.sandbox["sections"][0]["id"]})
        return f"{self.sandbox['lti_url']}/course?{query}"


@contextmanager
def start_all(host: str, port: int, *, seed: int, sections: int, sis: str) -> Iterator[Installation]:
    """Start everything in a temporary folder, which is removed at the end."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="gradesync-demo-"))
        folder.chmod(0o711)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with _step("PostgreSQL and Valkey run, from wheels"):
            servers = embedded.start(folder / "data", durable=False)
            stack.callback(servers.stop)
        settings = _settings(servers, _url(host, port))
        with _step("the database has its tables"):
            upgrade_database(settings)
        with _step("an invented district has Schoology, a SIS and an LTI platform"):
            options = ("--seed", str(seed), "--sections", str(sections), "--sis", sis)
            sandbox = _sandbox(stack, folder, settings.public_url, options)
        with _step(f"the API responds at {settings.public_url}, and a worker waits"):
            api = _gradesync(stack, folder, settings)
        with _step("the district is set up, with clients for its page and its office"):
            front_end, office = asyncio.run(_set_up(settings, (folder / "district.toml").read_text()))
        control, lti = (
            stack.enter_context(httpx.Client(base_url=sandbox[f"{name}_url"])) for name in ("control", "lti")
        )
        with _report_failure(folder):
            yield Installation(sandbox, api, control, lti, front_end, office)


@contextmanager
def _report_failure(folder: Path) -> Iterator[None]:
    """Show the last lines of the logs, where a process stops responding."""
    try:
        yield
    except httpx.HTTPError as error:
        logs = (last_lines(folder / f"{name}.log") for name in ("api", "worker", "sandbox"))
        raise CommandError(f"The demonstration failed: {error}", "\n  ".join(filter(None, logs))) from error


@contextmanager
def _step(done: str) -> Iterator[None]:
    start_time = monotonic()
    with out.status(done):
        yield
    out.print(f"  [green]✓[/] {done} [dim]({monotonic() - start_time:.1f} s)[/]")


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


def _sandbox(stack: ExitStack, folder: Path, url: str, options: Sequence[str]) -> dict[str, Any]:
    arguments = ["gradesync_sandbox", "--json", *options]
    arguments += ["--tool-url", url]
    arguments += ["--schoology-window", "1"]  # on a new Redis a call budget begins with one empty window
    arguments += ["--district-file", str(folder / "district.toml")]
    process = stack.enter_context(start("sandbox", arguments, folder, {}))
    process.wait_until(lambda: process.output().endswith("\n"))
    description: dict[str, Any] = json.loads(process.output())
    use_sis_name(description["district"]["sis"]["name"])
    return description


def _gradesync(stack: ExitStack, folder: Path, settings: Settings) -> httpx.Client:
    url = httpx.URL(settings.public_url)
    environment = settings.environment()
    arguments = ["gradesync", "serve", "--host", url.host, "--port", str(url.port)]
    serve = stack.enter_context(start("api", arguments, folder, environment))
    stack.enter_context(start("worker", ["gradesync", "worker"], folder, environment))
    api = stack.enter_context(httpx.Client(base_url=url, timeout=30))
    serve.wait_until(lambda: _ready(api))
    return api


def _ready(api: httpx.Client) -> bool:
    try:
        return api.get("/readyz").is_success
    except httpx.TransportError:
        return False


OPERATOR = """
[console]
system_admins = "operator"
"""


async def _set_up(settings: Settings, district_file: str) -> tuple[Client, Client]:
    async def set_up(runtime: Runtime) -> tuple[Client, Client]:
        district_id, _ = await operator.apply(runtime, district_file + OPERATOR)
        office = ["syncs:read", "sections:read", "connections:check", "audit:read"]
        return (
            await operator.create_client(runtime, district_id, ["token:exchange"]),
            await operator.create_client(runtime, district_id, office),
        )

    return await operator.run_with(settings, set_up)
