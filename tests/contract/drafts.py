"""Unsigned operations of named actors, each right unless a field is given another value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cache
from typing import Any

from tests.contract.wire import address_int, as_int
from verifier.hashing import keccak256
from verifier.operations import Code, Operation
from verifier.words import DeductedWord, PartyKind, PartyWord, StateWord, TotalsWord

MONTH = 96 * 12 + 9  # 2096-10, the month the chain's clock starts in
NUMBER = 90_000_000_000_000_000_000
QUOTA = 10_000_000
GROSS = 11_300
DAY_S = 86_400
OUTSIDE = 4_403_190_011_112_345_678  # 12-digit code 044031900111, number 12345678
RED = NUMBER + 5_000  # a number of the seller's segment that only reds take
RESERVED_CODES = frozenset({0, 40, 128, 255})  # none of the contract's


@cache
def identity_of(name: str, kind: PartyKind = PartyKind.ENTERPRISE) -> bytes:
    return keccak256(f"{kind.name.lower()}:{name}".encode())


class Drafts(ABC):
    """What drafting needs to know of a world: who is who, the clock, and the words with versions in them."""

    ids: dict[str, int]

    @property
    @abstractmethod
    def now(self) -> int:
        """Time of the block the next transaction gets into, in seconds."""

    @abstractmethod
    def party(self, name: str) -> PartyWord:
        """A party's word as it is now."""

    @abstractmethod
    def state(self, number: int = NUMBER) -> StateWord:
        """An invoice's word as it is now."""

    @abstractmethod
    def totals(self, name: str, month: int = MONTH) -> TotalsWord:
        """A party's month as it is now."""

    @abstractmethod
    def deducted(self, name: str, month: int = MONTH) -> DeductedWord:
        """What a party selected for a period, as it is now."""

    def by(self, actor: str, code: Code, number: int, **fields: Any) -> Operation:
        """An operation of `actor` for itself."""
        return Operation(code=code, subject=self.ids[actor], number=number, **fields)

    def on_party(self, actor: str, code: Code, name: str, **fields: Any) -> Operation:
        """An operation of an officer or the authority on a party at its present version."""
        fields.setdefault("version", self.party(name).version)
        return self.by(actor, code, self.ids[name], **fields)

    def enrol_operation(
        self,
        name: str,
        kind: PartyKind,
        *,
        quota: int = 0,
        month: int = MONTH,
        version: int = 0,
        by: str = "officer",
        code: Code = Code.ENROL,
        **fields: Any,
    ) -> Operation:
        identity = identity_of(name, kind)
        values: dict[str, Any] = {
            "number": as_int(identity) >> 176,
            "version": version,
            "month": month if kind == PartyKind.ENTERPRISE else 0,
            "option": kind,
            "terms": address_int(name) | quota << 160,
            "who": identity,
            "ref": keccak256(f"certificate of {name}".encode()),
        }
        return Operation(code=code, **({"subject": self.ids[by]} | values | fields))

    def appoint_operation(self, name: str, kind: PartyKind = PartyKind.OFFICER, **fields: Any) -> Operation:
        fields.setdefault("by", "authority")
        return self.enrol_operation(name, kind, code=Code.APPOINT_OFFICER, **fields)

    def grant_operation(
        self, enterprise: str, person: str, bits: int, code: Code = Code.GRANT, **fields: Any
    ) -> Operation:
        party = self.ids[person]
        values: dict[str, Any] = {"number": party, "party": party, "version": self.party(enterprise).version}
        return Operation(code=code, option=bits, **({"subject": self.ids[enterprise]} | values | fields))

    def open_month_operation(
        self, by: str, month: int = MONTH, opens: int | None = None, closes: int | None = None, **fields: Any
    ) -> Operation:
        opens = self.now - DAY_S if opens is None else opens
        closes = self.now + 20 * DAY_S if closes is None else closes
        values: dict[str, Any] = {"number": month, "month": month, "terms": opens | closes << 64}
        return Operation(code=Code.OPEN_MONTH, **({"subject": self.ids[by]} | values | fields))

    def allot_operation(
        self, enterprise: str, first: int, blocks: int = 1, by: str = "officer", **fields: Any
    ) -> Operation:
        fields.setdefault("version", self.party(enterprise).version)
        return self.by(by, Code.ALLOT_SEGMENT, first, party=self.ids[enterprise], option=blocks, **fields)

    def file_operation(self, enterprise: str, month: int = MONTH, **fields: Any) -> Operation:
        values: dict[str, Any] = {
            "number": month,
            "month": month,
            "version": self.party(enterprise).version,
            "terms": self.totals(enterprise, month).pack(),
            "ref": keccak256(b"report"),
        }
        return Operation(code=Code.FILE, **({"subject": self.ids[enterprise]} | values | fields))

    def issue_operation(
        self,
        seller: str = "seller",
        number: int = NUMBER,
        *,
        gross: int = GROSS,
        tax: int = 1_300,
        buyer: str | None = "employer",
        first_holder: str | None = None,
        mode: int | None = None,
        special: int = 0,
        month: int = MONTH,
        **fields: Any,
    ) -> Operation:
        if mode is None:
            mode = 2 if first_holder else 1 if buyer else 0
        values: dict[str, Any] = {
            "party": self.ids[first_holder] if first_holder else 0,
            "option": special | mode << 2,
            "terms": gross | tax << 48,
            "who": identity_of(buyer) if buyer else bytes(32),
            "ref": keccak256(b"commitment %d" % number),
        }
        return Operation(code=Code.ISSUE, subject=self.ids[seller], number=number, month=month, **(values | fields))

    def operation(self, code: Code, subject: str, number: int = NUMBER, **fields: Any) -> Operation:
        """An operation on an invoice at its present version, or on `version` when given."""
        fields.setdefault("version", self.state(number).version)
        return Operation(code=code, subject=self.ids[subject], number=number, **fields)

    # -- supervision ----------------------------------------------------------------------------

    def lift_operation(
        self, enterprise: str = "seller", month: int = MONTH, by: str = "officer", **fields: Any
    ) -> Operation:
        return self.on_party(by, Code.LIFT_BLOCK, enterprise, month=month, **fields)

    def anchor_operation(self, by: str = "officer", **fields: Any) -> Operation:
        return self.on_party(by, Code.ANCHOR, by, **({"who": keccak256(b"head of the audit log")} | fields))

    def revoke_operation(self, name: str, by: str = "officer", reason: int = 1, **fields: Any) -> Operation:
        """Revokes the certificate a party was enrolled or appointed with."""
        certificate = keccak256(f"certificate of {name}".encode())
        return self.on_party(by, Code.REVOKE_CERTIFICATE, name, **({"terms": reason, "who": certificate} | fields))

    # -- red letters ----------------------------------------------------------------------------

    def slip_operation(
        self,
        subject: str = "seller",
        number: int = NUMBER,
        *,
        gross: int = GROSS,
        tax: int = 1_300,
        reason: int = 2,
        **fields: Any,
    ) -> Operation:
        """Opens a slip; the answers to it are plain `operation`s."""
        values: dict[str, Any] = {"option": reason, "terms": gross | tax << 48}
        return self.operation(Code.OPEN_SLIP, subject, number, **(values | fields))

    def red_operation(
        self,
        seller: str = "seller",
        number: int = RED,
        blue: int = NUMBER,
        *,
        gross: int = GROSS,
        tax: int = 1_300,
        reason: int = 2,
        blue_version: int | None = None,
        month: int = MONTH,
        **fields: Any,
    ) -> Operation:
        if blue_version is None:
            blue_version = self.state(blue).version
        values: dict[str, Any] = {
            "option": reason,
            "terms": gross | tax << 48 | blue << 96 | blue_version << 176,
            "ref": keccak256(b"commitment %d" % number),
        }
        return Operation(code=Code.ISSUE_RED, subject=self.ids[seller], number=number, month=month, **(values | fields))

    # -- invoices of others ---------------------------------------------------------------------

    def register_operation(
        self,
        subject: str = "employee",
        employer: str = "employer",
        number: int = OUTSIDE,
        *,
        gross: int = GROSS,
        tax: int = 1_300,
        claim_id: int = 1,
        strength: int = 3,
        special: int = 0,
        buyer: str | None = None,
        month: int = MONTH,
        **fields: Any,
    ) -> Operation:
        values: dict[str, Any] = {
            "party": self.ids[employer],
            "month": month,
            "option": strength | special << 3,
            "terms": gross | tax << 48 | claim_id << 96,
            "who": identity_of(buyer) if buyer else bytes(32),
            "ref": keccak256(b"what was read of %d" % number),
        }
        return self.operation(Code.REGISTER_OUTSIDE, subject, number, **(values | fields))

    # -- deduction and filing -------------------------------------------------------------------

    def select_operation(
        self,
        buyer: str = "employer",
        number: int = NUMBER,
        *,
        month: int = MONTH,
        purpose: int = 1,
        reason: int = 0,
        valid_tax: int = 1_300,
        **fields: Any,
    ) -> Operation:
        values: dict[str, Any] = {"month": month, "option": purpose | reason << 4, "terms": valid_tax}
        return self.operation(Code.SELECT, buyer, number, **(values | fields))

    def confirm_month_operation(self, enterprise: str, month: int = MONTH, **fields: Any) -> Operation:
        deducted = self.deducted(enterprise, month)
        values: dict[str, Any] = {
            "number": month,
            "month": month,
            "version": self.party(enterprise).version,
            "terms": deducted.valid_tax | deducted.count << 64,
        }
        return Operation(code=Code.CONFIRM_MONTH, **({"subject": self.ids[enterprise]} | values | fields))

    def refile_operation(
        self,
        enterprise: str,
        month: int = MONTH,
        replaces: bytes = b"report",
        report: bytes = b"correction",
        **fields: Any,
    ) -> Operation:
        values: dict[str, Any] = {"code": Code.REFILE, "who": keccak256(replaces), "ref": keccak256(report)}
        return replace(self.file_operation(enterprise, month), **(values | fields))
