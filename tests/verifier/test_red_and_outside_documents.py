"""Documents of reds and of invoices of elsewhere: each field the chain knows, and twins; no byte can change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verifier.bundle_factory import (
    GROSS_FEN,
    NUMBER,
    SEED,
    TAX_FEN,
    Scenario,
)
from tests.verifier.judging import failure, judge
from tests.verifier.tales import (
    AGREED,
    DISPLACED,
    DISPUTED,
    MASKED_DOCUMENT,
    OUTSIDE_DOCUMENT,
    OUTSIDE_NUMBER,
    PART_FEN,
    RED_DOCUMENT,
    RED_MOVES,
    RED_NUMBER,
    registered,
    tale_of,
)
from verifier.commitment import commit, disclose
from verifier.reasons import Reason
from verifier.report import Report, Result
from verifier.steps import examine

BUYER = {"name": "深圳某某科技有限公司", "tax_id": "91440300MA5EXAMP2Y"}


def judged(moves: tuple[object, ...], at: int, document: dict[str, object]) -> Report:
    """A tale whose operation `at` commits to that document."""
    changed = list(moves)
    changed[at] = replace(moves[at], operation=replace(moves[at].operation, ref=commit(document, SEED)))
    number = changed[0].operation.number
    return judge(Scenario(moves=tuple(changed), number=number, document=document, others=4))


def fields_of(report: Report) -> dict[str, str | int]:
    assert report.verdict is Result.VALID, report.to_text("en")
    return dict(report.steps[-1].compared)


# --- reds --------------------------------------------------------------------------------------------------


def test_document_of_a_red_is_compared_with_its_operation() -> None:
    fields = fields_of(judged(RED_MOVES, 0, RED_DOCUMENT))
    assert fields["colour"] == "red"
    assert fields["original.number"] == f"{NUMBER:020d}"
    assert (fields["gross_fen"], fields["red_reason"]) == (-PART_FEN, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "blue"},
        {"number": f"{NUMBER:020d}"},
        {"gross_fen": PART_FEN},
        {"net_fen": 2000},
        {"tax_fen": 260},
        {"gross_fen": -PART_FEN - 1},
        {"original": {"number": f"{RED_NUMBER:020d}"}},
        {"original": {"number": f"{NUMBER + 1:020d}"}},
        {"original": {"number": 5}},
        {"red_reason": 4},
        {"red_reason": "2"},
        {"issued_on": "2026-12-01"},
        {"seller": RED_DOCUMENT["buyer"]},
        {"buyer": {"name": "乙", "tax_id": ""}},
    ],
)
def test_document_of_a_red_that_disagrees_with_the_chain_is_invalid(changes: dict[str, object]) -> None:
    assert failure(judged(RED_MOVES, 0, RED_DOCUMENT | changes), "fields") is Reason.FIELD_DIFFERS


@pytest.mark.parametrize("path", ["colour", "original", "red_reason", "gross_fen", "issued_on", "number", "buyer"])
def test_whole_document_of_a_red_lacks_nothing(path: str) -> None:
    document = {key: value for key, value in RED_DOCUMENT.items() if key != path}
    assert failure(judged(RED_MOVES, 0, document), "fields") is Reason.FIELD_MISSING


def test_document_of_a_blue_says_that_it_is_none_of_a_red() -> None:
    report = judged(AGREED, 0, tale_of(AGREED).document | {"colour": "red"})
    assert failure(report, "fields") is Reason.FIELD_DIFFERS


def test_red_shown_in_part_names_what_is_hidden() -> None:
    report = judge(replace(tale_of(RED_MOVES), paths=("number", "gross_fen")))
    fields = fields_of(report)
    assert str(fields["not_shown"]).split(", ")[:2] == ["colour", "original.number"]
    assert "red_reason" in str(fields["not_shown"])


def test_evidence_of_a_red_cannot_show_its_blue_as_its_own() -> None:
    """The same operation stands in two histories; each proves the words of its own number."""
    scenario = replace(tale_of(RED_MOVES), number=NUMBER)
    assert failure(judge(scenario), "rules") is Reason.RULE_BROKEN


# --- invoices of elsewhere ---------------------------------------------------------------------------------

CLAIMED = DISPLACED[:1]


def test_document_of_an_outside_invoice_is_compared_with_its_registration() -> None:
    fields = fields_of(judged(CLAIMED, 0, OUTSIDE_DOCUMENT))
    assert (fields["gross_fen"], fields["net_fen"], fields["tax_fen"]) == (GROSS_FEN, GROSS_FEN - TAX_FEN, TAX_FEN)
    assert fields["number"] == f"{OUTSIDE_NUMBER:020d}"
    assert fields["buyer.tax_id"] == BUYER["tax_id"]


@pytest.mark.parametrize("seller", [{"name": "无名", "tax_id": ""}, {"name": "甲", "tax_id": "440301999999999"}])
def test_the_seller_of_an_outside_invoice_is_whoever_its_document_says(seller: dict[str, str]) -> None:
    fields = fields_of(judged(CLAIMED, 0, OUTSIDE_DOCUMENT | {"seller": seller}))
    assert fields["seller.tax_id"] == seller["tax_id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"number": f"{OUTSIDE_NUMBER + 1:020d}"},
        {"kind": "special"},
        {"gross_fen": GROSS_FEN - 1},
        {"net_fen": GROSS_FEN},
        {"tax_fen": 0},
        {"colour": "red"},
        {"issued_on": "2026-10-31"},
        {"buyer": {"name": "丙", "tax_id": "91440300MA5EXAMP3Z"}},
        {"buyer": {"name": "丙", "tax_id": "9144**********2Y"}},
    ],
)
def test_document_of_an_outside_invoice_that_disagrees_is_invalid(changes: dict[str, object]) -> None:
    assert failure(judged(CLAIMED, 0, OUTSIDE_DOCUMENT | changes), "fields") is Reason.FIELD_DIFFERS


UNNAMED = (registered(0, 4, named=False),)


@pytest.mark.parametrize("tax_id", ["", "9144**********2Y", "XXXXXXXXXXXXXX"])
def test_outside_invoice_without_a_named_buyer_shows_no_whole_tax_id(tax_id: str) -> None:
    assert fields_of(judged(UNNAMED, 0, MASKED_DOCUMENT | {"buyer": {"name": "个人", "tax_id": tax_id}}))


@pytest.mark.parametrize("tax_id", [BUYER["tax_id"], "91440300MA5EXAMP3Z", 5])
def test_outside_invoice_of_a_buyer_that_was_not_named_is_invalid(tax_id: object) -> None:
    report = judged(UNNAMED, 0, MASKED_DOCUMENT | {"buyer": {"name": "乙", "tax_id": tax_id}})
    assert failure(report, "fields") is Reason.FIELD_DIFFERS


def test_document_is_that_of_the_registration_that_counts() -> None:
    """A displaced registration's document stands no more; one that only disputes never did."""
    assert judge(tale_of(DISPLACED)).verdict is Result.VALID
    stale = replace(tale_of(DISPLACED[:2]), document=OUTSIDE_DOCUMENT)
    assert failure(judge(stale), "document") is Reason.COMMITMENT_DIFFERS
    assert judge(tale_of(DISPUTED)).verdict is Result.VALID
    disputing = replace(tale_of(DISPUTED), document=MASKED_DOCUMENT)
    assert failure(judge(disputing), "document") is Reason.COMMITMENT_DIFFERS


