"""Sign requests to the simulated Schoology with a library that the simulator does not use."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import httpx
from oauthlib.oauth1 import Client

from gradesync_sandbox.schoology.app import SchoologyApp
from gradesync_sandbox.schoology.model import Credential
from gradesync_sandbox.world import World

BASE = "https://api.schoology.test/v1"


@dataclass
class Signed(httpx.Auth):
    """Sign every request with a new two-legged header. `more` goes to `oauthlib.oauth1.Client`."""

    credential: Credential
    method: str = "PLAINTEXT"
    more: dict[str, str] = field(default_factory=dict)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        client = Client(
            self.credential.key,
            client_secret=self.credential.secret,
            signature_method=self.method,
            **self.more,
        )
        method: Any = request.method  # oauthlib's types name nine methods, httpx's any
        _, headers, _ = client.sign(str(request.url), http_method=method)
        request.headers["authorization"] = headers["Authorization"]
        yield request


def client(world: World, credential: Credential | None = None, **headers: str) -> httpx.AsyncClient:
    """Return a client of the simulated Schoology in process, with the app's key by default."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(SchoologyApp(world.schoology)),
        base_url=BASE,
        auth=Signed(credential or world.app_key),
        headers={"accept": "application/json", **headers},
    )


async def read(calls: httpx.AsyncClient, path: str) -> Any:
    """Return the body of a GET, which must succeed."""
    answer = await calls.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()
