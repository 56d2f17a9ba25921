"""Test LTI 1.1 launches, as a tool that knows the secret checks them."""

import time
from typing import Any
from urllib.parse import urlencode

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from gradesync_sandbox.lti.basic import basic_launch
from gradesync_sandbox.lti.platform import Platform
from gradesync_sandbox.world import Classroom, World

TOOL = "https://tool.example"


class Validator(RequestValidator):
    """Check launches as an LTI 1.1 tool that knows the platform's key and secret."""

    enforce_ssl = True
    allowed_signature_methods = ("HMAC-SHA1",)
    timestamp_lifetime = 300
    nonce_length = 8, 64
    client_key_length = 4, 64

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == self.platform.consumer_key

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self.platform.consumer_secret

    def validate_timestamp_and_nonce(self, *args: Any, **kwargs: Any) -> bool:
        return True


def accepted(platform: Platform, fields: dict[str, str]) -> bool:
    endpoint = SignatureOnlyEndpoint(Validator(platform))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    valid, _ = endpoint.validate_request(f"{TOOL}/lti/basic", "POST", urlencode(fields), headers)
    return bool(valid)


def test_basic_launch_is_signed_over_its_form(world: World, room: Classroom) -> None:
    world.lti.clock = time.time
    fields = basic_launch(world.lti, room.teacher, room.section, f"{TOOL}/lti/basic")
    assert accepted(world.lti, fields)
    assert not accepted(world.lti, fields | {"custom_user_id": "1"})
    assert fields["lti_message_type"] == "basic-lti-launch-request"
    assert fields["custom_section_id"] == str(room.section.id)
    assert fields["roles"] == "Instructor"
    assert fields["oauth_timestamp"].isdecimal()
