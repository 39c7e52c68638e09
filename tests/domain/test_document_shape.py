from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.document import parse_document, parse_issuable
from ledger.domain.errors import DocumentError
from ledger.domain.fields import PROBLEMS_MAX
from ledger.domain.invoice import AMOUNT_FEN_MAX, LINES_MAX, InvoiceColour, Line, LineNature, RateMark
from verifier.canonical import loads
from verifier.commitment import commit

SEED = bytes(range(32))
NUMBER = 94403260911000000001


def refused(value: object) -> dict[str, str]:
    """Code by path of the problems that `value` is refused for."""
    with pytest.raises(DocumentError) as caught:
        parse_document(value)
    assert all(problem.message_en and problem.message_zh for problem in caught.value.problems)
    return {problem.path: problem.code for problem in caught.value.problems}


def at(value: dict[str, Any], path: str) -> tuple[Any, Any]:
    """Container and last key of a dotted path."""
    *parents, last = path.split(".")
    node: Any = value
    for key in parents:
        node = node[int(key) if key.isdigit() else key]
    return node, (int(last) if last.isdigit() else last)


def test_sound_draft_is_parsed_and_written_back(plain: dict[str, Any]) -> None:
    document = parse_document(plain)
    assert document.is_draft
    assert document.lines[1].nature is LineNature.DISCOUNTED
    assert parse_document(document.to_json()) == document
    assert document.to_json() == plain


def test_canonical_bytes_are_read_by_the_verifier(plain: dict[str, Any]) -> None:
    document = parse_document(plain).with_number(NUMBER, date(2026, 11, 5))
    assert parse_document(loads(document.canonical(), 1 << 20)) == document


def test_numbered_document_keeps_the_paths_evidence_shows(plain: dict[str, Any]) -> None:
    value = parse_document(plain).with_number(NUMBER, date(2026, 11, 5)).to_json()
    top = {"number", "kind", "issued_on", "seller", "buyer", "lines", "net_fen", "tax_fen", "gross_fen"}
    assert top <= value.keys()
    assert value["number"] == "94403260911000000001"
    assert value["issued_on"] == "2026-11-05"


def test_personal_buyer_keeps_an_empty_tax_id(one_line: dict[str, Any]) -> None:
    one_line["kind"] = "ordinary"
    one_line["buyer"] = {"name": "个人", "tax_id": ""}
    document = parse_issuable(one_line)
    assert document.to_json()["buyer"] == {"name": "个人", "tax_id": ""}
    assert document.buyer_identity_hash == bytes(32)


def test_blanks_and_zeros_do_not_make_another_document(plain: dict[str, Any]) -> None:
    document = parse_document(plain)
    plain["seller"]["name"] = "  " + plain["seller"]["name"] + "\u3000"
    plain["buyer"]["tax_id"] = plain["buyer"]["tax_id"].lower()
    plain["lines"][0]["quantity"] = "3.000"
    plain["lines"][0]["nature"] = 0
    plain["lines"][0]["rate_mark"] = "rate"
    plain["payee"] = ""
    plain["colour"] = "blue"
    assert parse_document(plain) == document


@pytest.mark.parametrize(
    ("path", "given", "code"),
    [
        ("net_fen", 451.0, "float_refused"),
        ("lines.0.net_fen", 301.0, "float_refused"),
        ("lines.0.quantity", 3.0, "float_refused"),
        ("seller.name", 1.5, "float_refused"),
        ("kind", 1.5, "float_refused"),
        ("net_fen", True, "wrong_type"),
        ("net_fen", "45100", "wrong_type"),
        ("net_fen", None, "wrong_type"),
        ("lines.0.quantity", 3, "wrong_type"),
        ("lines.0.nature", "1", "wrong_type"),
        ("note", [], "wrong_type"),
        ("lines", {}, "wrong_type"),
        ("seller", "x", "not_an_object"),
        ("lines.1", 5, "not_an_object"),
        ("kind", "paper", "not_a_choice"),
        ("colour", "green", "not_a_choice"),
        ("lines.0.rate_mark", "***", "not_a_choice"),
        ("net_fen", AMOUNT_FEN_MAX + 1, "integer_range"),
        ("lines.0.rate_bp", 10_001, "integer_range"),
        ("lines.0.rate_bp", -1, "integer_range"),
        ("lines.0.nature", 3, "integer_range"),
        ("lines.0.price", "1e3", "decimal_form"),
        ("lines.0.price", "0.12345678901234", "decimal_form"),
        ("seller.name", " ", "text_empty"),
        ("seller.name", "名" * 201, "text_too_long"),
        ("note", "注" * 1001, "text_too_long"),
        ("seller.name", "a\u202eb", "text_character"),
        ("seller.name", "a\nb", "text_character"),
        ("lines.0.name", "a\ud800b", "text_character"),
        ("note", "a\x00b", "text_character"),
        ("issued_on", "2026-02-30", "date_form"),
        ("lines", [], "lines_missing"),
        ("seller.tax_id", "", "tax_id_missing"),
        ("seller.tax_id", "923201784X3A", "tax_id_length"),
        ("buyer.tax_id", "91310112303255042R", "uscc_check"),
        ("lines.0.tax_code", "0" * 19, "tax_code_form"),
        ("colours", "blue", "unknown_field"),
        ("seller.email", "x", "unknown_field"),
        ("lines.2.discount", 1, "unknown_field"),
    ],
)
def test_one_wrong_field_is_named(plain: dict[str, Any], path: str, given: object, code: str) -> None:
    parse_document(plain)
    container, key = at(plain, path)
    container[key] = given
    assert refused(plain) == {path: code}


