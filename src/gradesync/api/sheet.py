"""Render what was sent for a student as a sheet to print: no script, and nothing from elsewhere."""

from base64 import b64encode
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradesync.api.schemas.history import StudentScores
from gradesync.core.catalog import sis_name
from gradesync.core.district import District

PAGES = Environment(
    loader=PackageLoader("gradesync.api", "pages"), autoescape=True, undefined=StrictUndefined
)


@cache
def _style() -> tuple[str, str]:
    """Return the style of the sheet, and the policy that allows this very text and nothing else."""
    text = files("gradesync.api.pages").joinpath("student.css").read_text()
    digest = b64encode(sha256(text.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return text, f"{policy}; frame-ancestors 'none'"


def render(answer: StudentScores, district: District) -> HTMLResponse:
    """Render the sheet, with times in the district's zone."""
    zone = ZoneInfo(district.timezone)

    def local(at: datetime) -> str:
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")

    style, policy = _style()
    text = PAGES.get_template("student.html").render(
        answer=answer,
        sis=sis_name(),
        district=district.name,
        local=local,
        style=Markup(style),  # noqa: S704 - our own file
    )
    return HTMLResponse(text, headers={"content-security-policy": policy, "cache-control": "no-store"})
