"""Encode responses as PowerSchool does: exact numbers, absent nulls, noise around the data, errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import ROUND_HALF_UP, Decimal
from secrets import token_hex
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_ENCODER = msgspec.json.Encoder(decimal_format="number")
SIX_PLACES = Decimal("0.000001")


class Refused(Exception):
    """Refuse a call, in the one envelope that was measured:

    `{message, errors}` (upstream.md PowerSchool §5).
    """

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Mapping[str, object]] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: object = {"message": message} | ({"errors": list(errors)} if errors else {})
        self.headers = dict(headers or {})


class RefusedV1(Refused):
    """Refuse a call in the envelope of `/ws/v1`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.body = {"errorMessage": {"message": message}}


@dataclass(frozen=True)
class Problem:
    """Describe one entry of `errors`. The measured one repeats its sentence as `field` and has code "1"."""

    message: str
    params: Mapping[str, object] = dataclass_field(default_factory=dict)
    field: str | None = None

    def wire(self) -> dict[str, object]:
        """Return the entry as it is sent."""
        return {"code": "1", "field": self.field or self.message, "params": self.params}


def conflict(problems: Sequence[Problem], status: int = 409) -> Refused:
    """Return a refusal for these problems, headed by the first: a 409 unless `status` is another."""
    return Refused(status, problems[0].message, [problem.wire() for problem in problems])


def no_access(fields: Iterable[str]) -> Refused:
    """Return a 403 that names the missing grants; the words are measured, the JSON around them is not
    (upstream.md PowerSchool §5).
    """
    named = list(fields)
    problems = [Problem(name) for name in named]
    return Refused(403, f"No access to field {', '.join(named)}", [problem.wire() for problem in problems])


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    kind = {"content-type": "application/json;charset=UTF-8"}
    return Response(_ENCODER.encode(content), status, {**kind, **(headers or {})})


def present(**columns: object) -> dict[str, object]:
    """Return the columns that have a value: nulls never reach the wire."""
    return {name: value for name, value in columns.items() if value is not None}


def render_object(kind: str, key: int | None, /, *, noisy: bool, **columns: object) -> dict[str, Any]:
    """Return an object as PowerTeacher Pro sends it:

    `_name`, `_id` and, when noisy, a random key to ignore.
    """
    dressed: dict[str, object] = {"_name": kind} | present(_id=key) | present(**columns)
    return dressed | ({"$breach_mitigation": token_hex(12)} if noisy else {})


def decimal(value: Decimal) -> Decimal:
    """Return a number with at least one decimal and at most six: 12 reads 12.0."""
    exact = value.quantize(SIX_PLACES, ROUND_HALF_UP).normalize()
    return exact if exact.as_tuple().exponent < 0 else exact.quantize(Decimal("0.1"))  # type: ignore[operator]  # finite


def whole_number(text: str | None, name: str) -> int:
    """Return a required numeric parameter. Raises `Refused` 400 naming it."""
    if text is None or not text.isascii() or not text.isdigit():
        raise Refused(400, f"Required parameter {name} is missing or not a number")
    return int(text)


def flag(request: Request, name: str) -> bool | None:
    """Return an optional true/false parameter. Raises `Refused` 400 naming it."""
    text = request.query_params.get(name)
    if text not in (None, "true", "false"):
        raise Refused(400, f"Parameter {name} must be true or false")
    return None if text is None else text == "true"
