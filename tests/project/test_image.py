"""Check the image and the containers of one machine: by their linters, and against the code."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.api_document import api_document
from harness.deployment import DOCKERFILE, DRAIN, ROOT, SPARE_SECONDS, image_user, parsed, unknown

BIN = Path(sys.executable).parent
FILE = ROOT / "deploy" / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "gradesync"}
EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "deploy" / ".env.example").read_text(), re.MULTILINE))
CALL: list[str] = json.loads(re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)[0])


def linted(*command: str | Path) -> str:
    """Return a linter's complaints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
    return done.stdout + done.stderr if done.returncode else ""


def test_linters_have_no_complaint() -> None:
    assert linted(BIN / "hadolint", "--failure-threshold=style", "Dockerfile") == ""
    assert linted(BIN / "check-jsonschema", "--builtin-schema=vendor.compose-spec", FILE) == ""


def test_linters_notice_mistakes(tmp_path: Path) -> None:
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python\nRUN cd /tmp\n")
    assert "DL3006" in linted(BIN / "hadolint", careless)
    odd = tmp_path / "compose.yaml"
    odd.write_text("services: {api: {imag: gradesync}}")
    assert "imag" in linted(BIN / "check-jsonschema", "--builtin-schema=vendor.compose-spec", odd)


def test_image_is_staged_pinned_and_rootless() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base) for base in bases)
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    assert 0 not in image_user()


def test_image_serves_and_is_probed_at_one_port() -> None:
    name, options = parsed(CALL)
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    ((asked_port, path),) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", DOCKERFILE)
    assert (name, options) == ("serve", {"host": "0.0.0.0", "port": int(port)})  # noqa: S104
    assert asked_port == port
    assert path in api_document()["paths"]


@pytest.mark.parametrize("service", OURS)
def test_containers_run_known_commands_and_settings(service: str) -> None:
    one = OURS[service]
    name, _ = parsed(one.get("command", CALL))
    assert name == {"api": "serve"}.get(service, service)
    assert unknown(one["environment"]) == []
    assert one["read_only"]
    assert one["cap_drop"] == ["ALL"]
    assert int(one["stop_grace_period"].removesuffix("s")) >= DRAIN + SPARE_SECONDS


def test_only_the_migration_knows_the_table_owner() -> None:
    know = [name for name, one in OURS.items() if "OWNER_PASSWORD" in json.dumps(one["environment"])]
    assert know == ["migrate"]


def test_env_example_is_complete_and_holds_no_secret() -> None:
    assert set(re.findall(r"\$\{(\w+)", FILE.read_text())) == EXAMPLE.keys()
    assert {name for name, value in EXAMPLE.items() if value} == {"PUBLIC_URL", "TRUSTED_PROXIES"}


def test_local_proxy_is_trusted() -> None:
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert EXAMPLE["TRUSTED_PROXIES"] == network["gateway"]
    assert OURS["api"]["environment"]["GRADESYNC_TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:?}"


def test_worker_container_is_probed_at_its_port() -> None:
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert OURS["worker"]["environment"]["GRADESYNC_METRICS_PORT"] == port
    assert "healthcheck" not in OURS["worker"]
