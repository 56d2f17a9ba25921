"""Hold our OAuth 1.0a signatures against those of oauthlib, which reads RFC 5849 as servers do."""

import re
from typing import Any
from urllib.parse import quote, unquote, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import Client

from gradesync.upstream.auth import sign_oauth1

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=9)
queries = st.lists(st.tuples(texts, texts), max_size=4)
urls = st.builds(
    lambda port, part, query: f"https://SIS.example{port}/v1/{quote(part)}?{urlencode(query)}",
    st.sampled_from(["", ":443", ":8001"]),
    texts,
    queries,
)


def parameters(header: str) -> dict[str, str]:
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


@pytest.mark.parametrize("method", ["PLAINTEXT", "HMAC-SHA1", "HMAC-SHA256"])
@given(url=urls, key=texts, secret=texts)
def test_signature_is_the_one_of_the_standard(method: str, url: str, key: str, secret: str) -> None:
    request = httpx.Request("PUT", url, json={"a": "b"})
    ours = parameters(sign_oauth1(request, key, secret, method))
    client = Client(
        key,
        client_secret=secret,
        signature_method=method,
        nonce=ours["oauth_nonce"],
        timestamp=ours["oauth_timestamp"],
    )
    verb: Any = request.method
    _, headers, _ = client.sign(str(request.url), verb)
    assert ours == parameters(headers["Authorization"])
