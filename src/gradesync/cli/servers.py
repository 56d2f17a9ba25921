"""`up`, `serve`, `worker`, `migrate`: the processes of an installation."""

import asyncio
import gc
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gradesync.cli.environment import Place, owner_url, placed, read, settled
from gradesync.cli.output import CommandError, out
from gradesync.settings import Settings

if TYPE_CHECKING:
    from gradesync.cli.running import Application

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]


def up(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run everything in one place: API and worker, and PostgreSQL and Valkey where no URLs are set."""
    listener = listen(host, port)
    with placed(start=True) as place:
        settings = _at(place.settings, listener)
        if settings.migrate_database_url is not None:
            bring_up(settings)
        out.print(f"[bold]gradesync[/] is up at [link]{settings.public_url}/docs[/]")
        out.print(f"[dim]Ctrl-C ends it. What it knows stays in {settings.data_dir.absolute()}.[/]")
        with _loading():
            from gradesync.cli.serving import application
        _run(replace(place, settings=settings), listener, application, carry=True, name="up")


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the API."""
    listener = listen(host, port)
    with _loading():
        from gradesync.cli.serving import application
    with placed() as place:
        here = replace(place, settings=_at(place.settings, listener))
        _run(here, listener, application, carry=False, name="api")


def worker() -> None:
    """Carry syncs."""
    with _loading():
        from gradesync.cli.health import vitals
    with placed() as place:
        port = place.settings.metrics_port
        listener = None if port is None else listen("0.0.0.0", port)  # noqa: S104 - asked from elsewhere
        _run(place, listener, vitals, carry=True, name="worker")


def migrate(
    app_role: Annotated[
        str | None, typer.Option(help="The application's role; that of GRADESYNC_DATABASE_URL if not given.")
    ] = None,
) -> None:
    """Bring the database to this release, as its owner. Run it before the new processes."""
    from gradesync.observability.logs import configure_logging

    settings = read().filled(log_format=_form())
    configure_logging(settings.log_level, settings.log_format)
    if settings.migrate_database_url is not None:
        bring_up(settings, app_role)
    else:
        with settled() as found:
            bring_up(found, app_role)
    out.print("The database has every migration of this release.")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `CommandError` where the address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host} port {port}: {error.strerror}.", "Choose another --port."
        ) from None
    # asyncio leaves Nagle's delay on for sockets that do not name their protocol: 40 ms an answer.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _at(settings: Settings, listener: socket.socket) -> Settings:
    host, port = listener.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    return settings.filled(public_url=f"http://{host}:{port}", log_format=_form())


def _form() -> str:
    """How a process logs that nobody told: for whoever reads it."""
    return "text" if sys.stderr.isatty() else "json"


@contextmanager
def _loading() -> Iterator[None]:
    """Import without the garbage collector, which would go through all that is new in vain, many times."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _run(
    place: Place, listener: socket.socket | None, application: "Application", *, carry: bool, name: str
) -> None:
    """Run until a signal; raises `CommandError` where the embedded servers end first."""
    with _loading():
        from gradesync.cli.running import run
    running = run(
        place.settings,
        name=name,
        carry=carry,
        listener=listener,
        application=application,
        servers=place.servers,
    )
    asyncio.run(running)
    if place.servers is not None and place.servers.ended():
        raise CommandError(
            f"The PostgreSQL and Valkey of {place.settings.data_dir.absolute()} have ended.",
            "Start this again: it starts them too, and no sync is lost.",
        )


def bring_up(settings: Settings, app_role: str | None = None) -> None:
    """Bring the database to this release. Raises `CommandError` where the roles are not known."""
    from sqlalchemy import make_url

    from gradesync.db.migrate import upgrade

    if app_role is None and settings.database_url is not None:
        app_role = make_url(settings.database_url.get_secret_value()).username
    if app_role is None:
        raise CommandError(
            "Which role is the application's?", "Give --app-role, or set GRADESYNC_DATABASE_URL."
        )
    asyncio.run(upgrade(owner_url(settings), app_role))
