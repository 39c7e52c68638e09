"""What happens in the demo: sixteen invoices live side by side, and everything that must be refused is tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ledger.cli.demo.cast import QUOTA_FEN, Casting, Life, Party
from ledger.cli.demo.client import Client, DemoError, Refusals
from ledger.cli.demo.turns import Turned, Turns


@dataclass
class Story:
    """Everything the demo did; `numbers` are the invoices of the lives, in order."""

    lives: list[Life]
    numbers: list[str]
    other_numbers: list[str]
    month: str
    refusals: Refusals
    turned: Turned


class Teller:
    """Tells the story through the API."""

    def __init__(self, client: Client, casting: Casting, pool: ThreadPoolExecutor, said: Callable[[str], None]) -> None:
        self._client = client
        self._casting = casting
        self._pool = pool
        self._said = said
        self._refusals = Refusals()

    def tell(self, draft: dict[str, Any]) -> Story:
        """The whole story with `draft`, an invoice read from a file. Raises: DemoError when anything goes otherwise."""
        self._said("enrol sixteen sellers, four employers, their employees and cashiers")
        lives = self._casting.lives()
        for life in lives:
            self._casting.segment(life.seller)
        self._said("issue sixteen invoices at once, and a list of twelve")
        numbers = self._each(lives, lambda life: self._issue(life, draft))
        listed = self._list(lives[1].seller, draft)
        self._said("hand them on, claim them, and try to claim them twice")
        pairs = list(zip(lives, numbers, strict=True))
        self._each(pairs, self._hand_on)
        claims = self._each(pairs, self._claim)
        self._each(pairs, self._claim_again)
        self._frauds(pairs)
        self._said("settle, book, file the month")
        self._each(list(zip(lives, numbers, claims, strict=True)), self._settle)
        month = self._file(lives, numbers, draft)
        self._each(pairs, self._book)
        self._said("a red letter, a deduction, a risk flag, an invoice of elsewhere")
        turned = Turns(self._client, self._refusals, self._casting.officer_keys, month).play(lives, numbers)
        return Story(lives, numbers, listed, month, self._refusals, turned)

    def crowd(self, lives: list[Life]) -> None:
        """Every seller but the first, which has filed, issues once more at the same time."""
        body = {"document": _simple(1_000, {"name": "散客", "tax_id": ""})}
        self._each(lives[1:], lambda life: self._client.recorded("POST", "/v1/invoices", life.seller.key, body))

    def _each(self, items: list[Any], step: Callable[[Any], Any]) -> list[Any]:
        """One step of every life at the same time, so that they share blocks."""
        return list(self._pool.map(step, items))

    def _issue(self, life: Life, draft: dict[str, Any]) -> str:
        buyer = {"name": life.employer.name, "tax_id": life.employer.tax_id}
        answer = self._client.recorded(
            "POST", "/v1/invoices", life.seller.key, {"document": {**draft, "buyer": buyer}, "first_holder": "seller"}
        )
        return str(answer["numbers"][0])

    def _list(self, seller: Party, draft: dict[str, Any]) -> list[str]:
        wrong = {**draft, "gross_fen": draft["gross_fen"] + 1}
        documents = [{**draft, "buyer": {"name": f"散客{at + 1}", "tax_id": ""}} for at in range(12)]
        answer = self._client.recorded("POST", "/v1/invoices/list", seller.key, {"documents": [*documents, wrong]})
        if answer["issued_count"] != 12 or answer["invalid_count"] != 1:
            raise DemoError("the list endpoint did not tell the wrong row from the right ones")
        return [row["number"] for row in answer["rows"] if row["number"]]

    def _hand_on(self, pair: tuple[Life, str]) -> None:
        life, number = pair
        self._client.recorded("POST", f"/v1/invoices/{number}/transfer", life.seller.key, {"to": life.employee.id})

    def _claim(self, pair: tuple[Life, str]) -> str:
        life, number = pair
        body = {"numbers": [number], "employer": life.employer.id, "reference": f"BX-{number[-4:]}"}
        return str(self._client.recorded("POST", "/v1/claims", life.employee.key, body)["claim_id"])

    def _claim_again(self, pair: tuple[Life, str]) -> None:
        life, number = pair
        body = {"numbers": [number], "employer": life.employer.id, "reference": "second try"}
        answer = self._refused("claim it a second time", "locked", "/v1/claims", life.employee.key, body)
        hold = answer.get("hold") or {}
        if hold.get("employer_name") != life.employer.name or hold.get("reference") != f"BX-{number[-4:]}":
            raise DemoError("the refused duplicate does not say which claim has it")

    def _frauds(self, pairs: list[tuple[Life, str]]) -> None:
        (life, number), (other, _) = pairs[0], pairs[1]
        transfer = f"/v1/invoices/{number}/transfer"
        self._refused("hand on a claimed one", "locked", transfer, life.employee.key, {"to": other.employee.id})
        booking = f"/v1/invoices/{number}/booking"
        body = {"deductible": True, "subject": life.employer.id}
        self._refused("book what it does not hold", "not_holder", booking, life.cashier.key, body)
        dear = {"document": _simple(QUOTA_FEN, {"name": "散客", "tax_id": ""})}
        self._refused("issue above the quota", "quota_exceeded", "/v1/invoices", life.seller.key, dear)
        stranger = {"numbers": [number], "employer": other.employer.id, "reference": "not mine"}
        self._refused("claim somebody else's", "not_holder", "/v1/claims", other.employee.key, stranger)
        self._own_claim(life)

    def _own_claim(self, life: Life) -> None:
        """A cashier claims an invoice of his own and tries to settle it himself."""
        buyer = {"name": life.employer.name, "tax_id": life.employer.tax_id}
        body = {"document": _simple(1_000, buyer), "first_holder": life.cashier.id}
        number = self._client.recorded("POST", "/v1/invoices", life.seller.key, body)["numbers"][0]
        claim = {"numbers": [number], "employer": life.employer.id, "reference": "own"}
        claim_id = self._client.recorded("POST", "/v1/claims", life.cashier.key, claim)["claim_id"]
        path = f"/v1/claims/{claim_id}/approve"
        self._refused("settle one's own claim", "own_claim", path, life.cashier.key, {"payment_reference": "PAY-0"})
        self._client.recorded("POST", f"/v1/claims/{claim_id}/withdraw", life.cashier.key, {})

    def _settle(self, item: tuple[Life, str, str]) -> None:
        life, number, claim_id = item
        body = {"payment_reference": f"PAY-{number[-4:]}"}
        self._client.recorded("POST", f"/v1/claims/{claim_id}/approve", life.cashier.key, body)

    def _book(self, pair: tuple[Life, str]) -> None:
        life, number = pair
        body = {"deductible": True, "subject": life.employer.id}
        self._client.recorded("POST", f"/v1/invoices/{number}/booking", life.cashier.key, body)

    def _file(self, lives: list[Life], numbers: list[str], draft: dict[str, Any]) -> str:
        seller = lives[0].seller
        month = str(json.loads(self._client.read(f"/v1/invoices/{numbers[0]}", seller.key))["month"])
        self._client.recorded("POST", f"/v1/months/{month}/filing", seller.key, {"note": "demo"})
        document = {**draft, "buyer": {"name": "散客", "tax_id": ""}}
        self._refused("issue in a filed month", "month_filed", "/v1/invoices", seller.key, {"document": document})
        return month

    def _refused(self, tried: str, reason: str, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._refusals.expect(self._client, tried, reason, path, key, body)


def _simple(net_fen: int, buyer: dict[str, str]) -> dict[str, Any]:
    """A draft of one line at 3 %."""
    tax_fen = net_fen * 3 // 100
    line = {"name": "*运输服务*打车", "net_fen": net_fen, "rate_bp": 300, "tax_fen": tax_fen}
    amounts = {"net_fen": net_fen, "tax_fen": tax_fen, "gross_fen": net_fen + tax_fen}
    return {"kind": "ordinary", "buyer": buyer, "lines": [line], **amounts}
