"""Test that settings come from the environment, are checked, and can be passed to another process."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from gradesync.settings import Settings


def test_environment_is_read_with_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADESYNC_REDIS_URL", "redis://example:6379/0")
    monkeypatch.setenv("GRADESYNC_PER_DISTRICT", "7")
    monkeypatch.setenv("GRADESYNC_PUBLIC_URL", "https://grades.example.org/")
    settings = Settings()
    assert settings.redis_url == SecretStr("redis://example:6379/0")
    assert settings.per_district == 7
    assert settings.public_url == "https://grades.example.org"


def test_keys_are_separated_by_commas_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADESYNC_SECRET_KEYS", f"{'n' * 32}, {'o' * 40}")
    assert [key.get_secret_value() for key in Settings().secret_keys] == ["n" * 32, "o" * 40]


def test_sentinels_without_a_service_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADESYNC_REDIS_URL", "redis+sentinel://:hidden@one/0")
    with pytest.raises(ValidationError, match=r"\?service=name") as caught:
        Settings()
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "hidden",
        "mysql://u:hidden@h/d",
        "postgresql+psycopg://u:hidden@h/d",
        "postgresql://u@h:hidden/d",
        "postgresql://u:p@h/d?hidden=1",
        "postgresql://u:hidden@h/d?sslmode=require",
        "postgresql://u:hidden@h/d?host=a:1&host=b:x",
        "postgresql://u:hidden@h/d?prepared_statement_cache_size=x",
    ],
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "MIGRATE_DATABASE_URL"])
def test_nonsense_for_a_database_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    monkeypatch.setenv(f"GRADESYNC_{name}", url)
    with pytest.raises(ValidationError, match="write it as postgresql://") as caught:
        Settings()
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "hidden",
        "postgresql://u:hidden@h/d",
        "redis://:hidden/more@h/0",
        "redis://[h:hidden",
        "redis://:hidden@h:70000/0",
        "redis://:p@h/0?hidden=1",
        "redis://:hidden@h/0?db=x",
        "rediss://:hidden@h/0?ssl_cert_reqs=hidden",
    ],
)
def test_nonsense_for_redis_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("GRADESYNC_REDIS_URL", url)
    with pytest.raises(ValidationError, match="write it as redis://") as caught:
        Settings()
    assert "hidden" not in str(caught.value)


def test_usual_forms_of_urls_are_accepted() -> None:
    for database, redis in (
        ("postgres://u:p%40@h/d", "redis://:p%2F@h:1/3"),
        ("postgresql+asyncpg://u@/d?host=/run/postgresql", "unix:///run/valkey.sock?db=1"),
        ("postgresql://u:p@/d?host=a:1&host=b:2&target_session_attrs=primary", "redis://h?timeout=3"),
        (
            "postgresql://u:p@h/d?ssl=verify-full",
            "rediss://h/0?ssl_ca_certs=/ca.pem&ssl_check_hostname=false",
        ),
    ):
        given = Settings(database_url=SecretStr(database), redis_url=SecretStr(redis))
        assert given.redis_url == SecretStr(redis)


def test_short_key_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADESYNC_SECRET_KEYS", "tooshort")
    with pytest.raises(ValidationError, match="32 characters") as caught:
        Settings()
    assert "tooshort" not in str(caught.value)


@pytest.mark.parametrize(("name", "seconds"), [("LEASE_SECONDS", "30"), ("SETTLE_SECONDS", "60")])
def test_times_shorter_than_calls_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, seconds: str
) -> None:
    monkeypatch.setenv(f"GRADESYNC_{name}", seconds)
    with pytest.raises(ValidationError, match=name):
        Settings()


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings.__setattr__(Settings(), "per_district", 9)


def test_secrets_are_not_printed() -> None:
    settings = Settings(
        database_url=SecretStr("postgresql://u:hidden@h/d"), secret_keys=(SecretStr("k" * 32),)
    )
    assert "hidden" not in repr(settings)
    assert "kkk" not in repr(settings)


def test_filled_changes_only_what_was_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADESYNC_REDIS_URL", "redis://mine")
    settings = Settings().filled(redis_url=SecretStr("redis://found"), public_url="http://found")
    assert settings.redis_url == SecretStr("redis://mine")
    assert settings.public_url == "http://found"


def test_environment_gives_another_process_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        database_url=SecretStr("postgresql://u:p@h/d"),
        secret_keys=(SecretStr("a" * 32), SecretStr("b" * 32)),
        allow_private_network=True,
        data_dir=Path("/tmp/somewhere"),  # noqa: S108 - a name only
    ).filled(public_url="http://found")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
