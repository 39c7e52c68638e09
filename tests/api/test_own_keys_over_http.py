"""Keys that parties keep, over HTTP: a draft, its typed data, the signature, and every way to fail."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account

from api.schemas import bulk as shapes
from ledger.domain.key_proof import Purpose
from tests.api.conftest import Client, Installation
from tests.service.own_keys import Wallet
from tests.service.world import SERIALS, tax_id


@pytest.fixture(scope="module")
def wallet() -> Wallet:
    return Wallet()


@pytest.fixture(scope="module")
def seller(officer: Client, public_door: Client, installation: Installation, wallet: Wallet) -> Client:
    """An enterprise that keeps its key."""
    code = tax_id(next(SERIALS))
    body = {"kind": "enterprise", "name": "自管公司", "tax_id": code, "quota_fen": 10**9}
    enrolled = officer.post("/v1/parties", body, key=f"own-{code}").json()
    party = enrolled["party"]
    segment = officer.post(f"/v1/parties/{party}/segments", {"blocks": 1}, key=f"own-seg-{code}")
    assert segment.status in (201, 202), segment.text
    seller = public_door.acting(enrolled["api_key"])
    proof = wallet.proof(installation.ledger, Purpose.REPLACE_KEY, f"party:{party}", "")
    own = {"address": proof.address, "time": proof.time, "signature": proof.signature}
    rotated = seller.post("/v1/key/rotation", {"own": own}, key=f"own-rotate-{code}")
    assert rotated.status == 201, rotated.text
    return seller


DOCUMENT: dict[str, Any] = {
    "kind": "ordinary",
    "buyer": {"name": "张三"},
    "lines": [{"name": "*餐饮服务*餐费", "net_fen": 10_000, "rate_bp": 600, "tax_fen": 600}],
    "net_fen": 10_000,
    "tax_fen": 600,
    "gross_fen": 10_600,
}


def test_issue_draft_typed_data_signature(seller: Client, officer: Client, wallet: Wallet) -> None:
    asked = seller.post("/v1/invoices", {"document": DOCUMENT}, key="own-1")
    assert (asked.status, asked.json()["type"]) == (409, "/problems/signature-needed")
    address = asked.headers["location"]
    assert address == f"/v1/drafts/{asked.json()['draft']}"
    assert officer.get(address).status == 404
    draft = seller.get(address).json()
    assert draft["digest"] in {one["digest"] for one in seller.get("/v1/drafts").json()["items"]}
    message_hash = Account.sign_typed_data(Account.create().key, full_message=draft["typed_data"]).message_hash
    assert bytes(message_hash).hex() == draft["digest"]
    wrong = seller.post(f"{address}/signature", {"signature": Wallet().sign(draft["typed_data"])}, key=None)
    assert wrong.status == 422, wrong.text
    assert wrong.json()["errors"][0]["code"] == "signature_of_another"
    signed = seller.post(f"{address}/signature", {"signature": wallet.sign(draft["typed_data"])}, key=None)
    assert signed.status == 201, signed.text
    assert signed.json()["numbers"] == draft["numbers"]
    again = seller.post("/v1/invoices", {"document": DOCUMENT}, key="own-1")
    assert again.json() == signed.json()
    assert seller.get(address).status == 404
    assert seller.get(f"/v1/invoices/{draft['numbers'][0]}").status == 200


@pytest.mark.parametrize(
    ("signature", "code"),
    [("", "signature_form"), ("0x", "signature_form"), ("1c" * 64, "signature_form"), ("00" * 65, "signature_form"),
     ("ff" * 65, "signature_form"), ("é" * 130, "signature_form"), (5, "text_form"), (None, "text_form")],
)  # fmt: skip
def test_what_is_no_signature_is_named(seller: Client, signature: Any, code: str) -> None:
    asked = seller.post("/v1/invoices", {"document": DOCUMENT}, key="own-form").json()
    answer = seller.post(f"/v1/drafts/{asked['draft']}/signature", {"signature": signature}, key=None)
    assert answer.status == 422
    (problem,) = answer.json()["errors"]
    assert problem["path"] == "signature"
    assert problem["code"] == code or code == "text_form"


def test_an_unknown_draft_is_not_found(seller: Client) -> None:
    assert seller.get("/v1/drafts/" + "0" * 64).status == 404
    assert seller.post("/v1/drafts/" + "0" * 64 + "/signature", {"signature": "1c" * 65}, key=None).status == 404
    assert seller.get("/v1/drafts/xyz").status == 400


def test_a_wrong_proof_names_its_field(seller: Client) -> None:
    own = {"address": "0x" + "1c" * 20, "time": 0, "signature": "1c" * 65}
    answer = seller.post("/v1/key/rotation", {"own": own}, key="own-proof")
    assert answer.json()["errors"][0]["path"] == "own.time", answer.text


def test_a_narrow_key_makes_no_own_key_that_would_sign_in_for_everything(
    seller: Client, installation: Installation
) -> None:
    wallet, party = Wallet(), seller.get("/v1/api-keys").json()["items"][0]["party"]
    proof = wallet.proof(installation.ledger, Purpose.REPLACE_KEY, f"party:{party}", "")
    own = {"address": proof.address, "time": proof.time, "signature": proof.signature}
    made = seller.post("/v1/api-keys", {"label": "desk", "scopes": ["manage", "read"]}, key="own-narrow").json()
    narrow = seller.acting(made["api_key"])
    refused = narrow.post("/v1/key/rotation", {"own": own}, key="own-narrow-rotate")
    assert (refused.status, refused.json()["scope"]) == (403, "all")
    for asked in (
        narrow.post("/v1/key/renewal", {}, key="own-narrow-renew"),
        seller.post("/v1/key/rotation", {"own": own}, key="own-narrow-whole"),
    ):
        assert (asked.status, asked.json()["type"]) == (409, "/problems/signature-needed"), asked.text


SHEET = "单据编号,外部单号,购买方名称,项目名称,金额,税率,税额\n" + "".join(
    f"R{at},,张三,*餐饮服务*餐费,100.00,6%,6.00\n" for at in range(2)
)


def test_a_sheet_waits_for_its_sellers_signature(seller: Client, officer: Client, wallet: Wallet) -> None:
    given = {"content-type": "text/csv", "idempotency-key": "own-sheet"}
    job = seller.request("POST", "/v1/bulk?first_holder=seller", SHEET.encode(), given).json()["job"]
    asked = seller.post(f"/v1/bulk/{job}/signing", {}, key="own-sheet-sign")
    assert asked.status == 202, asked.text
    shapes.BulkJob.model_validate_json(asked.body)
    (waiting,) = asked.json()["drafts"]
    assert (waiting["count"], waiting["gross_fen"], asked.json()["sums"][0]["status"]) == (2, 21_200, "drafted")
    address = f"/v1/drafts/{waiting['digest']}"
    assert officer.get(address).status == 404
    draft = seller.get(address).json()
    assert (draft["numbers"][0], draft["numbers"][-1]) == (waiting["first_number"], waiting["last_number"])
    wrong = seller.post(f"{address}/signature", {"signature": Wallet().sign(draft["typed_data"])}, key=None)
    assert wrong.status == 422
    drafted = seller.get(f"/v1/bulk/{job}?limit=10&state=drafted").json()["items"]
    assert [(one["status"], one["number"]) for one in drafted] == [("drafted", None)] * 2
    signed = seller.post(f"{address}/signature", {"signature": wallet.sign(draft["typed_data"])}, key=None)
    assert (signed.status, signed.json()["numbers"]) == (201, draft["numbers"])
    done = seller.post(f"/v1/bulk/{job}/signing", {}, key="own-sheet-end")
    assert (done.status, done.json()["state"], done.json()["drafts"]) == (201, "done", []), done.text


def test_a_cancelled_sheet_leaves_nothing_to_sign(seller: Client, wallet: Wallet) -> None:
    given = {"content-type": "text/csv", "idempotency-key": "own-gone"}
    job = seller.request("POST", "/v1/bulk", SHEET.replace("R", "Q").encode(), given).json()["job"]
    (waiting,) = seller.post(f"/v1/bulk/{job}/signing", {}, key="own-gone-sign").json()["drafts"]
    address = f"/v1/drafts/{waiting['digest']}"
    signature = wallet.sign(seller.get(address).json()["typed_data"])
    cancelled = seller.post(f"/v1/bulk/{job}/cancellation", {}, key="own-gone-cancel")
    assert (cancelled.status, cancelled.json()["drafts"]) == (201, [])
    assert seller.get(address).status == 404
    assert seller.post(f"{address}/signature", {"signature": signature}, key=None).status == 404
