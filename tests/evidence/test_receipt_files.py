"""Reading receipts from files: every receipt comes back from both forms, and no bytes end in anything but an answer."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence import ReceiptError, ReceiptInvalidError, ReceiptUnreadableError, SignedReceipt, read_receipt
from verifier.shape import utc_text

LAST_S = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
SECONDS = st.integers(0, LAST_S)
RECEIPTS = st.builds(
    SignedReceipt,
    digest=st.binary(min_size=32, max_size=32),
    accepted_at_s=SECONDS,
    by_s=SECONDS,
    signature=st.binary(min_size=65, max_size=65),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def written(receipt: SignedReceipt) -> dict[str, str]:
    return {
        "digest": receipt.digest.hex(),
        "accepted_at": utc_text(receipt.accepted_at_s),
        "by": utc_text(receipt.by_s),
        "signature": receipt.signature.hex(),
    }


@given(RECEIPTS, st.dictionaries(st.text().filter(lambda name: name not in {"receipt", "digest"}), VALUES, max_size=3))
def test_a_receipt_comes_back_alone_and_from_an_answer(receipt: SignedReceipt, more: dict[str, object]) -> None:
    value = written(receipt)
    assert read_receipt(json.dumps(value).encode()) == receipt
    answer = {**more, "digest": value["digest"], "receipt": value}
    assert read_receipt(json.dumps(answer, ensure_ascii=True, indent=1).encode()) == receipt


@given(RECEIPTS, st.binary(min_size=32, max_size=32))
def test_an_answer_of_another_digest_does_not_pass(receipt: SignedReceipt, other: bytes) -> None:
    answer = {"digest": other.hex(), "receipt": written(receipt)}
    if other == receipt.digest:
        assert read_receipt(json.dumps(answer).encode()) == receipt
    else:
        with pytest.raises(ReceiptInvalidError):
            read_receipt(json.dumps(answer).encode())


@given(RECEIPTS, st.sampled_from(["digest", "accepted_at", "by", "signature"]), VALUES)
def test_a_field_of_another_form_is_named(receipt: SignedReceipt, name: str, value: object) -> None:
    changed = {**written(receipt), name: value}
    with pytest.raises(ReceiptUnreadableError, match=rf"^{name}:"):
        read_receipt(json.dumps(changed).encode())


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ReceiptError):
        assert isinstance(read_receipt(data), SignedReceipt)


@given(RECEIPTS, st.data())
def test_a_cut_file_is_refused(receipt: SignedReceipt, data: st.DataObject) -> None:
    whole = json.dumps(written(receipt)).encode()
    with pytest.raises(ReceiptUnreadableError):
        read_receipt(whole[: data.draw(st.integers(0, len(whole) - 1))])
