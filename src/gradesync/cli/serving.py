"""Build what the API's process serves."""

from fastapi import FastAPI

from gradesync.api.app import create_app
from gradesync.console.app import console_app
from gradesync.lti.app import lti_app
from gradesync.runtime import Runtime


def application(runtime: Runtime) -> FastAPI:
    """Make the API, with the LTI tool, the teacher's page and the console in it."""
    app = create_app(runtime)
    app.mount("/lti", lti_app(runtime))
    app.mount("/console", console_app(runtime))
    return app
