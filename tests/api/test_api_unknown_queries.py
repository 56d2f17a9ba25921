"""Test that no route takes a query parameter that it does not declare."""

from harness.api import expect_problem
from harness.every_route import OPEN, RULES, TwoDistricts


async def test_unknown_query_parameters_are_refused(districts: TwoDistricts) -> None:
    office = await districts.api.office()
    before = await districts.checksums()
    for method, path in {*OPEN, *RULES}:
        url = f"{path.format(**districts.ours, code='token-missing')}?limitt=1&dry%2Drun=true"
        problem = expect_problem(await office.ask(method, url), 422, "request-not-valid")
        assert [error["at"] for error in problem["errors"]] == [["query", "dry-run"], ["query", "limitt"]]
    assert await districts.checksums() == before
