"""Check the manifests as kustomize builds them: of valid form, and in step with the code."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic import SecretStr

import gradesync.sync.gauges  # noqa: F401 - with it comes the metric that workers are scaled by
from gradesync.settings import PREFIX, Settings
from harness.api_document import api_document
from harness.deployment import DRAIN, ROOT, SPARE_SECONDS, image_user, parsed, unknown

Manifest = dict[str, Any]

TREE = ROOT / "deploy" / "kubernetes"
KUBECTL = Path(sys.executable).parent / "kubectl"
OWN_SCHEMAS = {"ScaledObject", "PodMonitor"}  # no package ships the schemas of these; see the tests by name
VERSIONS = ("1.30", kubernetes_validate.latest_version())
INSIDE = {"/metrics", "/healthz", "/readyz"}
PODS = ["gradesync-api", "gradesync-worker", "gradesync-migrate"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Build the example's migration and processes, with its example secrets."""
    tree = tmp_path_factory.mktemp("kubernetes") / "tree"
    shutil.copytree(TREE, tree, ignore=shutil.ignore_patterns("*.env"))
    for example in tree.rglob("*.env.example"):
        example.rename(example.with_suffix(""))
    return [
        manifest
        for overlay in ("overlays/example/migrate", "overlays/example")
        for manifest in yaml.safe_load_all(_kustomize(tree / overlay))
    ]


