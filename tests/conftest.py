"""Set up what all tests share: their fixtures, and which of them are long."""

import hypothesis
import pytest

pytest_plugins = ["harness.servers", "harness.runtimes"]

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the long tests too, as CI does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked `long`, unless all are asked for."""
    if config.getoption("all"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in set(long)]


@pytest.fixture(scope="session")
def run_all(pytestconfig: pytest.Config) -> bool:
    """Decide whether tests that take samples run in full: with `--all`."""
    return bool(pytestconfig.getoption("all"))
