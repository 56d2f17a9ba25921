"""Render responses and their headers: nothing inline, nothing from elsewhere, nothing cached."""

from collections.abc import Iterable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from gradesync.lti.assets import load
from gradesync.lti.refusals import CATALOG, Refusal

PAGES = Environment(
    loader=PackageLoader("gradesync.lti", "pages"), autoescape=True, undefined=StrictUndefined
)
RETRY_SECONDS = {429: 60, 503: 5}
ANY_FRAME = ("*",)  # for pages that show nothing private and do nothing by a click

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
    "frame-ancestors {frames}"
)


def html(
    name: str, status: int = 200, *, frames: Iterable[str] = ANY_FRAME, tool: str = "", **values: Any
) -> Response:
    """Render a page of `pages/`. `frames` are the origins that may show it in a frame.

    `tool` leads from the page's own address to that of the tool, which serves its files.
    """
    assets = load()
    text = PAGES.get_template(name).render(
        base=f"{tool}assets/{assets.version}", modules=assets.modules, **values
    )
    headers = {
        "content-security-policy": POLICY.format(frames=" ".join(frames)),
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(text, status, headers=headers)


def refusal(code: str, *, tool: str = "", subject: str = "") -> Response:
    """Render the page that explains a refusal, and what to do. `subject` names the person to their admin."""
    entry = CATALOG.get(code, CATALOG["internal-error"])
    page = html(
        "message.html",
        entry.status,
        tool=tool,
        title=entry.title,
        text=entry.text,
        admin=entry.admin.format(subject=subject),
        link=None,
    )
    page.headers.update(_pause(entry))
    return page


def json_refusal(code: str) -> Response:
    """Return a refusal for the page's own script."""
    entry = CATALOG[code]
    return JSONResponse({"title": entry.title, "text": entry.text}, entry.status, headers=_pause(entry))


def with_headers_of(response: Response, error: Exception) -> Response:
    """Add the headers that belong to an error: a 405 names the methods of the address."""
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


def _pause(entry: Refusal) -> dict[str, str]:
    """Return how long to wait, where the same request may succeed later."""
    seconds = RETRY_SECONDS.get(entry.status)
    return {"retry-after": str(seconds)} if seconds else {}
