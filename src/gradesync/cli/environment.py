"""Open the environment of a command: its settings, and the servers of its data folder."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, ValidationError

from gradesync import embedded
from gradesync.cli.output import CommandError, err
from gradesync.settings import PREFIX, Settings


@dataclass(frozen=True, slots=True)
class Environment:
    """Hold complete settings, and the embedded servers where they are used."""

    settings: Settings
    servers: embedded.Servers | None = None


@contextmanager
def open_settings() -> Iterator[Settings]:
    """Open an environment for its settings alone, for commands that end by themselves."""
    with open_environment() as environment:
        yield environment.settings


@contextmanager
def open_environment(*, start: bool = False) -> Iterator[Environment]:
    """Complete the settings of the process with the servers of the data folder, started where needed.

    `start`: make the data folder where there is none. The servers run until the end of the block.
    """
    settings = read_settings()
    with ExitStack() as stack:
        environment = Environment(settings)
        if settings.database_url is None or settings.redis_url is None:
            environment = stack.enter_context(_with_servers(settings, start=start))
        elif not settings.secret_keys:
            raise CommandError(
                f"{PREFIX}SECRET_KEYS is not set.",
                "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
            )
        yield environment


def read_settings() -> Settings:
    """Read the settings of the process. Raises `CommandError`."""
    try:
        return Settings()
    except ValidationError as error:
        lines = (_line(e["loc"], e["msg"]) for e in error.errors(include_url=False, include_input=False))
        raise CommandError("\n  ".join(["The settings cannot be used:", *lines]), "Correct them.") from None


def _line(location: tuple[int | str, ...], message: str) -> str:
    return f"{PREFIX}{str(location[0]).upper()}: {message}" if location else message


@contextmanager
def _with_servers(settings: Settings, *, start: bool) -> Iterator[Environment]:
    folder = settings.data_dir
    if not start and not folder.is_dir():
        raise CommandError(
            f"No database: {PREFIX}DATABASE_URL is not set, and there is no data folder {folder.absolute()}.",
            "Start `gradesync up` in this folder first, or set the URLs.",
        )
    with err.status("Starting PostgreSQL and Valkey"):
        servers = embedded.start(folder, durable=True)
    try:
        yield Environment(_complete(settings, servers), servers)
    finally:
        servers.stop()


def _complete(settings: Settings, servers: embedded.Servers) -> Settings:
    completed = settings.filled(
        redis_url=SecretStr(servers.redis_url), secret_keys=(_key(settings.data_dir),)
    )
    if settings.database_url is not None:
        return completed
    return completed.filled(
        database_url=SecretStr(servers.database_url),
        migrate_database_url=SecretStr(servers.migrate_database_url),
    )


def _key(folder: Path) -> SecretStr:
    """Return the data folder's own secret key, made at the first start."""
    file, draft = folder / "secret_key", folder / f"secret_key.{os.getpid()}"
    if not file.exists():
        draft.touch(0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):  # another process made one meanwhile
            os.link(draft, file)
        draft.unlink()
    return SecretStr(file.read_text())


def owner_url(settings: Settings) -> str:
    """Return the URL of the database's owner. Raises `CommandError` where it is not set."""
    if settings.migrate_database_url is None:
        raise CommandError(
            f"{PREFIX}MIGRATE_DATABASE_URL is not set.", "Migrations need the role that owns the database."
        )
    return settings.migrate_database_url.get_secret_value()
