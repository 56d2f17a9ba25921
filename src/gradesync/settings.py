"""Read the settings, all that differs between installations, once from `GRADESYNC_…`.

No other module reads the environment.
"""

import re
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "GRADESYNC_"
DRIVER = "postgresql+asyncpg"
DATABASE_FORM = (
    "postgresql://role:password@host:port/name, each part percent-encoded, and ?ssl=require for TLS"
)


class Settings(BaseSettings):
    """Hold one process's settings. The URLs and the keys may be absent: `gradesync up` then provides them.

    `secret_keys` are comma-separated in the environment; the first encrypts and signs, all of them
    decrypt and verify, so that a key can be rotated without losing anything.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL, as the role without ownership; may name several hosts, or a pooler",
    )
    migrate_database_url: SecretStr | None = Field(
        None, description="PostgreSQL, as the owner and past any pooler: migrations"
    )
    redis_url: SecretStr | None = Field(
        None,
        description="Redis or Valkey, or its sentinels: `redis+sentinel://:password@host,host/0?service=name`",
    )
    redis_patience_seconds: float = Field(
        0.5, gt=0, description="how long Redis may take to answer; a sync goes on without it"
    )
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="secrets of 32 characters or more, comma-separated, the newest first"
    )
    report_key: SecretStr | None = Field(
        None, description="the Ed25519 key that signs statements: a PEM, or the base64 text of its seed"
    )
    public_url: str = Field("http://127.0.0.1:8000", description="where clients reach the API")
    allow_private_network: bool = Field(
        False, description="districts may name http and private addresses: for development"
    )
    data_dir: Path = Field(Path(".gradesync"), description="data of the embedded servers")

    max_syncs: int = Field(10, ge=1, description="syncs that one worker runs at once")
    per_district: int = Field(4, ge=1, description="syncs of one district at once, over all workers")
    lease_seconds: float = Field(
        60, gt=0, description="how long a worker's lease on a sync lasts without renewal"
    )
    slice_seconds: float = Field(30, gt=0, description="a longer sync goes back to the queue after this")
    settle_seconds: float = Field(900, gt=0, description="every sync ends this long after it could start")
    sweep_seconds: float = Field(5, gt=0, description="how often lost and overdue syncs are looked for")
    call_timeout_seconds: float = Field(30, gt=0, description="the longest that one upstream call may take")
    requests_per_minute: int = Field(
        60,
        ge=1,
        description="changes and syncs one teacher may request; a client or an address: 20 times that",
    )
    token_requests_per_minute: int = Field(
        600, ge=1, description="tokens that one client, or one address, may request"
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="proxies whose X-Forwarded-For is trusted, comma-separated"
    )
    score_batch: int = Field(500, ge=1, description="scores in one call to the SIS")
    database_pool: int = Field(10, ge=1, description="connections to PostgreSQL of one process")
    drain_seconds: float = Field(20, ge=0, description="how long requests may go on after SIGTERM")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="what is logged")
    log_format: Literal["json", "text"] = Field("json", description="how it is logged")
    metrics_port: int | None = Field(None, description="a port for a worker's /healthz, /readyz, /metrics")
    traces_endpoint: str | None = Field(
        None, description="where spans are sent, by OTLP over HTTP; needs the extra `traces`"
    )

    def filled(self, **values: object) -> "Settings":
        """Return a copy with other values where nothing was set."""
        return self.model_copy(
            update={name: value for name, value in values.items() if name not in self.model_fields_set}
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that give another process these settings."""
        return {PREFIX + name.upper(): _plain(getattr(self, name)) for name in sorted(self.model_fields_set)}

    @field_validator("database_url", "migrate_database_url")
    @classmethod
    def _complete_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(with_driver(value.get_secret_value()))

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from gradesync.redis_client.urls import check_url  # noqa: PLC0415 - loads the client of Redis

            check_url(value.get_secret_value())
        return value

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("secret_keys")
    @classmethod
    def _check_key_lengths(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < 32 for key in value):
            raise ValueError("each key needs 32 characters or more")
        return value

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        if self.lease_seconds <= self.call_timeout_seconds:
            raise ValueError("LEASE_SECONDS must be longer than CALL_TIMEOUT_SECONDS")
        if self.settle_seconds <= 2 * self.call_timeout_seconds:  # no call to the SIS could begin
            raise ValueError("SETTLE_SECONDS must be longer than two CALL_TIMEOUT_SECONDS")
        return self

    @field_validator("public_url")
    @classmethod
    def _strip_slash(cls, value: str) -> str:
        return value.rstrip("/")


def with_driver(url: str) -> str:
    """Return the URL of a database as SQLAlchemy takes it. Raises `ValueError`, which shows nothing of it."""
    import asyncpg  # noqa: PLC0415 - not every command has a database
    from sqlalchemy.dialects.postgresql.asyncpg import dialect  # noqa: PLC0415 - likewise
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - likewise
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - likewise

    given = re.sub(r"^postgres(ql)?://", f"{DRIVER}://", url)
    try:
        parsed = make_url(given)
        connecting: Any = dialect  # SQLAlchemy's own, without types
        _, options = connecting().create_connect_args(parsed)
    except (ArgumentError, ValueError):
        raise ValueError(f"write it as {DATABASE_FORM}") from None
    known = {*signature(asyncpg.connect).parameters, "prepared_statement_cache_size"}
    if parsed.drivername != DRIVER or not options.keys() <= known:
        raise ValueError(f"write it as {DATABASE_FORM}")
    return given


def _plain(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(map(_plain, value))
        case _:
            return str(value)
