"""What a platform sends: query parameters or a posted form, each parameter once."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from gradesync.errors import RequestRefused

MOST_FIELDS = 200
Form = Mapping[str, str]


async def read(request: Request) -> Form:
    """Raises `RequestRefused("lti-request-not-valid")`."""
    text = (await request.body()).decode("latin-1") if request.method == "POST" else request.url.query
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise not_valid("It cannot be read.") from error
    if len(dict(pairs)) < len(pairs):
        raise not_valid("A parameter is named twice.")
    return dict(pairs)


def needed(form: Form, name: str) -> str:
    """A parameter's value. Raises `RequestRefused("lti-request-not-valid")` where it is missing or empty."""
    if value := form.get(name):
        return value
    raise not_valid(f"{name} is missing.")


def not_valid(detail: str) -> RequestRefused:
    return RequestRefused("lti-request-not-valid", detail)
