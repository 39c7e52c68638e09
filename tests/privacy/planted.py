"""Personal data that occurs nowhere else, a ledger that was told all of it, and a search for any form of it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from ledger.domain.invoice import RateMark
from ledger.domain.month_report import RateSum
from ledger.domain.till_order import SIGNING_TAG, OrderLine, SignedOrder, TillOrder
from ledger.identity import new_till_key, sign_with_till, till_public_key
from ledger.service import Caller
from ledger.service.month_reporting import Declared
from ledger.service.outside_facts import OutsideItem, item_of_fields
from ledger.service.till_views import TillItem, Title
from tests.service.world import World, must, refused

WORDS = {
    "buyer name": "秦栖霞甲",
    "buyer address": "南山区无影巷77弄3号",
    "buyer phone": "13955550139",
    "buyer bank": "鹏城无影支行",
    "buyer account": "6225887766554433",
    "buyer e-mail": "qin.xixia@mail.invalid",
    "invoice note": "转秦栖霞甲备注-8842",
    "payee": "柳收款乙",
    "claimant's name": "欧阳报销丁",
    "cashier's name": "慕容付款戊",
    "approver's name": "司徒审批己",
    "clerk's name": "上官开票庚",
    "claim reference": "出差柳州-BX-7741-丁",
    "reject reason": "驳回理由-缺车票-3391",
    "payment reference": "PAY-无影-9931",
    "approval note": "同意-请丁下次附清单",
    "booking reason": "误入账-手机13755550137",
    "slip note": "退货-联系人骆13655550136",
    "declared note": "零星收入-摊主骆甲",
    "sheet's file": "骆甲七月工资.csv",
    "sheet buyer": "骆栖霞辛",
    "sheet wrong row": "骆错行壬",
    "typed seller": "无影巷骆家小馆",
    "outside original": "原件-宾客端木癸-13555550135",
    "title": "端木栖霞抬头",
    "refused attempt": "未果理由-端木-1177",
}
"""What is planted, by what it is; each occurs in no other text."""


def forms(text: str) -> dict[str, bytes]:
    """The bytes in which a text would lie somewhere in the clear."""
    plain = text.encode()
    found = {
        "UTF-8": plain,
        "UTF-16 little": text.encode("utf-16-le"),
        "UTF-16 big": text.encode("utf-16-be"),
        "GBK": text.encode("gbk"),
        "hex": plain.hex().encode(),
        "hex, upper case": plain.hex().upper().encode(),
        "percent": quote(text).encode(),
        "JSON": text.encode("ascii", "backslashreplace"),
    }
    for shift in range(3):  # a base64 text has other letters for each place modulo 3 that it may begin at
        encoded = base64.b64encode(bytes(shift) + plain)
        inner = encoded[4 if shift else 0 : -4]
        found[f"base64 at {shift}"] = inner
        found[f"base64url at {shift}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
    return found


def binary_forms(secret: bytes) -> dict[str, bytes]:
    """As `forms`, of a key's bytes."""
    found = {"bytes": secret, "hex": secret.hex().encode(), "hex, upper case": secret.hex().upper().encode()}
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + secret)
        found[f"base64 at {shift}"] = encoded[4 if shift else 0 : -4]
        found[f"base64url at {shift}"] = found[f"base64 at {shift}"].replace(b"+", b"-").replace(b"/", b"_")
    return found


def leaks(held: bytes, words: dict[str, str], secrets: dict[str, bytes] | None = None) -> list[str]:
    """What of the planted texts and keys is in `held`, with the form it has there."""
    searched = {name: forms(text) for name, text in words.items()}
    searched |= {name: binary_forms(secret) for name, secret in (secrets or {}).items()}
    return sorted(
        f"{name} ({form})" for name, known in searched.items() for form, value in known.items() if value in held
    )


def bytes_of(directory: Path, *, without: Iterable[str] = ()) -> bytes:
    """Every byte of every file below a directory, whatever it is; sparse files by what they hold."""
    left = set(without)
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file() and path.name not in left)
    return b"\n".join(path.name.encode() + b"\n" + path.read_bytes().replace(bytes(4_096), b"") for path in paths)


def webhook_secret(text: str) -> bytes:
    """The bytes of a webhook's secret as its owner was told it."""
    return base64.b64decode(text.removeprefix("whsec_"))


