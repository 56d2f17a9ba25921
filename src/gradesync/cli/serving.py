"""What the API's process serves."""

from fastapi import FastAPI

from gradesync.api.app import create_app
from gradesync.lti.app import lti_app
from gradesync.runtime import Runtime


def application(runtime: Runtime) -> FastAPI:
    """The API, and the LTI tool with the teacher's page."""
    app = create_app(runtime)
    app.mount("/lti", lti_app(runtime))
    return app
