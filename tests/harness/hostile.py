"""Invent values that no request should bring, and every request to the API that brings one of them."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

Schema = Mapping[str, Any]

NESTED: Any = [[]]
for _ in range(600):
    NESTED = [NESTED]
TEXTS = (
    "\x00",
    "a\x00b",
    "\ud800",
    "http://[",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01",
    "9999-12-31",
    "1" + "0" * 400,
    "\uff1d1+1",
    "['",
)
VALUES = (*TEXTS, 10**400, -(10**400), 1e300, NESTED, {"\x00": "\x00"}, None, True)


def percent(text: str) -> str:
    """Write a text for an address, also one that is no valid text."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@dataclass(frozen=True)
class Probe:
    """Describe one request to an operation, in which one `slot` has a hostile value."""

    method: str
    path: str
    slot: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, bytes] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, str] | None = None

    @property
    def url(self) -> str:
        path = self.path
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", percent(value))
        query = "&".join(f"{name}={percent(value)}" for name, value in self.query.items())
        return f"{path}?{query}" if query else path

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.slot}"


def probes(document: Schema, ids: Mapping[str, str]) -> Iterator[list[Probe]]:
    """Yield for each parameter and member of each operation the requests that misuse it; `ids` exist."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", [])
            known = {p["name"]: ids.get(p["name"], "1") for p in parameters if p["in"] == "path"}
            needed = {p["name"]: _sample(p) for p in parameters if p["in"] == "query" and p.get("required")}
            body = _example(document, operation)
            plain = Probe(method.upper(), path, ids=known, query=needed, body=body)
            for parameter in parameters:
                yield [_with_parameter(plain, parameter, text) for text in TEXTS]
            yield from _body_probes(plain, document, operation)


def _with_parameter(plain: Probe, parameter: Schema, text: str) -> Probe:
    name, location = parameter["name"], parameter["in"]
    probe = replace(plain, slot=f"{location} {name}={text[:30]!r}")
    match location:
        case "path":
            return replace(probe, ids={**plain.ids, name: text})
        case "query":
            return replace(probe, query={**plain.query, name: text})
        case _:
            return replace(probe, headers={name: text.encode("utf-8", "surrogatepass")})


def _sample(parameter: Schema) -> str:
    """Return a value that a parameter takes, so that another one is reached."""
    examples = parameter["schema"].get("examples", ("1",))
    return str(parameter.get("example", examples[0]))


def _content(operation: Schema) -> Schema:
    content: Schema = operation.get("requestBody", {}).get("content", {})
    return content


def _schema(document: Schema, schema: Schema) -> Schema:
    """Return a schema without references and without the choice of null."""
    if "$ref" in schema:
        return _schema(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return _schema(document, choice)
    return schema


def _example(document: Schema, operation: Schema) -> Any:
    json = _content(operation).get("application/json", {})
    return json.get("example") or next(
        iter(_schema(document, json.get("schema", {})).get("examples", ())), {}
    )


def _body_probes(plain: Probe, document: Schema, operation: Schema) -> Iterator[list[Probe]]:
    content = _content(operation)
    if "application/json" in content:
        yield [replace(plain, slot=f"body={str(value)[:30]!r}", body=value) for value in VALUES]
        schema = _schema(document, content["application/json"]["schema"])
        for path in _members(document, schema):
            yield [
                replace(plain, slot=f"body {path}={str(value)[:30]!r}", body=_put(plain.body, path, value))
                for value in VALUES
            ]
    for name in (
        _schema(document, content.get("application/x-www-form-urlencoded", {}))
        .get("schema", {})
        .get("properties", {})
    ):
        yield [
            replace(
                plain,
                slot=f"form {name}={text[:30]!r}",
                form={"grant_type": "client_credentials", name: text},
            )
            for text in TEXTS
        ]


def _members(
    document: Schema, schema: Schema, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of each member of a body, of the first of each list too."""
    if path:
        yield path
    for name, member in schema.get("properties", {}).items():
        yield from _members(document, _schema(document, member), (*path, name))
    if "items" in schema:
        yield from _members(document, _schema(document, schema["items"]), (*path, 0))


def _put(body: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of a body with a value at a path; what is missing on the way is made."""
    body = copy.deepcopy(body)
    at: Any = body
    for step, following in zip(path, (*path[1:], ""), strict=True):
        if isinstance(step, int):
            at[:] = at or [{}]
            at[0] = value if step == path[-1] and following == "" else at[0]
            at = at[0]
        elif following == "":
            at[step] = value
        else:
            at = at.setdefault(step, [{}] if following == 0 else {})
    return body