@pytest.mark.parametrize(
    "path", ["kind", "seller", "buyer", "lines", "net_fen", "seller.name", "lines.0.name", "lines.0.tax_fen"]
)
def test_missing_field_is_named(plain: dict[str, Any], path: str) -> None:
    container, key = at(plain, path)
    del container[key]
    assert refused(plain) == {path: "missing"}


def test_all_problems_are_told_at_once(plain: dict[str, Any]) -> None:
    plain["kind"] = 7
    plain["payee"] = "\x07"
    plain["seller"]["tax_id"] = "1"
    plain["lines"][0]["price"] = "abc"
    plain["lines"][2]["net_fen"] = -30000
    plain["gross_fen"] += 1
    assert refused(plain) == {
        "kind": "wrong_type",
        "payee": "text_character",
        "seller.tax_id": "tax_id_length",
        "lines.0.price": "decimal_form",
        "lines.2.tax_fen": "line_tax",
        "gross_fen": "total_gross",
        "gross_in_words": "words_differ",
    }


@pytest.mark.parametrize("value", [None, [], "x", 1, 1.5])
def test_other_values_are_no_document(value: object) -> None:
    assert refused(value) == {"": "not_an_object"}


def test_numbered_document_needs_its_date(plain: dict[str, Any]) -> None:
    plain["number"] = str(NUMBER)
    assert refused(plain) == {"issued_on": "missing"}
    plain["issued_on"] = "2026-11-05"
    assert parse_document(plain).number_key == NUMBER
    plain["number"] = "123"
    assert refused(plain) == {"number": "number_form"}


def many_lines(value: dict[str, Any], count: int, **fields: object) -> dict[str, Any]:
    line = {"name": "*纸制品*打印纸", "net_fen": 10000, "rate_bp": 1300, "tax_fen": 1300} | fields
    value["lines"] = [dict(line) for _ in range(count)]
    value |= {"net_fen": 10000 * count, "tax_fen": 1300 * count, "gross_fen": 11300 * count}
    del value["gross_in_words"]
    return value


def test_two_thousand_full_lines_are_accepted_and_one_more_is_not(one_line: dict[str, Any]) -> None:
    full = {"tax_code": "1060105040000000000", "specification": "A4", "unit": "箱", "quantity": "1", "price": "100"}
    value = many_lines(one_line, LINES_MAX, **full, rate_mark="difference")
    for index, line in enumerate(value["lines"]):
        line["nature"] = 2 - index % 2
    value["lines"][1::2] = [
        line | {"net_fen": -10000, "tax_fen": -1300, "quantity": "-1"} for line in value["lines"][1::2]
    ]
    value |= {"net_fen": 0, "tax_fen": 0, "gross_fen": 0}
    document = parse_document(value)
    assert all(len(line.to_json()) == len(Line.__dataclass_fields__) - 1 for line in document.lines)
    assert len(document.with_number(NUMBER, date(2026, 11, 5)).commitment(SEED)) == 32
    assert refused(many_lines(one_line | {"gross_in_words": ""}, LINES_MAX + 1)) == {"lines": "too_many_lines"}


def test_oversized_document_is_refused(one_line: dict[str, Any]) -> None:
    assert refused(many_lines(one_line, LINES_MAX, name="名" * 200)) == {"": "document_too_large"}


