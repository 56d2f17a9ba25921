"""Read what a platform sends: query parameters or a posted form, each parameter once."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from gradesync.db.codec import is_storable
from gradesync.errors import RequestRefused

MAX_FIELDS = 200
Form = Mapping[str, str]


async def read(request: Request) -> Form:
    """Read the parameters of a request. Raises `RequestRefused("lti-request-not-valid")`."""
    text = (await request.body()).decode("latin-1") if request.method == "POST" else request.url.query
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise not_valid("It cannot be read.") from error
    if len(dict(pairs)) < len(pairs):
        raise not_valid("A parameter is given twice.")
    if not is_storable(dict(pairs)):
        raise not_valid("A parameter has a character that no text can have.")
    return dict(pairs)


def require(form: Form, name: str) -> str:
    """Return a parameter. Raises `RequestRefused("lti-request-not-valid")` where it is missing or empty."""
    if value := form.get(name):
        return value
    raise not_valid(f"{name} is missing.")


def not_valid(detail: str) -> RequestRefused:
    """Return the error for a request that is not valid."""
    return RequestRefused("lti-request-not-valid", detail)
