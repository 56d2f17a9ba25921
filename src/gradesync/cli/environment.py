"""Where a command runs: its settings, and the servers that its data folder holds."""

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
class Place:
    """Complete settings, and the embedded servers where they tell of such."""

    settings: Settings
    servers: embedded.Servers | None = None


@contextmanager
def settled() -> Iterator[Settings]:
    """The settings of `placed`, for commands that end by themselves."""
    with placed() as place:
        yield place.settings


@contextmanager
def placed(*, start: bool = False) -> Iterator[Place]:
    """Complete settings: the environment's, and for the rest the servers of the data folder.

    `start`: make the data folder where there is none. The servers are held until the end of the block.
    """
    settings = read()
    with ExitStack() as stack:
        place = Place(settings)
        if settings.database_url is None or settings.redis_url is None:
            place = stack.enter_context(_with_servers(settings, start=start))
        elif not settings.secret_keys:
            raise CommandError(
                f"{PREFIX}SECRET_KEYS is not set.",
                "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
            )
        yield place


def read() -> Settings:
    """The environment's settings. Raises `CommandError`."""
    try:
        return Settings()
    except ValidationError as error:
        lines = (_line(e["loc"], e["msg"]) for e in error.errors(include_url=False, include_input=False))
        raise CommandError("\n  ".join(["The settings cannot be used:", *lines]), "Correct them.") from None


def _line(where: tuple[int | str, ...], what: str) -> str:
    return f"{PREFIX}{str(where[0]).upper()}: {what}" if where else what


@contextmanager
def _with_servers(settings: Settings, *, start: bool) -> Iterator[Place]:
    folder = settings.data_dir
    if not start and not folder.is_dir():
        raise CommandError(
            f"No database: {PREFIX}DATABASE_URL is not set, and there is no data folder {folder.absolute()}.",
            "Start `gradesync up` in this folder first, or set the URLs.",
        )
    with err.status("PostgreSQL and Valkey start"):
        servers = embedded.start(folder, durable=True)
    try:
        yield Place(_filled(settings, servers), servers)
    finally:
        servers.stop()


def _filled(settings: Settings, servers: embedded.Servers) -> Settings:
    found = settings.filled(redis_url=SecretStr(servers.redis_url), secret_keys=(_key(settings.data_dir),))
    if settings.database_url is not None:
        return found
    return found.filled(
        database_url=SecretStr(servers.database_url),
        migrate_database_url=SecretStr(servers.migrate_database_url),
    )


def _key(folder: Path) -> SecretStr:
    """The data folder's own secret key, made at the first start."""
    file, draft = folder / "secret_key", folder / f"secret_key.{os.getpid()}"
    if not file.exists():
        draft.touch(0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):  # another process made one meanwhile
            os.link(draft, file)
        draft.unlink()
    return SecretStr(file.read_text())


def owner_url(settings: Settings) -> str:
    """The database's owner. Raises `CommandError` where only the application's role is known."""
    if settings.migrate_database_url is None:
        raise CommandError(
            f"{PREFIX}MIGRATE_DATABASE_URL is not set.", "Migrations need the role that owns the database."
        )
    return settings.migrate_database_url.get_secret_value()
