"""Test that no route takes a query parameter that it does not declare, or one that means something else."""

import pytest

from harness.api import ApiHarness, expect_problem
from harness.every_route import OPEN, RULES, TwoDistricts


async def test_unknown_query_parameters_are_refused(districts: TwoDistricts) -> None:
    office = await districts.api.office()
    before = await districts.checksums()
    for method, path in {*OPEN, *RULES}:
        url = f"{path.format(**districts.ours, code='token-missing')}?limitt=1&dry%2Drun=true"
        problem = expect_problem(await office.ask(method, url), 422, "request-not-valid")
        assert [error["at"] for error in problem["errors"]] == [["query", "dry-run"], ["query", "limitt"]]
    assert await districts.checksums() == before


@pytest.mark.parametrize("query", ["status=failed&status=complete", "limit=5&limit=5"])
async def test_a_repeated_query_parameter_is_refused(api: ApiHarness, query: str) -> None:
    response = await (await api.office()).ask("GET", f"/syncs?{query}")
    (error,) = expect_problem(response, 422, "request-not-valid")["errors"]
    assert (error["at"], error["type"]) == (["query", query.partition("=")[0]], "repeated")


@pytest.mark.parametrize("number", ["20261201", "1764547200", "1764547200.5", "0"])
async def test_a_number_is_no_moment(api: ApiHarness, number: str) -> None:
    office = await api.office()
    for path in ("/syncs?since=", "/syncs?until=", f"{api.path}/history?as_of="):
        expect_problem(await office.ask("GET", f"{path}{number}"), 422, "request-not-valid")
    for since in (number, float(number)):
        expect_problem(await office.post("/statements", {"from": since}), 422, "request-not-valid")
