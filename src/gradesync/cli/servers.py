"""Define the commands `up`, `serve`, `worker`, `migrate`: the processes of an installation."""

import asyncio
import gc
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gradesync.cli.environment import (
    Environment,
    open_environment,
    open_settings,
    owner_url,
    read_settings,
)
from gradesync.cli.output import CommandError, out
from gradesync.settings import Settings

if TYPE_CHECKING:
    from gradesync.cli.running import Application, Work
    from gradesync.db.partitions import Maintained

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]


def up(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run everything in one place: API and worker, and PostgreSQL and Valkey where no URLs are set."""
    with listen(host, port) as listener, open_environment(start=True) as environment:
        settings = _with_address(environment.settings, listener)
        if settings.migrate_database_url is not None:
            upgrade_database(settings)
        out.print(f"[bold]gradesync[/] is up at [link]{settings.public_url}/docs[/]")
        out.print(f"[dim]Ctrl-C ends it. Its data stays in {settings.data_dir.absolute()}.[/]")
        with _loading():
            from gradesync.cli.serving import application
            from gradesync.worker.pool import run_worker
        _run(replace(environment, settings=settings), listener, application, run_worker, name="up")


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the API."""
    with listen(host, port) as listener:
        with _loading():
            from gradesync.cli.serving import application
        with open_environment() as environment:
            listening = replace(environment, settings=_with_address(environment.settings, listener))
            _run(listening, listener, application, None, name="api")


def worker() -> None:
    """Run syncs."""
    with _loading():
        from gradesync.cli.health import health_app
        from gradesync.worker.pool import run_worker
    with open_environment() as environment:
        port = environment.settings.metrics_port
        listener = None if port is None else listen("0.0.0.0", port)  # noqa: S104 - scraped from other machines
        _run(environment, listener, health_app, run_worker, name="worker")


def migrate(
    app_role: Annotated[
        str | None, typer.Option(help="The application's role; that of GRADESYNC_DATABASE_URL if not given.")
    ] = None,
) -> None:
    """Bring the database to this release, as its owner. Run it before the new processes."""
    settings = _configure()
    if settings.migrate_database_url is not None:
        upgrade_database(settings, app_role)
    else:
        with open_settings() as complete:
            upgrade_database(complete, app_role)
    out.print("The database has every migration of this release.")


def maintain() -> None:
    """Make partitions for coming weeks and months, and drop those past their time. Run it every day."""
    settings = _configure()
    if settings.migrate_database_url is not None:
        report = maintain_database(settings)
    else:
        with open_settings() as complete:
            report = maintain_database(complete)
    out.print(
        f"Partitions made: {len(report.made)}, with {report.moved} rows moved into them; "
        f"dropped: {len(report.dropped)}. Rows deleted by a district's policy: {report.deleted}."
    )


def _configure() -> Settings:
    """Read the settings of a command of the owner, and log by them."""
    from gradesync.observability.logs import configure_logging

    settings = read_settings().filled(log_format=_log_format())
    configure_logging(settings.log_level, settings.log_format)
    return settings


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket. Raises `CommandError` where the address is not free."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host} port {port}: {error.strerror}.", "Choose another --port."
        ) from None
    # asyncio leaves Nagle's delay on for sockets that do not name their protocol: 40 ms a response.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _with_address(settings: Settings, listener: socket.socket) -> Settings:
    host, port = listener.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    return settings.filled(public_url=f"http://{host}:{port}", log_format=_log_format())


def _log_format() -> str:
    """Choose the format of logs: text on a terminal, else JSON."""
    return "text" if sys.stderr.isatty() else "json"


@contextmanager
def _loading() -> Iterator[None]:
    """Import without the garbage collector, which would scan all new objects in vain, many times."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _run(
    environment: Environment,
    listener: socket.socket | None,
    application: "Application",
    work: "Work | None",
    *,
    name: str,
) -> None:
    """Run until a signal; raises `CommandError` where the embedded servers end first."""
    with _loading():
        from gradesync.cli.running import run
    process = run(
        environment.settings,
        name=name,
        work=work,
        listener=listener,
        application=application,
        servers=environment.servers,
    )
    asyncio.run(process)
    if environment.servers is not None and environment.servers.ended():
        raise CommandError(
            f"The PostgreSQL and Valkey of {environment.settings.data_dir.absolute()} have ended.",
            "Start this again: it starts them too, and no sync is lost.",
        )


def upgrade_database(settings: Settings, app_role: str | None = None) -> None:
    """Upgrade the database to this release. Raises `CommandError` where the roles are not known."""
    from sqlalchemy import make_url

    from gradesync.db.migrate import upgrade

    if app_role is None and settings.database_url is not None:
        app_role = make_url(settings.database_url.get_secret_value()).username
    if app_role is None:
        raise CommandError(
            "Which role is the application's?", "Give --app-role, or set GRADESYNC_DATABASE_URL."
        )
    asyncio.run(upgrade(owner_url(settings), app_role))
    maintain_database(settings)


def maintain_database(settings: Settings) -> "Maintained":
    """Bring the partitions up to date, as the database's owner. Raises `CommandError` where none is set."""
    from gradesync.db.partitions import maintain

    return asyncio.run(maintain(owner_url(settings)))
