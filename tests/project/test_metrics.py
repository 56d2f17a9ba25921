"""Check that the page of metrics lists every metric that there is, and no other."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from gradesync.cli import running, serving

PROCESSES = (running, serving)
"""Bring in all modules, and with the modules their metrics."""
PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(gradesync_\w+)` \| (\w+)(?:, of all)? \|(.*?)\| .+ \|$", re.MULTILINE)


def test_every_metric_is_listed_with_its_kind_and_its_labels() -> None:
    listed = {name: (kind, tuple(re.findall("`(.+?)`", labels))) for name, kind, labels in ROW.findall(PAGE)}
    registered = {}
    for collector in REGISTRY._collector_to_names:  # no public name has labels before they have values
        for family in collector.collect():
            if family.name.startswith("gradesync_"):
                suffix = "_total" if family.type == "counter" else ""
                labels = getattr(collector, "_labelnames", ())
                registered[family.name + suffix] = (family.type, tuple(labels))
    assert listed == registered