class Planted:
    """A ledger whose people, invoices, claims and sheets are the planted ones; `secrets` are keys of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        ledger, key = world.ledger, world.key
        self.seller = world.enterprise("销售公司", segment=True)
        self.employer = world.enterprise("雇主公司")
        self.clerk = world.person(WORDS["clerk's name"], (self.seller, ["issue"]))
        self.claimant = world.person(WORDS["claimant's name"], (self.employer, ["claim"]))
        self.cashier = world.person(WORDS["cashier's name"], (self.employer, ["finance"]))
        self.approver = world.person(WORDS["approver's name"])
        ledger.approvals.set_policy(
            self.employer, self.employer.party, approval_required=True, from_fen=1, approvers=[self.approver.party],
            idempotency_key=key(),
        )  # fmt: skip
        self.number = self._issued(self.claimant)
        self.rejected = self._issued(self.claimant)
        self.claim_id = self._claims()
        self._steps()
        self._outside()
        self._till()
        self._sheet()
        hook = world.opened(webhook_private=True).webhooks.register(
            self.seller, "http://127.0.0.1:9/in", idempotency_key=key()
        )
        assert hook.secret is not None
        self.secrets = {**self._secrets(), "webhook's secret": webhook_secret(hook.secret)}

    def _issued(self, holder: Caller) -> str:
        buyer = {
            "name": WORDS["buyer name"], "address": WORDS["buyer address"], "phone": WORDS["buyer phone"],
            "bank": WORDS["buyer bank"], "account": WORDS["buyer account"],
        }  # fmt: skip
        note = f"{WORDS['invoice note']} {WORDS['buyer e-mail']}"
        document = self.world.draft(buyer, note=note, payee=WORDS["payee"])
        return must(
            self.world.ledger.issue(self.seller, document, first_holder=holder.party, idempotency_key=self.world.key())
        ).numbers[0]

    def _claims(self) -> str:
        world, ledger = self.world, self.world.ledger
        claim_id = world.claimed(self.claimant, self.employer, self.number, reference=WORDS["claim reference"])
        other = world.claimed(self.claimant, self.employer, self.rejected)
        must(
            ledger.reject_claim(
                self.cashier, other, numbers=None, reason=WORDS["reject reason"], idempotency_key=world.key()
            )
        )
        ledger.approvals.decide(
            self.approver, claim_id, decision="approved", numbers=None, note=WORDS["approval note"],
            idempotency_key=world.key(),
        )  # fmt: skip
        must(
            ledger.approve_claim(
                self.cashier, claim_id, numbers=None, payment_reference=WORDS["payment reference"],
                idempotency_key=world.key(),
            )
        )  # fmt: skip
        refused(
            ledger.open_claim(
                self.claimant, [self.number], employer=self.employer.party, reference=WORDS["refused attempt"],
                idempotency_key=world.key(),
            ),
            "settled",
        )  # fmt: skip
        return claim_id

    def _steps(self) -> None:
        world, ledger = self.world, self.world.ledger
        must(ledger.book(self.cashier, self.number, deductible=False, idempotency_key=world.key()))
        must(
            ledger.withdraw_booking(
                self.cashier, self.number, reason=WORDS["booking reason"], idempotency_key=world.key()
            )
        )
        must(ledger.book(self.cashier, self.number, deductible=False, idempotency_key=world.key()))
        must(ledger.red_letters.open_slip(self.seller, self.number, reason="return", idempotency_key=world.key()))
        must(
            ledger.red_letters.refuse_slip(
                self.cashier, self.number, note=WORDS["slip note"], idempotency_key=world.key()
            )
        )
        declared = Declared((RateSum(600, RateMark.RATE, 50_000, 3_000),), note=WORDS["declared note"])
        ledger.filing.declare(self.seller, world.month, declared, idempotency_key=world.key())

    def _outside(self) -> None:
        fields = {"code": "144031809110", "number": "00000007", "gross": "1060.00", "tax": "60.00"}
        item = item_of_fields(
            {**fields, "issued_on": "2026-10-05", "seller_name": WORDS["typed seller"]}, "outside.0.typed"
        )
        values = {name: getattr(item, name) for name in item.__dataclass_fields__}
        brought = OutsideItem(**{**values, "original": WORDS["outside original"].encode()})
        must(
            self.world.ledger.open_claim(
                self.claimant, [], employer=self.employer.party, outside=[brought], idempotency_key=self.world.key()
            )
        )

    def _till(self) -> None:
        key, ledger = new_till_key(), self.world.ledger
        till = ledger.tills.register(
            self.seller, name="一号收银台", public_key=till_public_key(key).hex(), clerk=self.clerk.party,
            items=(TillItem("*餐饮服务*餐费", 600),), idempotency_key=self.world.key(),
        )  # fmt: skip
        order = TillOrder(till.till_id, "A-1", ledger.context.now_s() + 3_600, 10_600, (OrderLine(10_600, item=1),))
        unsigned = order.unsigned()
        text = SignedOrder(order, unsigned, sign_with_till(key, SIGNING_TAG + unsigned)).text
        must(ledger.collecting.collect(text, Title(WORDS["title"]), collector=self.claimant).written)

    def _sheet(self) -> None:
        head = "单据编号,外部单号,购买方名称,项目名称,金额,税率,税额\r\n"
        good = f"R1,,{WORDS['sheet buyer']},*餐饮服务*餐费,100.00,6%,6.00\r\n"
        wrong = f"R2,,{WORDS['sheet wrong row']},*餐饮服务*餐费,{WORDS['sheet wrong row']},6%,6.00\r\n"
        bulk, sheet = self.world.ledger.bulk, (head + good + wrong).encode()
        job = bulk.upload(self.seller, sheet, file_name=WORDS["sheet's file"], idempotency_key=self.world.key())
        bulk.sign(self.seller, job.job, idempotency_key=self.world.key())

    def _secrets(self) -> dict[str, bytes]:
        context = self.world.ledger.context
        found = {"operator's key": context.operator_key}
        with context.reading() as connection:
            for party in self.world.api_keys:
                found[f"signing key of {party}"] = context.signing_key(connection, party)
        for party, api_key in self.world.api_keys.items():
            found[f"API key of {party}"] = api_key.rsplit("_", 1)[-1].encode()
        return found
