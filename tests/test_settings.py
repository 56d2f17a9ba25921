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
