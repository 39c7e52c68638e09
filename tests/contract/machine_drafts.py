"""The right operation for what the words are now: who may sign it, for whom, on which terms; tests bend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contract.machine_world import KINDS, NOBODY, PERSONS, named
from tests.contract.model_reds import other_side
from tests.contract.model_words import Words
from tests.contract.wire import address_int, as_int
from tests.contract.world import DAY_S, GROSS, MONTH, NUMBER, QUOTA, RED, identity_of
from verifier.hashing import ZERO_HASH, keccak256
from verifier.operations import INVOICE_CODES, Code, Operation
from verifier.words import SEGMENT_BLOCK_SIZE, Grant, Kind, PartyKind, SlipState, Table

OFFICER_CODES = (Code.SET_RISK_FLAG, Code.CLEAR_RISK_FLAG, Code.FORCE_UNLOCK, Code.VOID_SLIP)
ROLES = {Code.APPOINT_OFFICER: "authority", Code.DISMISS_OFFICER: "authority", Code.RECOVER_KEY: "authority",
         Code.RETIRE: "authority", Code.OPEN_MONTH: "calendar"}  # fmt: skip
REDS = range(RED, RED + 1_000)


@dataclass(frozen=True)
class Signing:
    """An operation and the party that has the right to sign it."""

    actor: int
    operation: Operation


@dataclass(frozen=True)
class Drafting:
    """Right operations for these words at this block time."""

    words: Words
    now: int

    def id_of(self, name: str) -> int:
        return named(self.words, name)

    def signer_for(self, enterprise: int, bits: int, but: int = 0) -> int:
        """A person with one of those grants, other than `but`; the party itself when there is none."""
        for person in map(self.id_of, PERSONS):
            if person != but and self.words[Table.GRANT, enterprise << 32 | person] & bits:
                return person
        return enterprise or NOBODY

    def right(self, code: int, number: int, name: str = "employer", *, by_other: bool = False) -> Signing:
        """On invoice `number` or, for what changes a party, on party `name`. `by_other`: the buyer's side opens."""
        if code == Code.ISSUE:
            return self.issue(number, name)
        if code == Code.ISSUE_RED:
            return self.red(number)
        if code in INVOICE_CODES:
            subject, actor, fields = self.invoice_fields(Code(code), number, name, by_other)
            version = self.words.state(number).version
            return Signing(actor, Operation(code, subject, number, version=version, **fields))
        return self.of_party(code, name)

    # -- invoices -------------------------------------------------------------------------------

    def month_of(self, party: int) -> int:
        return max(MONTH, self.words.party(party).filed_through + 1)

    def issue(self, number: int, buyer: str) -> Signing:
        seller = self.words[Table.SEGMENT, number // SEGMENT_BLOCK_SIZE] or self.id_of("seller")
        operation = Operation(
            Code.ISSUE,
            seller,
            number,
            month=self.month_of(seller),
            option=number % 2 | 1 << 2,
            terms=GROSS | 1_300 << 48,
            who=identity_of(buyer),
        )
        return Signing(self.signer_for(seller, Grant.ISSUE), operation)

    def red(self, blue: int) -> Signing:
        state, slip = self.words.state(blue), self.words.slip(blue)
        unused = next(number for number in REDS if not self.words[Table.STATE, number])
        if slip.state == SlipState.CONFIRMED:
            reason, gross, tax = slip.reason, slip.gross, slip.tax
        else:
            reason, gross, tax = 2, *self.left(blue)
        seller = state.seller or self.id_of("seller")
        terms = gross | tax << 48 | blue << 96 | state.version << 176
        operation = Operation(
            Code.ISSUE_RED,
            seller,
            unused,
            month=self.month_of(seller),
            option=reason,
            terms=terms,
            ref=keccak256(b"red"),
        )
        return Signing(self.signer_for(seller, Grant.ISSUE), operation)

    def left(self, number: int) -> tuple[int, int]:
        """(gross, tax) that a red may still take."""
        state = self.words.state(number)
        gross = state.gross - state.credited
        tax = self.words.deduction(number).tax_left if state.kind == Kind.SPECIAL else gross // 9
        return gross, max(0, min(tax, gross - 1))

    def invoice_fields(self, code: Code, number: int, name: str, by_other: bool) -> tuple[int, int, dict[str, Any]]:
        """(subject, actor, the operation's other fields)."""
        words, state, claim = self.words, self.words.state(number), self.words.claim(number)
        employer, officer = claim.employer or self.id_of(name), self.id_of("officer")
        holder = state.holder or self.id_of(name)
        if code in OFFICER_CODES:
            return officer, officer, {}
        if code == Code.ACKNOWLEDGE_EXCEPTION:
            told = words.exception(number).party
            return (told, self.signer_for(told, Grant.FINANCE), {}) if by_other and told else (officer, officer, {})
        if code in SLIP_FIELDS:
            return SLIP_FIELDS[code](self, number, by_other)
        if code in (Code.SELECT, Code.UNSELECT):
            buyer = state.buyer or self.id_of(name)
            fields = {} if code == Code.UNSELECT else self.selection(number, buyer)
            return buyer, self.signer_for(buyer, Grant.FINANCE), fields
        if code == Code.REGISTER_OUTSIDE:
            return self.registration(number, name)
        if code in (Code.UNLOCK, Code.SETTLE):
            finance = self.signer_for(employer, Grant.FINANCE, but=claim.claimant)
            return employer, finance, {"terms": claim.claim_id}
        if code == Code.LOCK:
            employer = state.buyer or (holder if words.party(holder).kind == PartyKind.ENTERPRISE else self.id_of(name))
            person = words.party(holder).kind == PartyKind.PERSON
            actor = holder if person else self.signer_for(employer, Grant.CLAIM)
            return holder, actor, {"party": employer, "terms": 3}
        if code == Code.TRANSFER:
            actor = self.signer_for(holder, Grant.FINANCE | Grant.ISSUE)
            return holder, actor, {"party": self.id_of(name) if self.id_of(name) != holder else self.id_of("employee")}
        option = 1 + number % 2 if code == Code.BOOK else 0
        return holder, self.signer_for(holder, Grant.FINANCE), {"option": option}

    def selection(self, number: int, buyer: int) -> dict[str, Any]:
        state = self.words.state(number)
        month = max(state.month, self.month_of(buyer))
        while self.words.deducted(buyer, month).confirmed:
            month += 1
        return {"month": month, "option": 1, "terms": self.words.deduction(number).tax_left}

    def registration(self, number: int, name: str) -> tuple[int, int, dict[str, Any]]:
        """A stronger proof than the one that stands, by somebody of employer `name`."""
        employer, state = self.id_of(name), self.words.state(number)
        actor = self.signer_for(employer, Grant.CLAIM)
        strength = 4 if state.strength == 0 else max(1, state.strength - 1)
        terms = GROSS - strength | 1_300 << 48 | 7 << 96
        who = identity_of(name) if number % 2 else ZERO_HASH
        return actor, actor, {"party": employer, "month": MONTH, "option": strength, "terms": terms, "who": who}

    def opening(self, number: int, by_other: bool) -> tuple[int, int, dict[str, Any]]:
        state = self.words.state(number)
        gross, tax = self.left(number)
        fields = {"option": 2, "terms": gross | tax << 48}
        other = other_side(self.words, number, self.now)
        if by_other and other:
            return other, self.signer_for(other, Grant.FINANCE), fields
        return state.seller, self.signer_for(state.seller, Grant.ISSUE), fields

    def answer(self, number: int, _: bool) -> tuple[int, int, dict[str, Any]]:
        slip, state = self.words.slip(number), self.words.state(number)
        if slip.state == SlipState.BUYER_OPENED:
            return state.seller, self.signer_for(state.seller, Grant.ISSUE), {}
        other = slip.other or self.id_of("employer")
        return other, self.signer_for(other, Grant.FINANCE), {}

    def withdrawal(self, number: int, _: bool) -> tuple[int, int, dict[str, Any]]:
        slip, state = self.words.slip(number), self.words.state(number)
        opener = slip.opener or state.seller
        return opener, self.signer_for(opener, Grant.ISSUE if opener == state.seller else Grant.FINANCE), {}

    # -- parties --------------------------------------------------------------------------------

    def of_party(self, code: int, name: str) -> Signing:
        party, word = self.id_of(name), self.words.party(self.id_of(name))
        actor = self.id_of(ROLES.get(Code(code), "officer")) if code in Code.__members__.values() else party
        fields: dict[str, Any] = {"number": party, "version": word.version}
        month = self.month_of(party)
        if code in (Code.ENROL, Code.APPOINT_OFFICER):
            fields |= self.making(name)
        elif code == Code.ALLOT_SEGMENT:
            free = next(
                n for n in range(NUMBER, 10**20, 10_000) if not self.words[Table.SEGMENT, n // SEGMENT_BLOCK_SIZE]
            )
            fields |= {"number": free, "party": party, "option": 1}
        elif code == Code.SET_QUOTA:
            fields |= {"terms": QUOTA * 2}
        elif code == Code.LIFT_BLOCK:
            fields |= {"month": month + 2}
        elif code in (Code.RECOVER_KEY, Code.ROTATE_KEY):
            actor = party if code == Code.ROTATE_KEY else actor
            fields |= {"terms": address_int("key 1")}
        elif code == Code.RETIRE:
            fields |= {"number": 0, "version": 0, "terms": 7}
        elif code == Code.OPEN_MONTH:
            opens, month = self.now - DAY_S, MONTH + 8
            fields |= {"number": month, "version": 0, "month": month, "terms": opens | opens + 9 * DAY_S << 64}
        elif code in (Code.GRANT, Code.REVOKE):
            person = self.id_of("cashier")
            actor, fields = (
                party,
                fields | {"number": person, "party": person, "option": 1 if code == Code.GRANT else 7},
            )
        elif code in (Code.CONFIRM_MONTH, Code.FILE, Code.REFILE):
            actor = self.signer_for(party, Grant.FINANCE)
            fields |= self.period(Code(code), party)
        elif code == Code.ANCHOR:
            actor = party if word.kind in (PartyKind.AUTHORITY, PartyKind.OFFICER) else actor
            version = self.words.party(actor).version
            fields = {"number": actor, "version": version, "who": keccak256(b"head of the log")}
        elif code == Code.REVOKE_CERTIFICATE:
            actor = actor if word.kind in (PartyKind.ENTERPRISE, PartyKind.PERSON) else self.id_of("authority")
            fields |= {"terms": 4, "who": keccak256(f"certificate of {name}".encode())}
        own = code in (Code.GRANT, Code.REVOKE, Code.CONFIRM_MONTH, Code.FILE, Code.REFILE)
        return Signing(actor, Operation(code, party if own else actor, **fields))

    def making(self, name: str) -> dict[str, Any]:
        kind = KINDS.get(name, PartyKind.OFFICER)
        identity = identity_of(name, kind)
        return {
            "number": as_int(identity) >> 176,
            "month": MONTH if kind == PartyKind.ENTERPRISE else 0,
            "option": kind,
            "terms": address_int(name) | (QUOTA << 160 if kind == PartyKind.ENTERPRISE else 0),
            "who": identity,
            "ref": keccak256(f"certificate of {name}".encode()),
        }

    def period(self, code: Code, party: int) -> dict[str, Any]:
        filed, words = self.words.party(party).filed_through, self.words
        if code == Code.CONFIRM_MONTH:
            month = self.month_of(party)
            while words.deducted(party, month).confirmed:
                month += 1
            deducted = words.deducted(party, month)
            return {"number": month, "month": month, "terms": deducted.valid_tax | deducted.count << 64}
        month = filed + 1 if code == Code.FILE else filed
        who = words[Table.FILING, party << 12 | month].to_bytes(32, "big") if code == Code.REFILE else ZERO_HASH
        terms = words.totals(party, month).pack()
        return {"number": month, "month": month, "terms": terms, "who": who, "ref": keccak256(b"report %d" % month)}


SLIP_FIELDS: dict[Code, Callable[[Drafting, int, bool], tuple[int, int, dict[str, Any]]]] = {
    Code.OPEN_SLIP: Drafting.opening,
    Code.CONFIRM_SLIP: Drafting.answer,
    Code.REFUSE_SLIP: Drafting.answer,
    Code.WITHDRAW_SLIP: Drafting.withdrawal,
}
