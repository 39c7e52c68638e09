from __future__ import annotations

import contextlib
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.decimals import format_yuan
from ledger.domain.invoice import InvoiceColour, InvoiceKind
from ledger.formats import FieldsRefusedError, FormatError, ReadInvoice, Source, read_typed

RECORDS = Path(__file__).parents[2] / ".." / "shared" / "samples" / "records" / "vat_invoices_8.json"
with_samples = pytest.mark.skipif(not RECORDS.is_file(), reason="the sample folder ../shared/samples is not there")
TYPED = {"number": "26442000000000000001", "gross": "319.06", "issued_on": "2026-11-05"}


def typed(**changes: object) -> ReadInvoice:
    return read_typed({**TYPED, **changes})


def refused(**changes: object) -> dict[str, str]:
    with pytest.raises(FieldsRefusedError) as caught:
        typed(**changes)
    for problem in caught.value.problems:
        assert problem.message_en
        assert problem.message_zh
    return {problem.path: problem.code for problem in caught.value.problems}


def record_fields(record: dict[str, object]) -> dict[str, object]:
    """What a person would type of a record: its head as printed."""
    printed = record["ocr_result"]
    assert isinstance(printed, dict)

    def word(name: str) -> str:
        return str(printed[name][0]["word"]) if printed.get(name) else ""

    return {
        "code": record["invoice_code"] or "",
        "number": record["invoice_num"],
        "kind": "special" if "专用" in str(record["invoice_type"]) else "ordinary",
        "net": word("TotalAmount"),
        "tax": word("TotalTax"),
        "gross": word("AmountInFiguers"),
        "gross_in_words": word("AmountInWords"),
        "issued_on": word("InvoiceDate"),
        "seller_name": word("SellerName"),
        "seller_tax_id": word("SellerRegisterNum"),
        "buyer_name": word("PurchaserName"),
        "buyer_tax_id": word("PurchaserRegisterNum"),
    }


@with_samples
def test_real_records_are_taken_and_the_misread_one_is_refused_with_the_reason() -> None:
    records = json.loads(RECORDS.read_text(encoding="utf-8"))["invoices"]
    taken = []
    for record in records:
        fields = record_fields(record)
        if record["invoice_num"] == "17666382":
            with pytest.raises(FieldsRefusedError) as caught:
                read_typed(fields)
            codes = {problem.path: problem.code for problem in caught.value.problems}
            assert codes == {
                "issued_on": "date_unreadable",
                "seller_tax_id": "tax_id_length",
                "buyer_tax_id": "uscc_check",
                "tax": "typed_tax",
            }
            continue
        invoice = read_typed(fields)
        assert invoice.number.endswith(record["invoice_num"])
        assert format_yuan(invoice.gross_fen or 0) == fields["gross"]
        assert invoice.document is not None
        taken.append(invoice)
    assert len(taken) == 7


@pytest.mark.parametrize(
    ("fields", "number", "printed"),
    [
        ({"number": "26442000000000000001"}, "26442000000000000001", ("", "26442000000000000001")),
        ({"code": "031002000611", "number": "37609370"}, "03100200061137609370", ("031002000611", "37609370")),
        ({"code": "1300231130", "number": "09321940"}, "00130023113009321940", ("1300231130", "09321940")),
        ({"number": "031002000611 37609370"}, "03100200061137609370", ("031002000611", "37609370")),
        ({"number": "130023113009321940"}, "00130023113009321940", ("1300231130", "09321940")),
    ],
)
def test_number_is_taken_in_every_printed_form(fields: dict[str, str], number: str, printed: tuple[str, str]) -> None:
    invoice = typed(**fields)
    assert (invoice.source, invoice.number) == (Source.TYPED, number)
    assert (invoice.code, invoice.printed_number) == printed


@pytest.mark.parametrize(
    "fields",
    [
        {"number": "2644200000000000000"},
        {"number": "264420000000000000011"},
        {"number": "09321940"},
        {"code": "13002311", "number": "09321940"},
        {"code": "1300231130", "number": "9321940"},
        {"number": "２６４４２０００００００００００００１"},
    ],
)
def test_number_of_another_form_is_refused(fields: dict[str, str]) -> None:
    assert refused(**fields) == {"number": "typed_number"}


def test_third_amount_is_computed_of_two() -> None:
    for pair in ({"net": "301.00", "tax": "18.06"}, {"net": "301", "gross": "319.06"}, {"tax": "18.06"}):
        invoice = typed(**{"gross": "¥319.06" if "gross" not in pair and "net" not in pair else "", **pair})
        assert (invoice.net_fen, invoice.tax_fen, invoice.gross_fen) == (30100, 1806, 31906)
    assert (typed().net_fen, typed().gross_fen) == (None, 31906)
    assert typed(gross="1,319.06").gross_fen == 131906


