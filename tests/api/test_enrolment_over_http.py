"""Enrolment by request over HTTP: a stranger asks, an officer decides, the token tells."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from eth_account import Account

from tests.api.conftest import Client, Installation
from tests.service.own_keys import Wallet
from tests.service.world import SERIALS, tax_id

NAME = "网上申请公司"


def request_of(door: Client, wallet: Wallet, code: str, **changes: Any) -> dict[str, Any]:
    """A body whose proof is signed as the ledger's own typed data says."""
    typed = door.get(
        f"/v1/key-proof?purpose=enrol&identity=enterprise:{code}&address={wallet.address}&name={quote(NAME)}"
    )
    assert typed.status == 200, typed.text
    own = {"address": wallet.address, "time": typed.json()["message"]["time"], "signature": wallet.sign(typed.json())}
    return {"kind": "enterprise", "name": NAME, "tax_id": code, "own": own, **changes}


def test_ask_look_approve_look(public_door: Client, officer: Client, installation: Installation) -> None:
    wallet, code = Wallet(), tax_id(next(SERIALS))
    asked = public_door.post("/v1/enrolment-requests", request_of(public_door, wallet, code), key=None)
    assert asked.status == 201, asked.text
    request_id, token = asked.json()["request_id"], asked.json()["token"]
    status = f"/v1/enrolment-requests/{request_id}/status"
    assert asked.headers["location"] == status
    assert public_door.get(status, enrolment_token=token).json()["state"] == "waiting"
    assert public_door.get(status, enrolment_token="0" * 64).status == 404
    assert public_door.get(status).status == 400
    assert public_door.get(f"/v1/enrolment-requests/{request_id}").status == 401
    listed = officer.get("/v1/enrolment-requests?state=waiting").json()["items"]
    assert request_id in {one["request_id"] for one in listed}
    approved = officer.post(f"/v1/enrolment-requests/{request_id}/approval", {"quota_fen": 10**8}, key=f"ok-{code}")
    assert approved.status == 201, approved.text
    now = public_door.get(status, enrolment_token=token).json()
    assert (now["state"], now["party"]) == ("enrolled", approved.json()["party"])
    party = officer.get(f"/v1/parties/{now['party']}").json()
    assert (party["tax_id"], party["quota_fen"]) == (code, 10**8)


def test_refused_says_why(public_door: Client, officer: Client) -> None:
    wallet, code = Wallet(), tax_id(next(SERIALS))
    asked = public_door.post("/v1/enrolment-requests", request_of(public_door, wallet, code), key=None).json()
    address = f"/v1/enrolment-requests/{asked['request_id']}"
    refused = officer.post(f"{address}/refusal", {"reason": "执照未核实"}, key=f"no-{code}")
    assert (refused.status, refused.json()["state"]) == (201, "refused")
    assert public_door.get(f"{address}/status", enrolment_token=asked["token"]).json()["reason"] == "执照未核实"
    again = officer.post(f"{address}/approval", {}, key=f"yes-{code}")
    assert (again.status, again.json()["errors"][0]["code"]) == (422, "request_decided")


def test_wrong_requests_name_the_field(public_door: Client) -> None:
    wallet, code = Wallet(), tax_id(next(SERIALS))
    good = request_of(public_door, wallet, code)
    cases = [
        ({"name": "另一名称"}, "own.signature"),
        ({"tax_id": tax_id(next(SERIALS))}, "own.signature"),
        ({"tax_id": code[:-1] + ("0" if code[-1] != "0" else "1")}, "tax_id"),
        ({"kind": "officer"}, "kind"),
        ({"own": {**good["own"], "time": 1}}, "own.time"),
        ({"own": {**good["own"], "address": "0x"}}, "own.address"),
        ({"own": {**good["own"], "address": Account.create().address}}, "own.signature"),
        ({"name": "x" * 201}, "name"),
        ({"more": 1}, "more"),
    ]
    for change, path in cases:
        answer = public_door.post("/v1/enrolment-requests", {**good, **change}, key=None)
        assert answer.status == 422, answer.text
        assert answer.json()["errors"][0]["path"] == path
    first, again = (public_door.post("/v1/enrolment-requests", good, key=None) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json() == again.json()
    other = public_door.post("/v1/enrolment-requests", request_of(public_door, wallet, tax_id(next(SERIALS))), key=None)
    assert other.json()["errors"][0]["code"] == "address_asked"
