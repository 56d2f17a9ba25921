"""Check that alerts and dashboard ask for what exists: metrics, their labels, entries of the run book."""

import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

import gradesync
from gradesync.core.reasons import Reason

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
RUN_BOOK = (ROOT / "docs" / "operations.md").read_text()
PROMETHEUS_OWN = {"job", "instance"}
NOT_OURS: Mapping[str, frozenset[str]] = {
    "up": frozenset(),
    "process_resident_memory_bytes": frozenset(),
    "process_cpu_seconds_total": frozenset(),
}
QUERIES = [
    *((rule["alert"], rule["expr"]) for rule in RULES),
    *((panel["title"], target["expr"]) for panel in GRAPHS for target in panel["targets"]),
]


def metrics() -> Iterator[dict[str, frozenset[str]]]:
    """List, for each metric of ours, the names that a query may ask for, and the labels of their series."""
    for module in pkgutil.walk_packages(gradesync.__path__, "gradesync."):
        if module.name.endswith("__main__") or ".migrations" in module.name:
            continue
        for value in vars(import_module(module.name)).values():
            if isinstance(value, MetricWrapperBase):
                labels = frozenset(value._labelnames)
                yield from (_series(family.name, family.type, labels) for family in value.describe())


def _series(name: str, kind: str, labels: frozenset[str]) -> dict[str, frozenset[str]]:
    match kind:
        case "counter":
            return {f"{name}_total": labels}
        case "histogram":
            return {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        case _:
            return {name: labels}


OURS = list(metrics())
NAMES = {**NOT_OURS, **{name: labels for series in OURS for name, labels in series.items()}}


def parsed(query: str) -> promql_parser.Expr:
    """Return a query as Prometheus sees it: Grafana fills in its own variable."""
    return promql_parser.parse(query.replace("$__rate_interval", "5m"))


def selectors(node: Any, by: frozenset[str] = frozenset()) -> Iterator[tuple[Any, frozenset[str]]]:
    """List the series that a query asks for, each with the labels that it is grouped by."""
    match node:
        case promql_parser.VectorSelector():
            yield node, by
        case promql_parser.MatrixSelector():
            yield node.vector_selector, by
        case promql_parser.BinaryExpr():
            yield from selectors(node.lhs, by)
            yield from selectors(node.rhs, by)
        case promql_parser.AggregateExpr():
            kept = frozenset(node.modifier.labels) if node.modifier else frozenset[str]()
            yield from selectors(node.expr, by | kept)
        case promql_parser.Call():
            for argument in node.args:
                yield from selectors(argument, by)
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            yield from selectors(node.expr, by)


@pytest.mark.parametrize(("where", "query"), QUERIES)
def test_a_query_asks_for_series_that_there_are(where: str, query: str) -> None:
    asked = list(selectors(parsed(query)))
    assert asked, where
    for selector, by in asked:
        labels = NAMES[selector.name] | PROMETHEUS_OWN
        matched = {matcher.name for matcher in selector.matchers.matchers}
        assert by | matched <= labels, (where, selector.name)


@pytest.mark.parametrize(("where", "query"), QUERIES)
def test_a_code_that_a_query_asks_for_is_of_the_catalog(where: str, query: str) -> None:
    for codes in re.findall(r'code=~?"([^"]+)"', query):
        assert set(codes.split("|")) <= set(map(str, Reason)), where


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = {s.name for p in GRAPHS for t in p["targets"] for s, _ in selectors(parsed(t["expr"]))}
    assert [series for series in OURS if not shown & series.keys()] == []


def test_alerts_and_entries_of_the_run_book_match() -> None:
    alerts = [rule["alert"] for rule in RULES]
    chapter = RUN_BOOK.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    assert len(set(alerts)) == len(alerts)
    assert sorted(re.findall("^### (.+)$", chapter, re.MULTILINE)) == sorted(alerts)
    for rule in RULES:
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_every_alert_has_a_severity_and_a_summary() -> None:
    for rule in RULES:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"[1-9][0-9]*[mh]", rule.get("for", "1m"))


def test_a_summary_names_only_labels_that_its_query_keeps() -> None:
    for rule in RULES:
        named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        kept = [by | ({"instance"} if not by else set()) for _, by in selectors(parsed(rule["expr"]))]
        assert all(named <= by - {"le"} for by in kept), rule["alert"]


def test_the_dashboard_can_be_imported_anywhere() -> None:
    (source,) = DASHBOARD["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in GRAPHS:
        assert [panel["datasource"], *(t["datasource"] for t in panel["targets"])] == [chosen] * (
            1 + len(panel["targets"])
        )
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        assert panel["title"]
        assert panel["description"]


def test_panels_have_their_own_ids_and_positions() -> None:
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    positions = [panel["gridPos"] for panel in PANELS]
    assert all(p["x"] >= 0 and p["w"] > 0 and p["x"] + p["w"] <= 24 and p["h"] > 0 for p in positions)
    for one, other in combinations(positions, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
