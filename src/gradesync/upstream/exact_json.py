"""Read and write JSON with exact numbers in both directions."""

import json
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class MalformedError(Exception):
    """Report a response that is not what docs/upstream.md describes. The message quotes nothing of it."""


def encode(content: object) -> bytes:
    """Return JSON, with every `Decimal` as the literal that it prints as."""
    return _ENCODER.encode(content)


def decode(body: bytes) -> Any:
    """Return the JSON value, fractions as `Decimal`. Raises `MalformedError`."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the response is not JSON") from error


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def read_number(value: object) -> Decimal:
    """Return a JSON number without trailing zeros: 12.0 is 12. Raises `MalformedError`."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise MalformedError("a number is missing")
    return to_plain(Decimal(value))


def to_plain(value: Decimal) -> Decimal:
    """Return the number as it is written without an exponent and without trailing zeros."""
    exact = value.normalize()
    exponent = exact.as_tuple().exponent
    return exact.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else exact
