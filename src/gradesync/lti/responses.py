"""HTML answers and their headers: nothing inline, nothing from elsewhere, nothing kept."""

from collections.abc import Iterable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from gradesync.lti.assets import load
from gradesync.lti.refusals import CATALOGUE

PAGES = Environment(
    loader=PackageLoader("gradesync.lti", "pages"), autoescape=True, undefined=StrictUndefined
)
ANY_FRAME = ("*",)
"""For what says nothing that is anybody's and does nothing by a click."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
    "frame-ancestors {frames}"
)


def html(name: str, status: int = 200, *, frames: Iterable[str] = ANY_FRAME, **values: Any) -> Response:
    """A page of `pages/`. `frames` are the origins that may show it in a frame."""
    assets = load()
    text = PAGES.get_template(name).render(base=f"assets/{assets.version}", modules=assets.modules, **values)
    headers = {
        "content-security-policy": POLICY.format(frames=" ".join(frames)),
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(text, status, headers=headers)


def refusal(code: str) -> Response:
    """The page that says why, and what to do."""
    said = CATALOGUE.get(code, CATALOGUE["internal-error"])
    return html("message.html", said.status, title=said.title, text=said.text, admin=said.admin, link=None)
