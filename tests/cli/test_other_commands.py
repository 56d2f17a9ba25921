"""Check commands that need no installation: help, the API's description, a port in use."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gradesync.cli.servers import listen
from harness.commands import run_gradesync, run_gradesync_process

DOCUMENT = Path(__file__).parents[2] / "openapi" / "gradesync.yaml"


async def test_help_names_every_command() -> None:
    done = await run_gradesync_process("--help", environment={})
    for name in ("up", "serve", "worker", "migrate", "sandbox", "demo", "openapi", "district", "client"):
        assert f" {name} " in done.out


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("gradesync.cli", ("sqlalchemy", "fastapi", "arq", "alembic", "httpx")),
        (
            "gradesync.cli.running, gradesync.cli.health, gradesync.worker.pool",
            ("fastapi", "alembic", "jinja2", "opentelemetry"),
        ),
        (
            "gradesync.cli.running, gradesync.cli.serving",
            ("alembic", "opentelemetry.sdk", "gradesync.worker"),
        ),
    ],
)
def test_command_loads_no_more_than_it_needs(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*(m for m in {heavy} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert loaded.stdout.split() == []


async def test_openapi_is_written_and_compared(tmp_path: Path) -> None:
    file = tmp_path / "gradesync.yaml"
    file.write_text(DOCUMENT.read_text().replace("3.1.0", "3.0.0", 1))
    drifted = await run_gradesync("openapi", "--check", str(file), environment={})
    written = await run_gradesync("openapi", "--write", str(file), environment={})
    assert (drifted.code, written.code) == (1, 0)
    assert "make openapi" in drifted.err
    # `make check` compares the repository's own, and passes where it is the same.
    assert file.read_text() == DOCUMENT.read_text()


async def test_port_in_use_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = await run_gradesync_process("serve", "--port", str(port), environment={})
    assert done.code == 1
    assert f"port {port}" in done.err
    assert "--port" in done.err


async def test_sandbox_has_its_own_help() -> None:
    done = await run_gradesync_process("sandbox", "--help", environment={})
    assert "--district-file" in done.out


async def test_missing_traces_are_reported(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry.py").write_text("raise ImportError")
    traces = {"GRADESYNC_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces", "PYTHONPATH": str(tmp_path)}
    urls = {
        "GRADESYNC_DATABASE_URL": "postgresql://127.0.0.1:9/none",
        "GRADESYNC_REDIS_URL": "redis://127.0.0.1:9",
    }
    done = await run_gradesync_process(
        "worker", environment={**traces, **urls, "GRADESYNC_SECRET_KEYS": "k" * 32}
    )
    assert done.code == 1
    assert "gradesync[traces]" in done.err


def test_responses_are_sent_without_delay() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
