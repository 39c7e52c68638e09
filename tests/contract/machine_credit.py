"""Random histories of red letters, deduction, outside invoices, exceptions, supervision and refiling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.contract.machine_drafts import Signing
from tests.contract.machine_ledger import BENT, ENTERPRISE, INDEX, NAME, LedgerMachine
from tests.contract.machine_world import CASES, CONFIRMED_PERIOD, FOREIGN, NAMES, PERSONS
from tests.contract.twin import NUMBERS
from tests.contract.world import MONTH
from verifier.operations import INVOICE_CODES, Code, Operation, Reason

M48 = 2**48 - 1
SLIP_CODES = (Code.OPEN_SLIP, Code.OPEN_SLIP, Code.CONFIRM_SLIP, Code.CONFIRM_SLIP, Code.REFUSE_SLIP,
              Code.WITHDRAW_SLIP, Code.VOID_SLIP)  # fmt: skip
WATCH_CODES = (Code.SET_RISK_FLAG, Code.CLEAR_RISK_FLAG, Code.FORCE_UNLOCK, Code.ACKNOWLEDGE_EXCEPTION)
OFFICE_CODES = (Code.LIFT_BLOCK, Code.ANCHOR, Code.REVOKE_CERTIFICATE)
ANSWERS = (Code.CONFIRM_SLIP, Code.REFUSE_SLIP, Code.WITHDRAW_SLIP)
BREAKING: dict[Reason, tuple[Code, ...]] = {
    Reason.NOT_BUYER: (Code.SELECT, Code.UNSELECT),
    Reason.EXCEEDS: (Code.OPEN_SLIP, Code.ISSUE_RED, Code.SELECT),
    Reason.SLIP_NEEDED: (Code.ISSUE_RED,),
    Reason.SLIP_OPEN: (Code.OPEN_SLIP, Code.ISSUE_RED),
    Reason.NO_SLIP: (*ANSWERS, Code.VOID_SLIP),
    Reason.SLIP_LAPSED: ANSWERS,
    Reason.IS_RED: (Code.TRANSFER, Code.OPEN_SLIP, Code.SELECT, Code.ISSUE_RED),
    Reason.OUTSIDE: (Code.OPEN_SLIP, Code.SELECT, Code.ISSUE_RED),
    Reason.OF_LEDGER: (Code.REGISTER_OUTSIDE,),
    Reason.NOT_DEDUCTIBLE: (Code.SELECT,),
    Reason.NOT_SELECTED: (Code.UNSELECT,),
    Reason.PERIOD_CONFIRMED: (Code.SELECT, Code.UNSELECT, Code.CONFIRM_MONTH),
    Reason.NO_EXCEPTION: (Code.ACKNOWLEDGE_EXCEPTION,),
    Reason.REPORT_DIFFERS: (Code.REFILE,),
    Reason.MONTH_NOT_FILED: (Code.REFILE,),
    Reason.MONTH_NOT_OPEN: (Code.SELECT, Code.CONFIRM_MONTH, Code.ISSUE_RED),
    Reason.MONTHS_UNFILED: (Code.ISSUE, Code.ISSUE_RED),
    Reason.NOT_HOLDER: (Code.TRANSFER, Code.LOCK, Code.BOOK),
    Reason.OWN_INVOICE: (Code.LOCK, Code.BOOK),
    Reason.WRONG_BUYER: (Code.REGISTER_OUTSIDE, Code.LOCK),
    Reason.NOT_BOOKED: (Code.WITHDRAW_BOOKING,),
    Reason.UNKNOWN_INVOICE: (Code.BOOK, Code.SET_RISK_FLAG),
    Reason.NOT_LOCKED: (Code.UNLOCK, Code.SETTLE, Code.FORCE_UNLOCK),
    Reason.MONTH_FILED: (Code.UNSELECT,),
    Reason.FLAGGED: (Code.SELECT, Code.REGISTER_OUTSIDE, Code.TRANSFER, Code.LOCK),
}
"""For each reason of these rules, and some of the older ones, the operations that can meet it."""
RIGHT_CODES = [code for code in Code if code != Code.RETIRE]
NAMED = ("employer", "buyer", "seller")


def bent_by(operation: Operation, subject: int) -> Iterator[Operation]:
    """The operation, and what it becomes when one field of it is other than right."""
    is_month = operation.number < 2**12
    yield operation
    yield replace(operation, subject=subject)
    yield replace(operation, terms=operation.terms + 1)
    yield replace(operation, who=b"\x05" * 32)
    for month in (CONFIRMED_PERIOD, MONTH + 5, MONTH + 7):
        yield replace(operation, month=month, number=month if is_month else operation.number)


class CreditMachine(LedgerMachine):
    """Every operation of the ledger."""

    def draw_signing(
        self, code: Code, index: int, bent: str, by_other: bool = False, name: str = "employer"
    ) -> Signing:
        """The right operation on an invoice where it is applied, if there is one; when bent, on any."""
        numbers = self.twin.issued()
        if code == Code.REGISTER_OUTSIDE:
            numbers += [CASES[case] for case in FOREIGN]
        elif code == Code.ISSUE:
            numbers += NUMBERS
        signings = [self.twin.drafting.right(code, number, name, by_other=by_other) for number in numbers]
        fitting = [one for one in signings if not self.twin.refusal(one.actor, one.operation)]
        choice = fitting if fitting and bent not in ("number", "option") else signings
        return choice[index % len(choice)]

    def sign(self, signing: Signing, bent: str, who: str, waits: bool = False) -> None:
        operation = signing.operation
        if bent == "version":
            operation = replace(operation, version=operation.version + 1)
        elif bent == "terms":
            operation = replace(operation, terms=operation.terms + 1)
        elif bent == "month":
            operation = replace(operation, month=operation.month + 1)
        actor = who if bent == "actor" else self.twin.name_of(signing.actor, who)
        self.send(actor, [operation], bent, waits)

    @rule(code=st.sampled_from(SLIP_CODES), index=INDEX, part=st.integers(1, 4), reason=st.integers(0, 4),
          by_other=st.booleans(), bent=BENT, who=NAME, waits=st.booleans())  # fmt: skip
    def agrees(
        self, code: Code, index: int, part: int, reason: int, by_other: bool, bent: str, who: str, waits: bool
    ) -> None:
        signing = self.draw_signing(code, index, bent, by_other)
        if code == Code.OPEN_SLIP and signing.operation.terms:
            reason = 2 if reason == 1 and part > 1 else reason
            signing = in_part(signing, part, reason or 3)
        self.sign(signing, bent, who, waits)

    @rule(index=INDEX, part=st.integers(1, 4), bent=BENT, who=NAME, waits=st.booleans())
    def reddens(self, index: int, part: int, bent: str, who: str, waits: bool) -> None:
        signing = self.draw_signing(Code.ISSUE_RED, index, bent)
        if signing.operation.option == 2 and index % 3:
            signing = in_part(signing, part, 2)
        self.sign(signing, bent, who, waits)

    @rule(
        code=st.sampled_from(WATCH_CODES), index=INDEX, by_other=st.booleans(), bent=BENT, who=NAME, waits=st.booleans()
    )
    def watches(self, code: Code, index: int, by_other: bool, bent: str, who: str, waits: bool) -> None:
        self.sign(self.draw_signing(code, index, bent, by_other), bent, who, waits)

    @rule(selects=st.integers(0, 3), index=INDEX, purpose=st.integers(1, 3), bent=BENT, who=NAME, waits=st.booleans())
    def deducts(self, selects: int, index: int, purpose: int, bent: str, who: str, waits: bool) -> None:
        signing = self.draw_signing(Code.SELECT if selects else Code.UNSELECT, index, bent)
        if selects:
            option, terms = (
                (2 | 1 + index % 5 << 4, 0) if purpose == 2 else (purpose, signing.operation.terms // purpose)
            )
            signing = Signing(signing.actor, replace(signing.operation, option=option, terms=terms))
        self.sign(signing, bent, who, waits)

    @rule(index=INDEX, name=ENTERPRISE, strength=st.integers(0, 5), bent=BENT, who=NAME, waits=st.booleans())
    def registers(self, index: int, name: str, strength: int, bent: str, who: str, waits: bool) -> None:
        signing = self.draw_signing(Code.REGISTER_OUTSIDE, index, bent, name=name)
        if strength:
            signing = Signing(signing.actor, replace(signing.operation, option=strength | index % 2 << 3))
        self.sign(signing, bent, who, waits)

    @rule(code=st.sampled_from(OFFICE_CODES), name=st.sampled_from(NAMES[1:]), bent=BENT, who=NAME, waits=st.booleans())
    def keeps_office(self, code: Code, name: str, bent: str, who: str, waits: bool) -> None:
        self.sign(self.twin.drafting.right(code, 0, name), bent, who, waits)

    @rule(refiles=st.booleans(), name=ENTERPRISE, bent=BENT, who=NAME)
    def closes_month(self, refiles: bool, name: str, bent: str, who: str) -> None:
        code = Code.REFILE if refiles else Code.CONFIRM_MONTH
        self.sign(self.twin.drafting.right(code, 0, name), bent, who)

    @initialize(index=INDEX, who=st.sampled_from(PERSONS))
    def breaks_every_rule(self, index: int, who: str) -> None:
        """So that each of those reasons is given in every history, before chance has its way."""
        for reason in BREAKING:
            assert self.queues_refused(reason, index, who), reason.name
        self.twin.flush()

    @rule(codes=st.lists(st.sampled_from(RIGHT_CODES), min_size=3, max_size=6, unique=True), index=INDEX, name=NAME)
    def follows_the_rules(self, codes: list[Code], index: int, name: str) -> None:
        """Operations of any codes, each right where the ledger has a place for it."""
        for code in codes:
            parties = [name, *NAMES[1:]]
            if code in INVOICE_CODES:
                signing = self.draw_signing(code, index, "")
            else:
                drafted = [self.twin.drafting.right(code, 0, party) for party in parties]
                fitting = [one for one in drafted if not self.twin.refusal(one.actor, one.operation)]
                signing = (fitting or drafted)[0]
            self.sign(signing, "", name)

    @rule(reason=st.sampled_from(sorted(BREAKING)), index=INDEX, who=NAME)
    def breaks(self, reason: Reason, index: int, who: str) -> None:
        self.queues_refused(reason, index, who)
        self.twin.flush()

    def queues_refused(self, reason: Reason, index: int, who: str) -> bool:
        """Queues an operation the model refuses for just that reason; False where the ledger has none."""
        codes = BREAKING[reason]
        numbers = [*self.twin.issued(), CASES["unseen"], CASES["never issued"]]
        start = index * 7 % len(numbers)
        for number in numbers[start:] + numbers[:start]:
            for at in range(len(codes) * len(NAMED)):
                code, name = codes[(index + at) % len(codes)], NAMED[at // len(codes)]
                signing = self.twin.drafting.right(code, number, name)
                for operation in bent_by(signing.operation, self.twin.id_of(who)):
                    if self.twin.refusal(signing.actor, operation) == reason:
                        self.sign(Signing(signing.actor, operation), "", who, waits=True)
                        return True
        return False


def in_part(signing: Signing, part: int, reason: int) -> Signing:
    """A slip or a red over one part of the gross and of the tax."""
    terms = signing.operation.terms
    gross, tax, rest = terms & M48, terms >> 48 & M48, terms >> 96
    terms = max(1, gross // part) | tax // part << 48 | rest << 96
    return Signing(signing.actor, replace(signing.operation, terms=terms, option=reason))
