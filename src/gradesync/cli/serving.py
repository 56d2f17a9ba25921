"""Build what the API's process serves."""

from functools import partial

from fastapi import FastAPI

from gradesync.api.app import create_app
from gradesync.cli.district_file import DistrictFileRefused, validate
from gradesync.console.app import console_app
from gradesync.console.settings import FieldMistake, SettingsRefused, Tables
from gradesync.core.district import District
from gradesync.lti.app import lti_app
from gradesync.runtime import Runtime


def application(runtime: Runtime) -> FastAPI:
    """Make the API, with the LTI tool, the teacher's page and the console in it."""
    app = create_app(runtime)
    app.mount("/lti", lti_app(runtime))
    parse = partial(_parse, allow_http=runtime.settings.allow_private_network)
    app.mount("/console", console_app(runtime, parse))
    return app


def _parse(tables: Tables, *, allow_http: bool) -> District:
    """Validate settings as those of a district file. Raises `SettingsRefused`."""
    try:
        return validate(tables, {}, allow_http=allow_http)
    except DistrictFileRefused as refused:
        mistakes = (FieldMistake(each.setting, each.message, each.hint) for each in refused.mistakes)
        raise SettingsRefused(*mistakes) from None
