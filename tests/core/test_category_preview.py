"""Test what rules by title would change, section by section."""

from collections.abc import Mapping

import pytest

from gradesync.core.category_preview import (
    KnownCategories,
    PairChange,
    UnmappedTitle,
    find_changed_titles,
    merge_titles,
    preview_changes,
)
from gradesync.core.overview import CategoryUse
from gradesync.core.sis import Ref, SisCategory

SIS = [
    SisCategory(Ref(str(n), {}), title, title != "Retired")
    for n, title in enumerate(["Homework", "Tests", "Retired"])
]
HW = CategoryUse("HW", 12, None, chosen=False)
HOMEWORK = CategoryUse("Homework", 3, "Homework", chosen=False)
CHOSEN = CategoryUse("hw ", 5, "Tests", chosen=True)


def changes(
    *uses: CategoryUse,
    after: Mapping[str, str],
    before: Mapping[str, str] | None = None,
    many_to_one: bool = False,
) -> list[PairChange]:
    section = KnownCategories("7", "Algebra", uses, SIS)
    changed = find_changed_titles(before or {}, after)
    return list(preview_changes(section, after, changed, many_to_one=many_to_one))


def test_a_rule_pairs_what_goes_nowhere() -> None:
    assert changes(HW, after={"hw": "homework"}) == [PairChange("HW", 12, None, "Homework")]


@pytest.mark.parametrize("sis_title", ["Retired", "Labs"])
def test_a_rule_to_no_active_category_changes_nothing(sis_title: str) -> None:
    assert changes(HW, after={"HW": sis_title}) == []


def test_a_pair_that_the_district_chose_stays() -> None:
    assert changes(CHOSEN, after={"HW": "Homework"}) == []


def test_a_rule_that_goes_takes_its_pairs_with_it() -> None:
    paired = CategoryUse("HW", 12, "Homework", chosen=False)
    assert changes(paired, before={"HW": "Homework"}, after={}) == [PairChange("HW", 12, "Homework", None)]


def test_two_titles_to_one_category_need_many_to_one() -> None:
    rules = {"HW": "Homework"}
    assert changes(HW, HOMEWORK, after=rules) == [PairChange("Homework", 3, "Homework", None)]
    assert changes(HW, HOMEWORK, after=rules, many_to_one=True) == [PairChange("HW", 12, None, "Homework")]


def test_other_pairs_stay_whatever_they_are_called_by_now() -> None:
    renamed = CategoryUse("Labs", 4, "Laboratory", chosen=False)
    assert changes(renamed, HW, after={"HW": "Tests"}) == [PairChange("HW", 12, None, "Tests")]


def test_titles_that_compare_as_equal_count_as_one() -> None:
    counted = [UnmappedTitle("hw", 1, 9), UnmappedTitle("HW ", 3, 4), UnmappedTitle("Labs", 9, 1)]
    assert merge_titles(counted) == [UnmappedTitle("HW ", 4, 13), UnmappedTitle("Labs", 9, 1)]