def test_hostile_document_gets_a_bounded_list(one_line: dict[str, Any]) -> None:
    one_line |= {f"x{index}": 1 for index in range(PROBLEMS_MAX + 500)}
    with pytest.raises(DocumentError) as caught:
        parse_document(one_line)
    assert len(caught.value.problems) == PROBLEMS_MAX + 1
    assert caught.value.problems[-1].code == "more_problems"
    assert "500" in caught.value.problems[-1].message_en


def test_commitment_is_the_verifiers_over_the_same_json(plain: dict[str, Any]) -> None:
    document = parse_document(plain).with_number(NUMBER, date(2026, 11, 5))
    assert document.commitment(SEED) == commit(document.to_json(), SEED)
    assert document.commitment(bytes(32)) != document.commitment(SEED)
    with pytest.raises(DocumentError):
        parse_document(plain).commitment(SEED)


def test_problem_as_json_has_its_four_fields(plain: dict[str, Any]) -> None:
    plain["net_fen"] = 1.5
    with pytest.raises(DocumentError) as caught:
        parse_document(plain)
    assert set(caught.value.problems[0].to_json()) == {"path", "code", "message_en", "message_zh"}


UNPRINTED = "\N{OBJECT REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"  # symbols by category, and refused
TEXTS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"], exclude_characters=UNPRINTED), min_size=1, max_size=20
)
QUANTITIES = st.integers(1, 10**6).map(lambda count: f"{count // 1000}.{count % 1000:03d}")


@st.composite
def sound_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents that agree with themselves: lines of every mark, some with a discount."""
    lines: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 6))):
        mark = draw(st.sampled_from(RateMark))
        rate_bp = draw(st.sampled_from([50, 100, 150, 300, 600, 900, 1300])) if mark is RateMark.RATE else 0
        net_fen = draw(st.integers(0, 10**9))
        tax_fen = (net_fen * rate_bp + 5000) // 10_000 if mark is not RateMark.DIFFERENCE else net_fen // 20
        line = {
            "name": draw(TEXTS),
            "net_fen": net_fen,
            "rate_bp": rate_bp,
            "tax_fen": tax_fen,
            "rate_mark": mark.value,
        }
        line |= {"quantity": draw(QUANTITIES), "unit": draw(st.sampled_from(["", "箱", "kg"]))}
        lines.append(line)
        if draw(st.booleans()):
            off = draw(st.integers(0, net_fen))
            tax_off = (off * rate_bp + 5000) // 10_000 if mark is not RateMark.DIFFERENCE else off // 20
            line["nature"] = 2
            lines.append({"name": line["name"], "net_fen": -off, "rate_bp": rate_bp, "tax_fen": -tax_off,
                          "rate_mark": mark.value, "nature": 1})  # fmt: skip
    net_fen, tax_fen = sum(line["net_fen"] for line in lines), sum(line["tax_fen"] for line in lines)
    return {
        "kind": draw(st.sampled_from(["ordinary", "special"])),
        "seller": {"name": draw(TEXTS), "tax_id": "91310117759596321B", "phone": draw(TEXTS)},
        "buyer": {"name": draw(TEXTS), "tax_id": draw(st.sampled_from(["", "91310112703255042R", "1" * 15]))},
        "lines": lines,
        "net_fen": net_fen,
        "tax_fen": tax_fen,
        "gross_fen": net_fen + tax_fen,
        "note": draw(TEXTS),
    }


@given(sound_documents())
def test_any_sound_document_survives_writing_and_reading(value: dict[str, Any]) -> None:
    document = parse_document(value)
    written = json.loads(json.dumps(document.to_json()))
    assert parse_document(written) == document
    assert parse_document(written).canonical() == document.canonical()
    assert document.colour is InvoiceColour.BLUE


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_any_json_is_parsed_or_refused_with_problems(data: st.DataObject) -> None:
    value = data.draw(sound_documents())
    paths = [
        "kind",
        "seller",
        "buyer.name",
        "lines",
        "lines.0",
        "lines.0.net_fen",
        "lines.0.quantity",
        "gross_fen",
        "original",
    ]
    for path in data.draw(st.lists(st.sampled_from(paths), max_size=3, unique=True)):
        try:
            container, key = at(value, path)
            container[key] = data.draw(JSON_VALUES)
        except (TypeError, IndexError, KeyError):  # a part above it was replaced already
            continue
    try:
        document = parse_document(value)
    except DocumentError as err:
        assert err.problems  # noqa: PT017 - either way of ending is right, a refusal must say why
    else:
        assert parse_document(document.to_json()) == document
