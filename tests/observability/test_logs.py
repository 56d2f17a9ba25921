"""Test the logs of a process: one form, and never the text of an exception."""

import json
import subprocess
import sys

SCRIPT = """
import asyncio, logging
import structlog
from gradesync.observability.logs import configure_logging

configure_logging("info", "json")
log = structlog.get_logger("gradesync.tests")

def fail(what):
    raise ValueError(what)

def twice():
    try:
        fail("score 9.5")
    except ValueError as error:
        raise LookupError("student 5790000") from error

try:
    twice()
except LookupError:
    log.exception("ours", id_token="eyJ", section="1")
try:
    raise ExceptionGroup("both 9.5", [KeyError("5790000"), OSError("9.5")])
except ExceptionGroup as group:
    logging.getLogger("a.library").error("theirs\\nwith 9.5 below", exc_info=group)

async def forgotten():
    asyncio.ensure_future(asyncio.to_thread(fail, "9.5"))
    await asyncio.sleep(0.1)
asyncio.run(forgotten())
import gc; gc.collect()
logging.getLogger("a.library").info("signing with 9.5")
"""


def test_logs_show_where_an_exception_was_raised_not_its_text() -> None:
    process = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)  # noqa: S603
    ours, theirs, forgotten = map(json.loads, process.stderr.splitlines())
    assert (ours["event"], ours["section"], ours["id_token"]) == ("ours", "1", "[hidden]")
    first, then = ours["exception"].split("then:\n")
    assert first.startswith("builtins.ValueError\n")
    assert then.startswith("builtins.LookupError\n")
    assert [line.rpartition(" ")[2] for line in first.splitlines()[1:]] == ["twice", "fail"]
    assert theirs["event"] == "theirs"
    for name in ("ExceptionGroup", "KeyError", "OSError"):
        assert f"builtins.{name}" in theirs["exception"]
    assert forgotten["event"] == "Task exception was never retrieved"
    assert "builtins.ValueError" in forgotten["exception"]
    for secret in ("9.5", "5790000", "eyJ"):
        assert secret not in process.stderr


CUT_OFF = """
import asyncio, socket
import httpx, uvicorn
from fastapi import FastAPI
from gradesync.api.error_handlers import install_handlers
from gradesync.api.streaming import stream_file
from gradesync.errors import DatabaseAway
from gradesync.observability.logs import configure_logging

configure_logging("info", "json")
app = FastAPI()
install_handlers(app, "http://gradesync.test")

async def parts():
    yield "a"
    yield "b"
    try:
        raise OSError("score 9.5")
    except OSError as error:
        raise DatabaseAway("ConnectionDoesNotExistError") from error

@app.get("/")
async def download():
    return await stream_file(parts(), "text/csv", "file.csv")

async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient() as client:
        try:
            await client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        except httpx.RemoteProtocolError:
            print("broken off")
    server.should_exit = True
    await serving
asyncio.run(main())
"""


def test_file_that_an_outage_breaks_off_is_one_line() -> None:
    process = subprocess.run([sys.executable, "-c", CUT_OFF], capture_output=True, text=True, check=True)  # noqa: S603
    (line,) = map(json.loads, process.stderr.splitlines())
    assert (line["level"], line["error"]) == ("error", "ConnectionDoesNotExistError")
    assert "exception" not in line
    assert process.stdout == "broken off\n"


RAISED_FROM = """
import structlog
from gradesync.errors import DatabaseAway
from gradesync.observability.logs import configure_logging

configure_logging("info", "json")
log = structlog.get_logger("gradesync.tests")
try:
    try:
        raise DatabaseAway("NoAnswer")
    except DatabaseAway as outage:
        log.exception("outage", error="named")
        raise KeyError("defect") from outage
except KeyError:
    log.exception("defect")
"""


def test_defect_raised_from_an_outage_keeps_its_place() -> None:
    process = subprocess.run([sys.executable, "-c", RAISED_FROM], capture_output=True, text=True, check=True)  # noqa: S603
    outage, defect = map(json.loads, process.stderr.splitlines())
    assert (outage["error"], "exception" in outage) == ("named", False)
    assert "builtins.KeyError" in defect["exception"]
    assert "error" not in defect
