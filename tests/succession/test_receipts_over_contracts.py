"""A receipt outlives the contract that its group was for: the word is found in a predecessor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.render import receipt_json
from ledger.evidence import Answer, ReceiptInvalidError, ReceiptUncheckedError, check_receipt, read_receipt
from tests.service.world import must
from tests.succession.handing_over import Town
from verifier.canonical import dumps
from verifier.trust import parse_trust

pytestmark = pytest.mark.slow


def test_a_receipt_of_before_a_succession_is_checked_after_it(tmp_path: Path) -> None:
    town = Town(tmp_path)
    try:
        reader = town.ledger.context.reader
        old_trust = parse_trust(dumps(town.ledger.trust()))
        before = must(town.ledger.issue(town.seller, town.draft(), idempotency_key=town.key()))
        town.succeeded()
        after = must(town.ledger.issue(town.seller, town.draft(), idempotency_key=town.key()))
        trust = parse_trust(dumps(town.ledger.trust()))
        for written in (before, after):
            value = receipt_json(written.receipt)
            receipt = read_receipt(json.dumps(value).encode())
            assert check_receipt(receipt, trust, reader).answer is Answer.APPLIED
            with pytest.raises(ReceiptUncheckedError, match="trust"):
                check_receipt(receipt, old_trust, reader)
            value["digest"] = "ab" * 32
            with pytest.raises(ReceiptInvalidError):
                check_receipt(read_receipt(json.dumps(value).encode()), trust, reader)
    finally:
        town.close()
