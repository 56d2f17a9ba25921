"""Attack the API with requests that schemathesis generates from its document.

Tests import this module where they need it: schemathesis takes seconds, and every test process collects all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import hypothesis
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

# Requests name ids that Schoology never issued, and its refusal is reported.
REFUSED_UPSTREAM = 502
DOCUMENT_SECONDS = 60  # a busy machine takes some of them to describe the API
# Return 503 where servers do not respond in time, or the calls that no sync waits for are spent.
MAY_BE_UNAVAILABLE = {"/readyz", "/sections/{section_id}/totals"}
PROMISES = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@dataclass(frozen=True)
class Attack:
    """Send `examples` requests to every `one_in` operation of the service at `url`; `ids` exist in it."""

    url: str
    ids: Mapping[str, str]
    token: str | None
    examples: int
    one_in: int
    repeatable: bool

    def find_broken_promises(self) -> list[str]:
        """Return what responses do not conform to the document in, by operation."""
        schema = schemathesis.openapi.from_url(
            f"{self.url}/openapi.json", config=SchemathesisConfig(), timeout=DOCUMENT_SECONDS
        )
        broken = []
        for result in islice(schema.get_all_operations(), 0, None, self.one_in):
            assert isinstance(result, Ok), result
            operation = result.ok()
            try:
                self._on(operation)()
            except AssertionError as failure:
                broken.append(f"{operation.label}: {failure}")
            except FailureGroup as failures:
                broken += [
                    f"{operation.label}: {error} {getattr(error, 'message', '')} {vars(error)}"
                    for error in failures.exceptions
                ]
        return broken

    def _on(self, operation: Any) -> Callable[[], None]:
        modes = schemathesis.GenerationMode
        cases = st.one_of(
            operation.as_strategy(generation_mode=modes.POSITIVE),
            operation.as_strategy(generation_mode=modes.NEGATIVE),
        )
        known_ids = st.fixed_dictionaries(
            {}, optional={name: st.just(value) for name, value in self.ids.items()}
        )
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        checks = CHECKS.get_by_names(list(PROMISES))

        @hypothesis.given(case=cases, known_ids=known_ids)
        @hypothesis.settings(
            max_examples=self.examples,
            derandomize=self.repeatable,
            deadline=None,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        def attack(case: Any, known_ids: dict[str, str]) -> None:
            given = case.path_parameters or {}
            case.path_parameters = given | {name: id_ for name, id_ in known_ids.items() if name in given}
            response = case.call(base_url=self.url, headers=headers)
            allowed = operation.path in MAY_BE_UNAVAILABLE or response.status_code == REFUSED_UPSTREAM
            assert response.status_code < 500 or allowed, response.text
            case.validate_response(response, checks=checks)

        return attack
