"""Unsigned operations of named actors, each right unless a field is given another value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from tests.contract.wire import address_int, as_int
from verifier.hashing import keccak256
from verifier.operations import Code, Operation
from verifier.words import PartyKind, PartyWord, StateWord, TotalsWord

MONTH = 96 * 12 + 9  # 2096-10, the month the chain's clock starts in
NUMBER = 90_000_000_000_000_000_000
QUOTA = 10_000_000
GROSS = 11_300
DAY_S = 86_400
RESERVED_CODES = frozenset({6, 7, 8, 9, 10, 20, 21, 22, 23, 24, 26, 32, 33, 34, 36, 37, 38, 39})


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
