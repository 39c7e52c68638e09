"""Titles written so that another company's invoice passes for the employer's, or for a person's."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.formats import read_typed
from ledger.service import outside_titles
from ledger.service.outside_titles import Employer, title_problems
from tests.service.world import tax_id

EMPLOYER = Employer(7, "FORCECONN科技有限公司", tax_id(700_001))


def codes(name: str, buyer_tax_id: str = "") -> list[str]:
    fields: dict[str, Any] = {"number": "24440000000000000001", "gross": "100.00", "issued_on": "2025-01-02"}
    fields |= {"buyer_name": name}
    if buyer_tax_id:
        fields["buyer_tax_id"] = buyer_tax_id
    return [one.code for one in title_problems(read_typed(fields), EMPLOYER, "李雷")]


def test_two_letters_x_inside_a_name_stand_for_themselves() -> None:
    assert codes("FOXXCONN科技有限公司") == ["outside_title"]
    assert codes("FORCECONN科技有限公司") == []


@pytest.mark.parametrize("title", ["**", "****************", "XXXX"])
def test_a_title_of_a_mask_alone_names_no_employer(title: str) -> None:
    assert codes(title) == ["outside_title"]
    assert codes("FORCE****有限公司") == []


@pytest.mark.parametrize(
    "title", ["甲公\u200b司", "别的公\u2060司·", "别的\ufe0f公\ufe0f司·", "深圳市甲乙丙科技·", "·乙丙丁科技"]
)
def test_no_unseen_sign_and_no_point_at_the_edge_makes_a_company_a_person(title: str) -> None:
    from ledger.service.outside_titles import _is_personal

    assert not _is_personal(title, "", "李雷")
    assert _is_personal("阿卜杜拉·买买提", "", "李雷")


def test_a_tax_id_that_is_a_mask_alone_is_nobodys() -> None:
    assert not outside_titles._may_be("******************", "91440300MA5DA1234X")
    assert outside_titles._may_be("9144****1234X", "91440300MA5DA1234X")
    assert not outside_titles._may_be("9144****1234Y", "91440300MA5DA1234X")
    assert not outside_titles._may_be("914403****300MA5DA1234X", "914403MA5DA1234X")


def test_many_masks_take_no_longer_than_the_name_is_long() -> None:
    shown = "**".join("A" * 60) + "**B"
    assert not outside_titles._may_be(shown, "A" * 200)
