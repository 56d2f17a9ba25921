"""Build what the API's process serves."""

from fastapi import FastAPI

from gradesync.api.app import create_app
from gradesync.lti.app import lti_app
from gradesync.runtime import Runtime


def application(runtime: Runtime) -> FastAPI:
    """Make the API, with the LTI tool and the teacher's page in it."""
    app = create_app(runtime)
    app.mount("/lti", lti_app(runtime))
    return app