def test_a_later_registration_keeps_the_number_of_the_history() -> None:
    other = replace(DISPLACED[1], operation=replace(DISPLACED[1].operation, number=OUTSIDE_NUMBER + 1))
    assert failure(judge(tale_of((DISPLACED[0], other))), "rules") is Reason.OPERATION_OF_ANOTHER


# --- no byte can change ------------------------------------------------------------------------------------

FILES = {"red": tale_of(RED_MOVES), "blue of a red": tale_of(AGREED), "outside": tale_of(DISPLACED[:3])}
DATA = {name: scenario.data for name, scenario in FILES.items()}
TRUST = FILES["red"].trust
quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def flipped(name: str, at: int, mask: int) -> Result:
    data = bytearray(DATA[name])
    data[at % len(data)] ^= mask
    return examine(bytes(data), TRUST).verdict


@pytest.mark.parametrize("name", FILES)
def test_file_under_attack_is_valid(name: str) -> None:
    assert examine(DATA[name], TRUST).verdict is Result.VALID


@quick
@given(st.sampled_from(sorted(FILES)), st.integers(0, 2**20), st.integers(1, 255))
def test_flipped_byte_of_red_or_outside_evidence_is_never_valid(name: str, at: int, mask: int) -> None:
    assert flipped(name, at, mask) is not Result.VALID


@pytest.mark.slow
@settings(quick, max_examples=4_000)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 2**20), st.integers(1, 255))
def test_thousands_of_flipped_bytes_are_never_valid(name: str, at: int, mask: int) -> None:
    assert flipped(name, at, mask) is not Result.VALID


@quick
@given(st.sampled_from(sorted(FILES)), st.integers(0, 9), st.integers(0, 255), st.sampled_from(["operation", "state"]))
def test_flipped_bit_of_a_signed_or_recorded_word_is_never_valid(name: str, event: int, bit: int, part: str) -> None:
    """In canonical form again, so that nothing but the checks themselves can see it."""
    bundle = FILES[name].bundle
    at = event % len(bundle.history)
    one = bundle.history[at]
    if part == "state":
        changed = replace(one, state=one.state ^ 1 << bit)
    else:
        what, terms, who, ref = one.operation.words()
        changed = replace(one, operation=type(one.operation).from_words(what ^ 1 << bit, terms, who, ref))
    history = (*bundle.history[:at], changed, *bundle.history[at + 1 :])
    assert examine(replace(bundle, history=history).to_bytes(), TRUST).verdict is not Result.VALID


@pytest.mark.parametrize("name", FILES)
def test_history_that_leaves_an_operation_out_is_never_valid(name: str) -> None:
    bundle = FILES[name].bundle
    for at in range(len(bundle.history)):
        history = bundle.history[:at] + bundle.history[at + 1 :]
        if history:
            assert examine(replace(bundle, history=history).to_bytes(), TRUST).verdict is not Result.VALID


def test_document_of_another_invoice_does_not_fit() -> None:
    bundle = FILES["red"].bundle
    for document in (tale_of(AGREED).document, RED_DOCUMENT | {"red_slip": ""}):
        changed = replace(bundle, document=disclose(document, SEED))
        assert failure(examine(changed.to_bytes(), TRUST), "document") is Reason.COMMITMENT_DIFFERS
