"""Test the pairing of categories: by title or by hand, kept by id, never guessed."""

from collections.abc import Mapping
from types import MappingProxyType

from gradesync.core.fit import Pairing, pair
from gradesync.core.gradebook import Category
from gradesync.core.reasons import Reason
from gradesync.core.sis import Ref, SisCategory
from harness.gradebooks import CATEGORIES


def sis(*titles: str, active: bool = True) -> list[SisCategory]:
    return [SisCategory(Ref(f"k{n}"), title, active) for n, title in enumerate(titles, 1)]


def paired(
    source: list[Category],
    target: list[SisCategory],
    kept: dict[str, Ref] | None = None,
    *,
    many: bool = False,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Pairing:
    return pair(source, target, kept or {}, many_to_one=many, titles=titles)


def test_R11_categories_with_one_title_are_paired() -> None:
    made = paired([Category("c1", " Straße "), Category("c2", "Tests")], sis("STRASSE", "Labs"))
    assert made.pairs == {"c1": Ref("k1")}
    assert made.made == {"c1": sis("STRASSE")[0]}
    assert made.refused == {}


def test_R11_a_kept_pair_outlives_every_renaming() -> None:
    made = paired([Category("c1", "Labs")], sis("Homework", "Labs"), {"c1": Ref("k1")})
    assert made.pairs == {"c1": Ref("k1")}
    assert made.made == {}


def test_R10_a_sis_category_takes_one_source_category() -> None:
    made = paired([Category("c1", "Old name"), Category("c2", "Quizzes")], sis("Quizzes"), {"c1": Ref("k1")})
    assert made.pairs == {"c1": Ref("k1")}
    assert made.refused == {"c2": Reason.CATEGORY_TAKEN}


def test_R10_a_sis_without_categories_takes_every_one() -> None:
    taker = SisCategory(Ref("k0"), "Uncategorized", takes_all=True)
    source = (Category("c1", "Quizzes"), Category("c2", "Tests"))
    made = pair(source, [taker], {"c1": taker.ref}, many_to_one=False)
    assert (made.pairs, made.made) == ({"c1": taker.ref, "c2": taker.ref}, {"c2": taker})


def test_R10_a_title_rule_for_one_category_pairs_neither() -> None:
    source, rule = [Category("c1", "HW"), Category("c2", "Homework")], {"hw": "homework"}
    made = paired(source, sis("Homework"), titles=rule)
    assert (made.pairs, made.refused) == ({}, dict.fromkeys(("c1", "c2"), Reason.CATEGORY_TAKEN))
    made = paired(source, sis("Homework"), titles=rule, many=True)
    assert (made.pairs, made.refused) == ({"c1": Ref("k1"), "c2": Ref("k1")}, {})
    made = paired([Category("c3", "HW"), *source], sis("Homework"), titles=rule)
    assert made.refused == {
        "c1": Reason.CATEGORY_AMBIGUOUS,
        "c2": Reason.CATEGORY_TAKEN,
        "c3": Reason.CATEGORY_AMBIGUOUS,
    }


def test_R10_a_title_rule_ignores_categories_paired_elsewhere() -> None:
    source = [Category("c1", "HW"), Category("c2", "Homework")]
    made = paired(source, sis("Homework", "Labs"), {"c1": Ref("k2")}, titles={"HW": "Homework"})
    assert (made.pairs, made.refused) == ({"c1": Ref("k2"), "c2": Ref("k1")}, {})


def test_R10_a_district_may_map_many_to_one() -> None:
    source = [Category("c1", "Old name"), Category("c2", "Quizzes")]
    made = paired(source, sis("Quizzes"), {"c1": Ref("k1")}, many=True)
    assert made.pairs == {"c1": Ref("k1"), "c2": Ref("k1")}


def test_R34_equal_titles_on_either_side_are_not_paired_by_guess() -> None:
    made = paired([Category("c1", "Quizzes"), Category("c2", "quizzes ")], sis("Quizzes"))
    assert (made.pairs, made.refused) == ({}, dict.fromkeys(("c1", "c2"), Reason.CATEGORY_AMBIGUOUS))
    made = paired([Category("c1", "Quizzes")], sis("Quizzes", "QUIZZES"))
    assert (made.pairs, made.refused) == ({}, {"c1": Reason.CATEGORY_AMBIGUOUS})


def test_R34_a_kept_pair_is_not_ambiguous() -> None:
    made = paired([Category("c1", "Quizzes"), Category("c2", "Quizzes")], sis("Quizzes"), {"c1": Ref("k1")})
    assert (made.pairs, made.refused) == ({"c1": Ref("k1")}, {"c2": Reason.CATEGORY_AMBIGUOUS})


def test_R34_an_inactive_sis_category_is_not_paired() -> None:
    idle = sis("Quizzes", active=False)
    assert paired(list(CATEGORIES), idle).pairs == {}
    assert paired(list(CATEGORIES), [*idle, SisCategory(Ref("k9"), "Quizzes")]).pairs == {"c1": Ref("k9")}


def test_R44_a_category_that_is_gone_holds_its_title_for_nobody() -> None:
    source, kept = [Category("c2", "Quizzes")], {"c1": Ref("k1")}
    made = pair(source, sis("Quizzes"), kept, many_to_one=False, in_use={"c1"})
    assert (made.pairs, made.refused) == ({"c1": Ref("k1"), "c2": Ref("k1")}, {})
    made = pair(source, sis("Quizzes"), kept, many_to_one=False, in_use={"c1"}, partial=True)
    assert (made.pairs, made.refused) == ({"c1": Ref("k1")}, {"c2": Reason.CATEGORY_TAKEN})


def test_R44_a_pair_whose_sis_category_is_gone_is_closed() -> None:
    source, kept = [Category("c1", "Homework"), Category("c2", "Labs")], {"c1": Ref("k9"), "c2": Ref("k1")}
    shown = [*sis("Labs", active=False), SisCategory(Ref("k2"), "Essays", True)]
    made = pair(source, shown, kept, many_to_one=False, listed=True)
    assert (made.pairs, made.closed) == ({}, kept)
    assert made.refused == {"c1": Reason.CATEGORY_UNMAPPED, "c2": Reason.CATEGORY_INACTIVE}
