"""Set up what all tests share: their fixtures, and which of them are long."""

import gc
from zlib import crc32

import hypothesis
import pytest

# What imports and the collection make stays: the garbage collector would walk through it again and again.
gc.disable()

PROOF = "protocol"

pytest_plugins = ["harness.servers", "harness.runtimes"]

# Nothing is timed: on a busy machine to draw an example may take a second, which is no fault of the code.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the long tests and every case of a sample too")
    parser.addoption("--share", default="0/1", help="of these one share: 0/4 to 3/4 are all of them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked `long`, and most cases of a `sample`, unless all are asked for."""
    left_out = {item for item in items if item.get_closest_marker("long")} | _beyond_samples(items)
    if config.getoption("all"):
        share, shares = map(int, config.getoption("share").split("/"))
        shared = {item for item in left_out if PROOF not in item.path.parts}  # that runs whole
        left_out = {item for item in shared if crc32(item.nodeid.encode()) % shares != share}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def _beyond_samples(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return the cases that a sample does without: it takes so many of a test's cases, spread evenly."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sample"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    found: set[pytest.Item] = set()
    for several in cases.values():
        marker = several[0].get_closest_marker("sample")
        assert marker is not None
        step = len(several) / marker.args[0]
        found |= set(several) - {several[int(number * step)] for number in range(marker.args[0])}
    return found


@pytest.fixture(scope="session")
def run_all(pytestconfig: pytest.Config) -> bool:
    """Decide whether tests that take samples run in full: with `--all`."""
    return bool(pytestconfig.getoption("all"))
