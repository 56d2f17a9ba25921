"""Serve the platform's addresses: key set, authorization, and pages that stand for a course in Schoology."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gradesync_sandbox.lti.authorize import RefusedError, authorize
from gradesync_sandbox.lti.basic import basic_launch
from gradesync_sandbox.lti.platform import Launch, Platform, Tool
from gradesync_sandbox.schoology.model import Role, Section, User

T = TypeVar("T")
PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True)


@dataclass(frozen=True)
class Pages:
    """Handle the requests to one platform."""

    platform: Platform

    async def index(self, request: Request) -> Response:
        """List everybody who could open the tool, section by section."""
        school = self.platform.schoology
        admins = [user for user in school.users.values() if user.role is Role.SYSTEM_ADMIN]
        rows = [(book, [*_people(self.platform, book), *admins]) for book in school.sections.values()]
        return _page("index.html", rows=rows, tool=self.platform.tool)

    async def jwks(self, request: Request) -> Response:
        return JSONResponse(self.platform.jwks())

    async def authorize(self, request: Request) -> Response:
        """Answer `authorize-redirect`, by GET or by POST."""
        asked = request.query_params if request.method == "GET" else await request.form()
        try:
            answer = authorize(self.platform, {k: v for k, v in asked.items() if isinstance(v, str)})
        except RefusedError as refusal:
            return PlainTextResponse(str(refusal), 400)
        return _page("form_post.html", action=answer.action, fields=answer.fields)

    async def course(self, request: Request) -> Response:
        """Show a course with the tool in an iframe. Query: `user`, `section`, `role`, `storage`, `method`.

        `storage` is the frame that keeps `lti.put_data`: `_parent` (default), `lti_storage`, or `none`.
        """
        launch, tool = self._launch(request.query_params), self._tool()
        storage = request.query_params.get("storage", "_parent")
        fields = {
            "iss": self.platform.issuer,
            "login_hint": str(launch.user.uid),
            "client_id": self.platform.client_id,
            "target_link_uri": tool.target_link_uri,
            "lti_message_hint": self.platform.remember(launch),
            "lti_deployment_id": self.platform.deployment_id,
            **({} if storage == "none" else {"lti_storage_target": storage}),
        }
        method = "post" if request.query_params.get("method") == "post" else "get"
        return _page(
            "course.html", launch=launch, action=tool.login_url, fields=fields, method=method, storage=storage
        )

    async def storage(self, request: Request) -> Response:
        """Serve the frame that stores tools' data, for a course with `storage=lti_storage`."""
        return _page("storage.html")

    async def id_token(self, request: Request) -> Response:
        """Sign a launch without a browser. Query: `user`, `section`, `role` (may repeat), `nonce`."""
        query = request.query_params
        launch = self._launch(query)
        token = self.platform.id_token(launch.user, launch.section, launch.roles, nonce=query.get("nonce"))
        return JSONResponse({"id_token": token})

    async def basic(self, request: Request) -> Response:
        """Show a course that opens the tool by LTI 1.1. Query: `user`, `section`, `role`, `url`."""
        launch = self._launch(request.query_params)
        url = request.query_params.get("url") or self._tool().target_link_uri
        fields = basic_launch(self.platform, launch.user, launch.section, url, launch.roles)
        return _page("course.html", launch=launch, action=url, fields=fields, method="post", storage="none")

    async def register(self, request: Request) -> Response:
        """Install the tool: `{"login_url": …, "redirect_uris": […], "target_link_uri": …}`."""
        body: dict[str, Any] = await request.json()
        try:
            login_url, redirect_uris = body["login_url"], list(body["redirect_uris"])
        except (KeyError, TypeError) as error:
            raise HTTPException(422, "login_url and redirect_uris are needed") from error
        self.platform.register(login_url, *redirect_uris, target_link_uri=body.get("target_link_uri"))
        return Response(status_code=204)

    def _launch(self, query: Any) -> Launch:
        section = _found(self.platform.schoology.sections, query.get("section"), "section")
        user = _found(self.platform.schoology.users, query.get("user"), "user")
        roles = tuple(query.getlist("role")) or self.platform.roles_of(user, section)
        return Launch(user, section, roles)

    def _tool(self) -> Tool:
        if self.platform.tool is None:
            raise HTTPException(409, "No tool is registered yet: POST its URLs to /tool.")
        return self.platform.tool


def _found(things: Mapping[int, T], given: str | None, what: str) -> T:
    if given is None or not given.isdecimal() or int(given) not in things:
        raise HTTPException(404, f"No {what} {given}.")
    return things[int(given)]


def _people(platform: Platform, book: Section) -> list[User]:
    """Return the section's teachers and its first student."""
    users = platform.schoology.users
    teachers = [users[e.uid] for e in book.enrollments.values() if e.admin]
    return teachers + [users[e.uid] for e in book.students()[:1]]


def _page(name: str, **values: Any) -> Response:
    return HTMLResponse(PAGES.get_template(name).render(**values), headers={"cache-control": "no-store"})


def lti_app(platform: Platform) -> Starlette:
    """Return the platform as an ASGI application."""
    pages = Pages(platform)
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/.well-known/jwks", pages.jwks),
            Route("/authorize-redirect", pages.authorize, methods=["GET", "POST"]),
            Route("/course", pages.course),
            Route("/storage", pages.storage),
            Route("/id_token", pages.id_token),
            Route("/lti11", pages.basic),
            Route("/tool", pages.register, methods=["POST"]),
        ]
    )