def _kustomize(folder: Path) -> str:
    command = [str(KUBECTL), "kustomize", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603


def of_kind(built: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in built if one["kind"] == kind}


def workloads(built: list[Manifest]) -> dict[str, Manifest]:
    """Return pod templates by the name of the resource that creates the pods."""
    kinds = ("Job", "Deployment")
    return {name: one["spec"]["template"] for kind in kinds for name, one in of_kind(built, kind).items()}


def container(built: list[Manifest], name: str) -> Manifest:
    (only,) = workloads(built)[name]["spec"]["containers"]
    found: Manifest = only
    return found


def settings_of(built: list[Manifest], name: str) -> dict[str, str]:
    """Return the environment of a pod, from the resources that it names."""
    data = {
        one["metadata"]["name"]: one.get("data", {})
        for one in built
        if one["kind"] in ("ConfigMap", "Secret")
    }
    given = {one["name"]: one["value"] for one in container(built, name).get("env", [])}
    for source in container(built, name)["envFrom"]:
        (reference,) = source.values()
        given |= data[reference["name"]]
    return given


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(
        labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", [])
    )


def test_every_file_is_used() -> None:
    for kustomization in TREE.rglob("kustomization.yaml"):
        listed = yaml.safe_load(kustomization.read_text())
        patches = [one["path"] for one in listed.get("patches", []) if "path" in one]
        files = {file.name for file in kustomization.parent.glob("*.yaml")} - {kustomization.name}
        assert files == {name for name in [*listed.get("resources", []), *patches] if name.endswith(".yaml")}


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_match_the_cluster_schema(built: list[Manifest], version: str) -> None:
    known = [one for one in built if one["kind"] not in OWN_SCHEMAS]
    assert {one["kind"] for one in built} - {one["kind"] for one in known} == OWN_SCHEMAS
    for one in known:
        kubernetes_validate.validate(one, version, strict=True)


def test_wrong_manifest_is_noticed(built: list[Manifest]) -> None:
    deployment = of_kind(built, "Deployment")["gradesync-api"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment | {"spec": {"replica": 2}}, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", PODS)
def test_pods_have_least_privilege(built: list[Manifest], name: str) -> None:
    pod, only = workloads(built)[name]["spec"], container(built, name)
    user, group = image_user()
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert only["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in only["resources"]["limits"]


@pytest.mark.parametrize("name", PODS)
def test_pods_run_known_commands_and_settings(built: list[Manifest], name: str) -> None:
    command, _ = parsed(container(built, name)["args"])
    given = settings_of(built, name)
    assert command == name.removeprefix("gradesync-").replace("api", "serve")
    assert given
    assert unknown(given) == []
    assert all(setting.startswith(PREFIX) for setting in given)
    assert (f"{PREFIX}MIGRATE_DATABASE_URL" in given) == (command == "migrate")
    assert (f"{PREFIX}SECRET_KEYS" in given) == (command != "migrate")


def test_settings_are_valid(built: list[Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    (config,) = of_kind(built, "ConfigMap").values()
    for name, value in config["data"].items():
        monkeypatch.setenv(name, value)
    settings = Settings(secret_keys=(SecretStr("k" * 32),))
    assert (
        settings.public_url == f"https://{of_kind(built, 'Ingress')['gradesync']['spec']['rules'][0]['host']}"
    )
    assert ip_network(settings.trusted_proxies)


@pytest.mark.parametrize("name", PODS[:2])
def test_ports_and_probes_match_the_process(built: list[Manifest], name: str) -> None:
    only, annotations = container(built, name), workloads(built)[name]["metadata"]["annotations"]
    (port,) = only["ports"]
    _, options = parsed(only["args"])
    served = options.get("port") or int(settings_of(built, name)[f"{PREFIX}METRICS_PORT"])
    assert port["containerPort"] == served == int(annotations["prometheus.io/port"])
    probes = {kind: only[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    paths = {kind: probe["path"] for kind, probe in probes.items()}
    assert paths == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    assert annotations["prometheus.io/path"] == "/metrics"
    assert api_document()["paths"].keys() >= INSIDE


@pytest.mark.parametrize("name", PODS[:2])
def test_pods_have_time_to_drain(built: list[Manifest], name: str) -> None:
    pause = container(built, name).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    drain = float(settings_of(built, name)[f"{PREFIX}DRAIN_SECONDS"])
    assert drain == DRAIN
    grace = workloads(built)[name]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= pause + drain + SPARE_SECONDS


def _selectors(built: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for one in built:
        spec, name = one.get("spec", {}), f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] == "Service":
            yield name, {"matchLabels": spec["selector"]}
        elif one["kind"] in ("Deployment", "PodDisruptionBudget", "PodMonitor"):
            yield name, spec["selector"]
        elif one["kind"] == "NetworkPolicy":
            yield name, spec["podSelector"]
        for spread in spec.get("template", {}).get("spec", {}).get("topologySpreadConstraints", []):
            yield f"spread of {name}", spread["labelSelector"]


def test_selectors_select_their_pods(built: list[Manifest]) -> None:
    labels = {name: one["metadata"]["labels"] for name, one in workloads(built).items()}
    found = {
        what: {name for name in PODS if selects(selector, labels[name])}
        for what, selector in _selectors(built)
    }
    api, worker, migrate = ({name} for name in PODS)
    assert found == {
        **{f"{kind} gradesync-api": api for kind in ("Service", "Deployment", "PodDisruptionBudget")},
        **{f"{kind} gradesync-worker": worker for kind in ("Deployment", "PodDisruptionBudget")},
        "spread of Deployment gradesync-api": api,
        "spread of Deployment gradesync-worker": worker,
        "PodMonitor gradesync": api | worker,
        "NetworkPolicy deny": api | worker | migrate,
        "NetworkPolicy gradesync-names": api | worker | migrate,
        "NetworkPolicy gradesync-database": api | worker | migrate,
        "NetworkPolicy gradesync-requests": api,
        "NetworkPolicy gradesync-metrics": api | worker,
        "NetworkPolicy gradesync-queue": api | worker,
        "NetworkPolicy gradesync-upstream": api | worker,
    }


def test_pods_reach_only_what_they_need(built: list[Manifest]) -> None:
    policies = of_kind(built, "NetworkPolicy")
    assert policies["deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    out = {
        name: {port["port"] for rule in one["spec"]["egress"] for port in rule["ports"]}
        for name, one in policies.items()
        if "egress" in one["spec"]
    }
    assert out == {
        "gradesync-names": {53},
        "gradesync-database": {5432},
        "gradesync-queue": {6379},
        "gradesync-upstream": {443},
    }
    ports = {container(built, name)["ports"][0]["name"] for name in PODS[:2]}
    for name in ("gradesync-requests", "gradesync-metrics"):
        assert {port["port"] for port in policies[name]["spec"]["ingress"][0]["ports"]} == ports
    (database,) = policies["gradesync-database"]["spec"]["egress"][0]["to"]
    assert database.keys() == {"ipBlock"}  # the example's patch replaces the pods of the base
    blocks = [one["ipBlock"] for one in policies["gradesync-upstream"]["spec"]["egress"][0]["to"]]
    but = [ip_network(cidr) for block in blocks for cidr in block["except"]]
    assert all(network.is_private or network == ip_network("100.64.0.0/10") for network in but)


def test_scaled_workloads_have_two_replicas_at_least(built: list[Manifest]) -> None:
    deployments = of_kind(built, "Deployment")
    api = of_kind(built, "HorizontalPodAutoscaler")["gradesync-api"]["spec"]
    worker = of_kind(built, "ScaledObject")["gradesync-worker"]["spec"]
    assert {api["scaleTargetRef"]["name"], worker["scaleTargetRef"]["name"]} == deployments.keys()
    assert 2 <= api["minReplicas"] < api["maxReplicas"]
    assert 2 <= worker["minReplicaCount"] < worker["maxReplicaCount"]
    assert all("replicas" not in one["spec"] for one in deployments.values())


def test_workers_scale_by_an_existing_metric(built: list[Manifest]) -> None:
    """Check the fields of KEDA's Prometheus trigger, as its documentation names them."""
    scaled = of_kind(built, "ScaledObject")["gradesync-worker"]
    (trigger,) = scaled["spec"]["triggers"]
    assert scaled["apiVersion"] == "keda.sh/v1alpha1"
    assert (trigger["type"], trigger["metricType"]) == ("prometheus", "Value")
    assert trigger["metadata"].keys() == {"serverAddress", "query", "threshold"}
    assert float(trigger["metadata"]["threshold"]) > 0
    assert trigger["metadata"]["query"] == 'max(gradesync_queue_oldest_seconds{class="ready"})'
    gauge = REGISTRY._names_to_collectors["gradesync_queue_oldest_seconds"]
    assert getattr(gauge, "_labelnames", ()) == ("class",)


def test_operator_scrapes_the_job_of_the_rules(built: list[Manifest]) -> None:
    monitor = of_kind(built, "PodMonitor")["gradesync"]
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["path"] == "/metrics"
    rules = (ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text()
    for name in PODS[:2]:
        assert endpoint["port"] == container(built, name)["ports"][0]["name"]
        job = workloads(built)[name]["metadata"]["labels"][monitor["spec"]["jobLabel"]]
        assert f'job="{job}"' in rules


def test_ingress_hides_the_routes_of_the_cluster(built: list[Manifest]) -> None:
    paths = of_kind(built, "Ingress")["gradesync"]["spec"]["rules"][0]["http"]["paths"]
    led = {one["path"] for one in paths}
    assert {one["backend"]["service"]["name"] for one in paths} == of_kind(built, "Service").keys()
    roots = {f"/{path.split('/')[1]}" for path in api_document()["paths"]}
    assert led == roots - INSIDE | {"/lti", "/console", "/docs", "/openapi.json"}


def test_release_is_named_once(built: list[Manifest]) -> None:
    images = {container(built, name)["image"] for name in PODS}
    assert images == {"images.example.org/gradesync:0.1.0"}
