"""Check the API description in the repository: valid, and clear to a person who reads it alone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

FILE = Path(__file__).parents[2] / "openapi" / "gradesync.yaml"
# Every test process reads it to name the tests: libyaml takes a fifth of the time.
DOCUMENT: dict[str, Any] = yaml.load(FILE.read_text(), yaml.CSafeLoader)
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
each_operation = pytest.mark.parametrize(
    "operation", [operation for _, operation in OPERATIONS], ids=[name for name, _ in OPERATIONS]
)


def test_document_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_document_describes_service_and_groups() -> None:
    assert {"title", "version", "description"} <= DOCUMENT["info"].keys()
    assert [server["url"] for server in DOCUMENT["servers"]] == ["/"]
    described = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    assert described == {tag for _, operation in OPERATIONS for tag in operation["tags"]}


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids)


@each_operation
def test_operation_has_name_description_group_and_refusals(operation: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"])
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert [status for status in operation["responses"] if status.startswith("2")]
    assert [status for status in operation["responses"] if status.startswith("4")]


def test_operations_name_their_scopes() -> None:
    anybody = {name for name, operation in OPERATIONS if operation["security"] == []}
    assert anybody == {"GET /healthz", "GET /readyz", "GET /metrics", "GET /problems/{code}"}


@each_operation
def test_bodies_are_of_one_type_that_generators_know(operation: dict[str, Any]) -> None:
    types = [*operation.get("requestBody", {}).get("content", {})]
    assert types in ([], ["application/json"], ["application/x-www-form-urlencoded"])


@each_operation
def test_responses_are_described_and_refusals_have_examples(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        assert answer["description"]
        if status.startswith("4"):
            for content in answer["content"].values():
                assert content["schema"]
                assert content["examples"]


@each_operation
def test_requests_are_described_and_have_examples(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        assert parameter["description"], parameter["name"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schemas = list(referenced(content["schema"]))
        assert "example" in content or "examples" in content or any(one.get("examples") for one in schemas)


def test_optional_bodies_are_left_out_not_null() -> None:
    """Generated clients send an optional body that may be null as what they call unset, and fail."""
    optional = {
        name: content["schema"]
        for name, operation in OPERATIONS
        if not (body := operation.get("requestBody", {"required": True})).get("required")
        for content in body["content"].values()
    }
    assert "POST /sections/{section_id}/syncs" in optional
    assert {name: schema for name, schema in optional.items() if "$ref" not in schema} == {}


def test_schemas_are_used_and_references_exist() -> None:
    names = set(re.findall(r"#/components/schemas/([\w.-]+)", FILE.read_text()))
    assert names == DOCUMENT["components"]["schemas"].keys()


def referenced(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a schema and its alternatives."""
    yield schema
    for one in schema.get("anyOf", []):
        yield from referenced(one)
    if (name := schema.get("$ref", "").rpartition("/")[2]) in DOCUMENT["components"]["schemas"]:
        yield DOCUMENT["components"]["schemas"][name]
