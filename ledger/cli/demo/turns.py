"""What else a company's month holds: a red letter after settlement, a deduction, a flag, an invoice of elsewhere."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from ledger.cli.demo.cast import Life
from ledger.cli.demo.client import Client, DemoError, Refusals

OUTSIDE_CODE, DAY = "144031809110", "2026-01-15"  # a code of Shenzhen's own system; the number is made up
REDDENED = 2  # the life whose invoice is taken back after it was settled and booked
FORBIDDEN = 403
NET_FEN, RATE_BP, TAX_FEN = 80_000, 600, 4_800


@dataclass(frozen=True)
class Turned:
    """What the turns left: the reddened invoice, its red, the deducted one, the number two companies were asked for."""

    blue: str
    red: str
    deducted: str
    outside: str


class Turns:
    """Plays them through the API, each with what must be refused."""

    def __init__(self, client: Client, refusals: Refusals, officers: tuple[str, str], month: str) -> None:
        self._client = client
        self._refusals = refusals
        self._officer_key, self._second_officer_key = officers
        self._month = month

    def play(self, lives: list[Life], numbers: list[str]) -> Turned:
        """All of them, each on a life of its own. Raises: DemoError when anything goes otherwise."""
        red = self._redden(lives[REDDENED], numbers[REDDENED])
        deducted = self._deduct(lives[3])
        self._flag(lives[4])
        return Turned(numbers[REDDENED], red, deducted, self._outside(lives[0], lives[1]))

    def _redden(self, life: Life, number: str) -> str:
        """The seller takes a settled and booked invoice back: only with a slip, and both sides' officers are told."""
        path = f"/v1/invoices/{number}"
        self._refusals.expect(
            self._client,
            "redden a settled one alone",
            "slip_needed",
            f"{path}/red",
            life.seller.key,
            {"reason": "return"},
        )
        self._client.recorded("POST", f"{path}/slip", life.seller.key, {"reason": "return"})
        answer = {"subject": life.employer.id}
        self._client.recorded("POST", f"{path}/slip/confirmation", life.cashier.key, answer)
        red = str(self._client.recorded("POST", f"{path}/red", life.seller.key, {})["numbers"][0])
        for told, body in ((life.cashier.key, answer), (self._officer_key, {})):
            listed = json.loads(self._client.read("/v1/exceptions?unanswered=true", told))["items"]
            if number not in [one["number"] for one in listed]:
                raise DemoError("a red after settlement is told to the company and to the officer")
            self._client.recorded("POST", f"{path}/exception/acknowledgement", told, body)
        return red

    def _deduct(self, life: Life) -> str:
        """The buyer of a special invoice selects its tax for the month and confirms the month."""
        document = {**_document(life), "kind": "special"}
        body = {"document": document, "first_holder": "buyer"}
        number = str(self._client.recorded("POST", "/v1/invoices", life.seller.key, body)["numbers"][0])
        mine, month = {"subject": life.employer.id}, f"/v1/deductions/{self._month}"
        chosen = {"selections": [{"number": number}], **mine}
        self._client.recorded("POST", f"{month}/selections", life.cashier.key, chosen)
        self._client.recorded("POST", f"{month}/confirmation", life.cashier.key, mine)
        undone = {"numbers": [number], **mine}
        path = "/v1/deductions/unselections"
        self._refusals.expect(
            self._client, "undo a confirmed deduction", "period_confirmed", path, life.cashier.key, undone
        )
        return number

    def _flag(self, life: Life) -> None:
        """Two officers mark an invoice; nobody can claim it until the mark is gone."""
        body = {"document": _document(life), "first_holder": life.employee.id}
        number = str(self._client.recorded("POST", "/v1/invoices", life.seller.key, body)["numbers"][0])
        path, reason = f"/v1/invoices/{number}/risk-flag", {"reason": "the seller cannot be found"}
        proposed = self._client.recorded("POST", path, self._officer_key, reason)
        confirmation = f"/v1/proposals/{proposed['proposal_id']}/confirmation"
        status, _ = self._client.write("POST", confirmation, self._officer_key, {})
        if status != FORBIDDEN:
            raise DemoError("an officer confirmed what it had proposed itself")
        self._client.recorded("POST", confirmation, self._second_officer_key, {})
        claim = {"numbers": [number], "employer": life.employer.id, "reference": "BX-FLAG"}
        self._refusals.expect(self._client, "claim a flagged one", "flagged", "/v1/claims", life.employee.key, claim)

    def _outside(self, life: Life, other: Life) -> str:
        """Two employees bring the same invoice of elsewhere to two companies: one gets it."""
        serial = secrets.randbelow(10**8)
        typed = {"code": OUTSIDE_CODE, "number": f"{serial:08d}", "gross": "848.00", "tax": "48.00", "issued_on": DAY}
        for at, one in enumerate((life, other)):
            body = {"employer": one.employer.id, "reference": "BX-OUT", "outside": [{"typed": typed}]}
            if at == 0:
                self._client.recorded("POST", "/v1/claims", one.employee.key, body)
            else:
                tried = "claim an outside one at a second company"
                self._refusals.expect(self._client, tried, "locked", "/v1/claims", one.employee.key, body)
        return f"{OUTSIDE_CODE}{serial:08d}"


def _document(life: Life) -> dict[str, Any]:
    line = {"name": "*会展服务*会议费", "net_fen": NET_FEN, "rate_bp": RATE_BP, "tax_fen": TAX_FEN}
    return {
        "kind": "ordinary",
        "buyer": {"name": life.employer.name, "tax_id": life.employer.tax_id},
        "lines": [line],
        "net_fen": NET_FEN,
        "tax_fen": TAX_FEN,
        "gross_fen": NET_FEN + TAX_FEN,
    }
