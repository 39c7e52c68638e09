"""Random histories: parties, keys, months, issue, claims, booking and filing, mostly right, some bent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.contract.machine_world import CASES, ENTERPRISES, KINDS, NAMES, OFFICES, PERSONS
from tests.contract.twin import NUMBERS, SPARE_KEYS, Twin
from tests.contract.wire import address_of, as_int, key_of
from tests.contract.world import DAY_S, MONTH, NUMBER, QUOTA, identity_of
from verifier.hashing import ZERO_HASH, keccak256
from verifier.operations import Code, Operation
from verifier.words import LOCK_LIFETIME_S, RECOVERY_DELAY_S, SEGMENT_BLOCK_SIZE, Claim, Entry, PartyKind, StateWord

STEPS = 40
SEEN: Counter[tuple[str, int]] = Counter()
"""How often each code was applied and each reason was given, to show that the histories are deep enough."""

# which field of an operation is bent, if any; most are left right, so that histories get deep
BENT = st.sampled_from([""] * 14 + ["version", "actor", "month", "number", "terms", "order", "option", "key", "late"])
NAME = st.sampled_from(NAMES)
ENTERPRISE = st.sampled_from(ENTERPRISES)
NUMBER_SETS = st.sets(st.sampled_from(NUMBERS), min_size=1, max_size=3)
INDEX = st.integers(0, 63)


def address(name: str) -> int:
    return as_int(address_of(key_of(name)))


class LedgerMachine(RuleBasedStateMachine):
    """Draws operations that are mostly right for the model's state, some bent, and lets both apply them."""

    def __init__(self) -> None:
        super().__init__()
        self.twin = Twin(SEEN)

    def teardown(self) -> None:
        self.twin.close()

    def send(self, actor: str, operations: list[Operation], bent: str, waits: bool = False) -> None:
        if bent == "order":
            operations.reverse()
        self.twin.queue(actor, operations, by_old_key=bent == "key", late=bent == "late")
        if not waits:
            self.twin.flush()

    @rule(name=st.sampled_from(sorted(KINDS)), quota=st.sampled_from([QUOTA, 1, 2**44]), bent=BENT, who=NAME)
    def makes_party(self, name: str, quota: int, bent: str, who: str) -> None:
        absent = [other for other in KINDS if not self.twin.party(other).signer]
        dismissed = [other for other in OFFICES if self.twin.party(other).suspended]
        if bent != "option":
            name = next(iter(dismissed + absent), name)
        office, enterprise = name in OFFICES, KINDS[name] == PartyKind.ENTERPRISE
        actor = who if bent == "actor" else "authority" if office else "officer"
        identity = identity_of(name, KINDS[name])
        operation = Operation(
            code=Code.APPOINT_OFFICER if office else Code.ENROL,
            subject=self.twin.id_of(actor),
            number=(as_int(identity) >> 176) + (bent == "number"),
            version=self.twin.party(name).version + (bent == "version"),
            month=(0 if bent == "month" else MONTH) if enterprise else 0,
            option=KINDS[name] if bent != "option" else 1,
            terms=0 if bent == "terms" else address(name) | (quota << 160 if enterprise else 0),
            who=identity,
            ref=keccak256(name.encode()),
        )
        self.send(actor, [operation], bent)

    @rule(
        code=st.sampled_from([Code.SUSPEND, Code.REINSTATE, Code.SET_QUOTA, Code.SET_QUOTA, Code.DISMISS_OFFICER]),
        name=NAME,
        quota=st.sampled_from([QUOTA, QUOTA // 2, 1, 2**44]),
        bent=BENT,
        who=NAME,
    )
    def supervises(self, code: Code, name: str, quota: int, bent: str, who: str) -> None:
        if code == Code.DISMISS_OFFICER and bent != "option":
            name = "calendar"
        suspended = [other for other in (*ENTERPRISES, *PERSONS) if self.twin.party(other).suspended]
        if suspended and code == Code.SUSPEND and bent != "option":
            code = Code.REINSTATE
        if code == Code.REINSTATE:
            name = next(iter(suspended), name)
        elif code == Code.SET_QUOTA and bent != "option":
            name = "seller"
        actor = who if bent == "actor" else "authority" if code == Code.DISMISS_OFFICER else "officer"
        operation = Operation(
            code=code,
            subject=self.twin.id_of(actor),
            number=self.twin.id_of(name),
            version=self.twin.party(name).version + (bent == "version"),
            terms=quota if code == Code.SET_QUOTA else 0,
        )
        self.send(actor, [operation], bent)

    @rule(names=st.lists(ENTERPRISE, min_size=2, max_size=2), at=INDEX, gap=st.integers(0, 2), bent=BENT, who=NAME)
    def allots(self, names: list[str], at: int, gap: int, bent: str, who: str) -> None:
        actor = who if bent == "actor" else "officer"
        operations = [
            Operation(
                code=Code.ALLOT_SEGMENT,
                subject=self.twin.id_of(actor),
                number=NUMBER + (at + gap * index) * SEGMENT_BLOCK_SIZE + (bent == "number"),
                party=self.twin.id_of(name),
                version=self.twin.party(name).version + (bent == "version"),
                option=65 if bent == "option" else 1 + at % 2,
            )
            for index, name in enumerate(names)
        ]
        self.send(actor, operations[: 1 + bool(gap)], bent)

    @rule(ahead=st.integers(4, 9), opens=st.integers(-1, 2), days=st.integers(0, 300), bent=BENT, who=NAME)
    def opens_month(self, ahead: int, opens: int, days: int, bent: str, who: str) -> None:
        actor = who if bent == "actor" else "calendar"
        start, month = self.twin.world.now + opens * DAY_S, MONTH + ahead
        operation = Operation(
            code=Code.OPEN_MONTH,
            subject=self.twin.id_of(actor),
            number=month + (bent == "number"),
            month=month,
            terms=start | (start + days * DAY_S) << 64,
        )
        self.send(actor, [operation], bent)

    @rule(name=NAME, recovers=st.booleans(), key=st.sampled_from(SPARE_KEYS), bent=BENT)
    def changes_key(self, name: str, recovers: bool, key: str, bent: str) -> None:
        actor = "officer" if bent == "actor" else "authority" if recovers else name
        operation = Operation(
            code=Code.RECOVER_KEY if recovers else Code.ROTATE_KEY,
            subject=self.twin.id_of(actor),
            number=self.twin.id_of(name) + (bent == "number"),
            version=self.twin.party(name).version + (bent == "version"),
            terms=0 if bent == "terms" else address(key),
            ref=keccak256(key.encode()),
        )
        self.send(actor, [operation], bent)

    @rule(
        name=ENTERPRISE,
        people=st.sets(st.sampled_from(PERSONS), min_size=1, max_size=3),
        revokes=st.integers(0, 3),
        bits=st.sampled_from([1, 2, 4, 6, 7]),
        bent=BENT,
        who=NAME,
    )
    def grants(self, name: str, people: set[str], revokes: int, bits: int, bent: str, who: str) -> None:
        code = Code.REVOKE if revokes == 0 else Code.GRANT
        if revokes < 2:
            name, people, bits = "employer", {"employee"}, 7
        operations = [
            Operation(
                code=code,
                subject=self.twin.id_of(name),
                number=party,
                party=party + (bent == "number"),
                version=self.twin.party(name).version + (bent == "version"),
                option=8 if bent == "option" else bits,
            )
            for party in sorted(self.twin.id_of(person) for person in people)
        ]
        self.send(who if bent == "actor" else name, operations, bent)

    @rule(
        numbers=NUMBER_SETS,
        gross=st.sampled_from([1, 100, 101, QUOTA // 3, QUOTA]),
        buyer=st.sampled_from([None, None, None, "employer", "employer", *ENTERPRISES]),
        mode=st.sampled_from([0, 1, 1, 2, 2]),
        person=st.sampled_from(["employee", "employee", "cashier", *NAMES]),
        next_month=st.integers(0, 3),
        by_clerk=st.booleans(),
        bent=BENT,
        who=NAME,
        waits=st.booleans(),
    )
    def issues(
        self,
        numbers: set[int],
        gross: int,
        buyer: str | None,
        mode: int,
        person: str,
        next_month: int,
        by_clerk: bool,
        bent: str,
        who: str,
        waits: bool,
    ) -> None:
        seller = self.twin.owner(min(numbers), "seller")
        unused = set(NUMBERS) - set(self.twin.issued())
        month = self.twin.party(seller).filed_through + 1 + (next_month == 3) + 2 * (bent == "month")
        operations = [
            Operation(
                code=Code.ISSUE,
                subject=self.twin.id_of(seller),
                number=number,
                version=bent == "version",
                month=month + (bent == "option" and number == max(numbers)),
                party=self.twin.id_of(person) if mode == 2 else 0,
                option=number % 2 | (3 if bent == "terms" else mode) << 2,
                terms=gross | gross // 10 << 48,
                who=identity_of(buyer) if buyer else ZERO_HASH,
                ref=keccak256(b"%d" % number),
            )
            for number in sorted(numbers)
            if bent == "number" or (number in unused and self.twin.owner(number, "seller") == seller)
        ]
        clerk = self.twin.granted(seller, 1, seller) if by_clerk else seller
        if mode == 1 and not buyer:
            operations = [replace(operation, option=operation.option & 1) for operation in operations]
        if operations:
            self.send(who if bent == "actor" else clerk, operations, bent, waits)

    def draw_invoice(self, index: int, bent: str, fits: Callable[[StateWord], bool] = lambda _: True) -> int:
        """One that was issued and fits, if there is one; when bent, one that may not even exist."""
        issued = self.twin.issued()
        fitting = [number for number in issued if fits(self.twin.model.words.state(number))]
        anywhere = (*NUMBERS, *CASES.values())
        numbers: Sequence[int] = anywhere if bent == "number" else fitting if fitting and bent != "option" else issued
        return numbers[index % len(numbers)]

    def on_invoice(self, code: Code, number: int, subject: str, bent: str, **fields: Any) -> Operation:
        version = self.twin.model.words.state(number).version + (bent == "version")
        return Operation(code=code, subject=self.twin.id_of(subject), number=number, version=version, **fields)

    @rule(index=INDEX, to=NAME, bent=BENT, who=NAME, waits=st.booleans())
    def hands_on(self, index: int, to: str, bent: str, who: str, waits: bool) -> None:
        number = self.draw_invoice(index, bent)
        holder = self.twin.name_of(self.twin.model.words.state(number).holder, who)
        operation = self.on_invoice(Code.TRANSFER, number, holder, bent, party=self.twin.id_of(to))
        self.send(who if bent == "actor" else holder, [operation], bent, waits)

    @rule(index=INDEX, employer=ENTERPRISE, claim_id=st.integers(1, 2), bent=BENT, who=NAME, waits=st.booleans())
    def claims(self, index: int, employer: str, claim_id: int, bent: str, who: str, waits: bool) -> None:
        number = self.draw_invoice(index, bent, lambda state: state.claim == Claim.FREE or index % 8 == 0)
        state = self.twin.model.words.state(number)
        holder = self.twin.name_of(state.holder, who)
        if bent != "month":
            employer = self.twin.name_of(state.buyer, holder if holder in ENTERPRISES else "employer")
        actor = holder if holder in PERSONS else self.twin.granted(employer, 4, holder)
        terms = 2**128 if bent == "terms" else claim_id
        operation = self.on_invoice(Code.LOCK, number, holder, bent, party=self.twin.id_of(employer), terms=terms)
        self.send(who if bent == "actor" else actor, [operation], bent, waits)

    @precondition(lambda self: any(self.twin.model.words.state(n).claim == Claim.LOCKED for n in NUMBERS))
    @rule(index=INDEX, settles=st.booleans(), own=st.booleans(), bent=BENT, who=NAME)
    def ends_claim(self, index: int, settles: bool, own: bool, bent: str, who: str) -> None:
        number = self.draw_invoice(index, bent, lambda state: state.claim == Claim.LOCKED)
        claim = self.twin.model.words.claim(number)
        employer, claimant = self.twin.name_of(claim.employer, "employer"), self.twin.name_of(claim.claimant, who)
        finance = self.twin.granted(employer, 2, employer, claimant)
        actor = claimant if own and (not settles or index % 8 == 0) else finance
        subject = claimant if own and not settles and bent != "month" else employer
        code = Code.SETTLE if settles else Code.UNLOCK
        operation = self.on_invoice(code, number, subject, bent, terms=claim.claim_id + (bent == "terms"))
        self.send(who if bent == "actor" else actor, [operation], bent)

    @rule(indexes=st.sets(INDEX, min_size=1, max_size=2), withdraws=st.booleans(), label=INDEX, bent=BENT, who=NAME)
    def books(self, indexes: set[int], withdraws: bool, label: int, bent: str, who: str) -> None:
        bookable = set(map(self.twin.id_of, ENTERPRISES)) - {self.twin.id_of("seller")}

        def fits(state: StateWord) -> bool:
            return state.holder in bookable and withdraws == (state.entry in (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE))

        numbers = sorted({self.draw_invoice(index, bent, fits) for index in indexes})
        holder = self.twin.name_of(self.twin.model.words.state(numbers[0]).holder, who)
        code = Code.WITHDRAW_BOOKING if withdraws else Code.BOOK
        option = 3 if bent == "option" else 0 if withdraws else 1 + label % 2
        operations = [self.on_invoice(code, number, holder, bent, option=option) for number in numbers]
        self.send(who if bent == "actor" else holder, operations, bent)

    @rule(name=ENTERPRISE, index=INDEX, behind=st.integers(0, 5), bent=BENT, who=NAME)
    def files(self, name: str, index: int, behind: int, bent: str, who: str) -> None:
        if index % 8:
            name = "employer"  # so that the seller's month stays open for a while
        party = self.twin.party(name)
        month = party.filed_through + (bent != "month") + (bent == "option")
        terms = self.twin.model.words.totals(self.twin.id_of(name), month).pack() + (bent == "terms")
        subject = self.twin.id_of(name)
        version = party.version + (bent == "version")
        operations = [Operation(Code.FILE, subject, month, version=version, month=month, terms=terms)]
        if behind == 0:  # an issue that would change the month just filed
            operations.append(Operation(Code.ISSUE, subject, NUMBERS[index % len(NUMBERS)], month=month, terms=1))
        self.send(who if bent == "actor" else name, operations, bent)

    @rule(seconds=st.sampled_from([1, 60, DAY_S, DAY_S, RECOVERY_DELAY_S, RECOVERY_DELAY_S, LOCK_LIFETIME_S]))
    def waits(self, seconds: int) -> None:
        self.twin.flush()
        self.twin.world.travel(self.twin.world.now + seconds)

    @precondition(lambda self: len(self.twin.history) > 5)
    @rule(data=st.data(), actor=NAME, code=st.integers(0, 255), reserved=st.sampled_from([0, 1, 2**47]))
    def makes_noise(self, data: st.DataObject, actor: str, code: int, reserved: int) -> None:
        """Sends old bytes again, and any code at all; retires only when the history is long."""
        self.twin.batch.append(data.draw(st.sampled_from(self.twin.history)))
        terms = 7 if len(self.twin.history) > STEPS * 2 // 3 else 0
        operation = Operation(code, self.twin.id_of(actor), 0, terms=terms, reserved=reserved)
        self.send(actor, [operation], "")