def test_amounts_in_fen_are_taken_and_not_beside_yuan() -> None:
    fields = {key: value for key, value in TYPED.items() if key != "gross"}
    assert read_typed({**fields, "gross_fen": 31906}).gross_fen == 31906
    assert refused(gross_fen=31906) == {"gross": "typed_twice"}
    assert refused(gross="", net_fen=3.5) == {"net_fen": "float_refused", "gross": "typed_amount_missing"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"gross": ""}, {"gross": "typed_amount_missing"}),
        ({"gross": "", "tax": "1"}, {"gross": "typed_amount_missing"}),
        ({"gross": "12.345"}, {"gross": "amount_unreadable"}),
        ({"gross": 319.06}, {"gross": "float_refused"}),
        ({"gross": "1e9"}, {"gross": "amount_unreadable"}),
        ({"gross": "999999999999999"}, {"gross": "amount_unreadable"}),
        ({"net": "301.00", "tax": "18.06", "gross": "319.07"}, {"gross": "total_gross"}),
        ({"net": "18.06", "tax": "301.00"}, {"tax": "typed_tax"}),
        ({"net": "400.00"}, {"tax": "typed_tax"}),
        ({"gross_in_words": "叁佰元整"}, {"gross_in_words": "words_differ"}),
        ({"gross_in_words": "three"}, {"gross_in_words": "words_unreadable"}),
        ({"issued_on": ""}, {"issued_on": "text_empty"}),
        ({"issued_on": "2026-02-30"}, {"issued_on": "date_unreadable"}),
        ({"issued_on": 20261105}, {"issued_on": "wrong_type"}),
        ({"kind": "red"}, {"kind": "not_a_choice"}),
        ({"seller_tax_id": "91310117759596321A"}, {"seller_tax_id": "uscc_check"}),
        ({"buyer_tax_id": "12"}, {"buyer_tax_id": "tax_id_length"}),
        ({"seller_name": "a\u202eb"}, {"seller_name": "text_character"}),
        ({"colour": "red"}, {"colour": "unknown_field"}),
        ({"number": ""}, {"number": "text_empty"}),
    ],
)
def test_wrong_field_is_refused_by_name(changes: dict[str, object], expected: dict[str, str]) -> None:
    assert refused(**changes) == expected


@pytest.mark.parametrize("value", [None, [], "26442000000000000001", 7])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(FieldsRefusedError) as caught:
        read_typed(value)
    assert caught.value.problems[0].code == "not_an_object"


@pytest.mark.parametrize("text", ["2026-11-05", "2026/11/5", "20261105", "2026年11月05日"])
def test_day_is_taken_in_its_usual_forms(text: str) -> None:
    assert typed(issued_on=text).issued_on == date(2026, 11, 5)


def test_negative_amount_is_a_red_invoice() -> None:
    assert typed(gross="-319.06").colour is InvoiceColour.RED
    assert typed().colour is InvoiceColour.BLUE
    assert refused(gross="-319.06", net="301.00") == {"tax": "typed_tax"}


def test_names_of_both_parties_make_a_document() -> None:
    names = {"seller_name": "甲", "seller_tax_id": "91310117759596321b", "buyer_name": "乙", "tax": "18.06"}
    invoice = typed(kind="special", **names)
    assert invoice.document is not None
    assert (invoice.document.buyer.name, invoice.document.net_fen) == ("乙", 30100)
    assert (invoice.kind, invoice.seller_tax_id) == (InvoiceKind.SPECIAL, "91310117759596321B")
    assert typed(buyer_name="乙", tax="18.06").document is None


def test_number_of_this_ledger_is_pointed_out() -> None:
    assert [one.code for one in typed(number="94403260911000000001").warnings] == ["number_in_our_space"]
    assert typed().warnings == ()


@given(
    st.dictionaries(
        st.sampled_from(["number", "code", "net", "tax", "gross", "gross_fen", "issued_on", "kind", "gross_in_words"]),
        st.text(max_size=30) | st.integers() | st.none() | st.floats() | st.lists(st.integers(), max_size=2),
    )
)
def test_any_fields_are_read_or_refused(fields: dict[str, object]) -> None:
    with contextlib.suppress(FormatError):
        assert read_typed({**TYPED, **fields}).source is Source.TYPED
