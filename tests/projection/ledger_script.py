"""A ledger played by hand: operations as the contract would answer them, sealed into blocks.

A test double of the chain for unit tests of the projection alone; rule_world.py and test_on_contract.py know the rules.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.blocks import (
    BlockHead,
    ChainBlock,
    ChainEvent,
    InvoiceWritten,
    MonthOpened,
    Outcome,
    PartyNamed,
    PartyWritten,
    SequencedGroup,
)
from ledger.domain.groups import ChainDomain, Group, SignedGroup
from verifier.hashing import ZERO_HASH, keccak256
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    WRITTEN,
    Claim,
    ClaimWord,
    Entry,
    PartyKind,
    PartyWord,
    StateWord,
    Table,
    TotalsWord,
    head_after,
    storage_key,
)

DOMAIN = ChainDomain(chain_id=4403, contract=b"\x22" * 20)
MONTH = 321
START_S = 1_790_000_000
AUTHORITY, OFFICER = 1, 2


class LedgerScript:
    """A ledger played by hand. Methods add one applied group each; `seal` closes a block."""

    def __init__(self) -> None:
        self.time_s = START_S
        self.blocks: list[ChainBlock] = []
        self.sealed_words: list[dict[int, int]] = []
        self.states: dict[int, StateWord] = {}
        self.heads: dict[int, bytes] = {}
        self.claims: dict[int, int] = {}
        self.parties: dict[int, PartyWord] = {}
        self.identities: dict[bytes, int] = {}
        self.totals: dict[tuple[int, int], list[int]] = {}
        self.kept: dict[int, int] = {}  # words beside states, heads and parties, by storage key
        self._pending: list[SequencedGroup] = []
        self._salt = 0
        self.parties[AUTHORITY] = PartyWord(signer=1, kind=PartyKind.AUTHORITY)
        self.seal()  # genesis

    # parties

    def enrol(self, kind: PartyKind, name: str, *, quota: int = 10**12) -> int:
        """A party with a signer; officers by the authority, others by the officer."""
        identity = keccak256(name.encode())
        party = self.identities.setdefault(identity, max(self.parties) + 1)
        old = self.parties.get(party, PartyWord())
        enterprise = kind is PartyKind.ENTERPRISE
        word = PartyWord(
            signer=1000 + party,
            kind=kind,
            quota=quota if enterprise else 0,
            filed_through=MONTH - 1 if enterprise else 0,
            version=old.version + 1,
        )
        appoints = kind in (PartyKind.OFFICER, PartyKind.CALENDAR)
        operation = Operation(
            code=Code.APPOINT_OFFICER if appoints else Code.ENROL,
            subject=AUTHORITY if appoints else OFFICER,
            number=int.from_bytes(identity, "big") >> 176,
            version=old.version,
            month=MONTH if enterprise else 0,
            option=kind,
            terms=word.signer + (word.quota << 160),
            who=identity,
            ref=self.salt(),
        )
        self._write_party(operation, party, word)
        return party

    def change_party(self, code: Code, party: int, actor: int, *, ref: bytes | None = None, **fields: int) -> None:
        """An operation that sets `fields` of the party's word."""
        word = replace(self.parties[party], version=self.parties[party].version + 1, **fields)
        operation = Operation(
            code=code, subject=actor, number=party, version=self.parties[party].version, ref=ref or self.salt()
        )
        if code == Code.ROTATE_KEY:
            operation = replace(operation, terms=word.signer)
        self._write_party(operation, party, word)

    def recover(self, party: int, new_signer: int) -> None:
        word = replace(self.parties[party], recovery=1, version=self.parties[party].version + 1)
        operation = Operation(code=Code.RECOVER_KEY, subject=AUTHORITY, number=party, terms=new_signer, ref=self.salt())
        self._write_party(operation, party, word)

    def allot(self, seller: int, first_number: int, blocks: int = 1) -> None:
        word = replace(self.parties[seller], version=self.parties[seller].version + 1)
        operation = Operation(
            code=Code.ALLOT_SEGMENT, subject=OFFICER, number=first_number, party=seller, option=blocks, ref=self.salt()
        )
        for index in range(blocks):
            self.kept[storage_key(Table.SEGMENT, first_number // 10_000 + index)] = seller
        self._write_party(operation, seller, word)

    def grant(self, enterprise: int, person: int, bits: int, *, revoke: bool = False) -> None:
        word = replace(self.parties[enterprise], version=self.parties[enterprise].version + 1)
        key = storage_key(Table.GRANT, enterprise << 32 | person)
        before = self.kept.get(key, WRITTEN)
        self.kept[key] = before & ~bits if revoke else before | bits
        operation = Operation(
            code=Code.REVOKE if revoke else Code.GRANT,
            subject=enterprise,
            number=person,
            party=person,
            option=bits,
            ref=self.salt(),
        )
        self._write_party(operation, enterprise, word)

    def file(self, enterprise: int) -> None:
        word = self.parties[enterprise]
        word = replace(word, filed_through=word.filed_through + 1, version=word.version + 1)
        operation = Operation(
            code=Code.FILE,
            subject=enterprise,
            number=word.filed_through,
            month=word.filed_through,
            terms=sum(self.totals.get((enterprise, word.filed_through), [0])),
            ref=self.salt(),
        )
        key = storage_key(Table.FILING, enterprise << 12 | word.filed_through)
        self.kept[key] = int.from_bytes(operation.ref, "big")
        self._write_party(operation, enterprise, word)

    def open_month(self, month: int = MONTH) -> None:
        opens, closes = START_S - 100, START_S + 10**8
        operation = Operation(
            code=Code.OPEN_MONTH, subject=AUTHORITY, number=month, month=month, terms=opens + (closes << 64)
        )
        self._add([operation], AUTHORITY, [MonthOpened(month, opens, closes)])

    # invoices

    def issue(
        self, seller: int, *invoices: tuple[int, int, int], actor: int = 0, buyer: str = "", holder: int = 0
    ) -> bytes:
        """One group of issues, each (number, gross, tax); digest of the group. `holder` is a person."""
        operations, events = [], []
        digest_of: list[tuple[Operation, StateWord]] = []
        who = keccak256(buyer.encode()) if buyer else ZERO_HASH
        for number, gross, tax in invoices:
            buyer_party = 0
            if buyer:
                if who not in self.identities:
                    self.identities[who] = max(self.parties) + 1
                    self.parties[self.identities[who]] = PartyWord(kind=PartyKind.ENTERPRISE)
                    events.append(PartyNamed(self.identities[who], who))
                buyer_party = self.identities[who]
            mode = 2 if holder else (1 if buyer else 0)
            operation = Operation(
                code=Code.ISSUE,
                subject=seller,
                number=number,
                party=holder,
                month=MONTH,
                option=mode << 2,
                terms=gross + (tax << 48),
                who=who,
                ref=self.salt(),
            )
            state = StateWord(
                colour=1,
                seller=seller,
                buyer=buyer_party,
                holder=holder or buyer_party or seller,
                gross=gross,
                month=MONTH,
                version=1,
            )
            self.totals.setdefault((seller, MONTH), [0, 0])[0] += gross
            key = storage_key(Table.TOTALS, seller << 12 | MONTH)
            sums = TotalsWord(blue_gross=gross, blue_tax=tax, quota_used=gross, count=1).pack()
            self.kept[key] = self.kept.get(key, 0) + sums  # no field overflows here
            operations.append(operation)
            digest_of.append((operation, state))
            events.append(operation)  # replaced below, when the digest is known
        return self._invoice_group(operations, actor or seller, events, digest_of)

    def change(self, code: Code, number: int, actor: int, subject: int, **more: int) -> bytes:
        """One operation on one invoice, answered as the contract would."""
        return self.change_many(code, [number], actor, subject, **more)

    def change_many(self, code: Code, numbers: list[int], actor: int, subject: int, **more: int) -> bytes:
        operations, answers = [], []
        for number in sorted(numbers):
            state = self.states[number]
            operation = Operation(
                code=code,
                subject=subject,
                number=number,
                version=state.version,
                party=more.get("party", 0),
                option=more.get("option", 0),
                terms=more.get("terms", 0),
                ref=self.salt(),
            )
            operations.append(operation)
            answers.append((operation, self._after(state, operation)))
        return self._invoice_group(operations, actor, list(operations), answers)

    def lock(self, numbers: list[int], claimant: int, employer: int, claim_id: int) -> bytes:
        for number in numbers:
            self.claims[number] = claim_id
            claim = ClaimWord(claimant=claimant, employer=employer, time=self.time_s, claim_id=claim_id)
            self.kept[storage_key(Table.CLAIM, number)] = claim.pack()
        return self.change_many(Code.LOCK, numbers, claimant, claimant, party=employer, terms=claim_id)

    def refuse(self, operations: list[Operation], actor: int, reason: Reason, number: int | None = None) -> bytes:
        """A signed group that broke a rule."""
        named = operations[0].number if number is None else number
        return self._add(operations, actor, [], outcome=Outcome.REFUSED, reason=int(reason), refused_number=named)

    def malformed(self, operations: list[Operation], actor: int, valid_until: int | None = None) -> bytes:
        return self._add(operations, actor, [], outcome=Outcome.MALFORMED, signer=b"", valid_until=valid_until)

    # blocks

    def include(self, group: SequencedGroup) -> None:
        """Puts a group built elsewhere into the block that is open."""
        self._pending.append(group)

    def sequenced(self, signed: SignedGroup, outcome: Outcome, **answer: object) -> SequencedGroup:
        """`signed` as a block would hold it."""
        values: dict[str, object] = {"reason": 0, "refused_number": 0, "events": (), "signer": b"\x01" * 20, **answer}
        return SequencedGroup(digest=signed.group.digest(DOMAIN), signed=signed, outcome=outcome, **values)  # type: ignore[arg-type]

    def seal(self, *, seconds_later: int = 1) -> ChainBlock:
        number = len(self.blocks)
        parent = self.blocks[-1].head.hash if self.blocks else bytes(32)
        digest = keccak256(parent + b"".join(group.digest for group in self._pending) + number.to_bytes(8, "big"))
        block = ChainBlock(BlockHead(number, digest, self.time_s), parent, tuple(self._pending))
        self.blocks.append(block)
        self.sealed_words.append(self.all_words())
        self._pending = []
        self.time_s += seconds_later
        return block

    def head(self) -> BlockHead:
        return self.blocks[-1].head

    def head_block(self) -> ChainBlock:
        return self.blocks[-1]

    def block(self, number: int) -> ChainBlock:
        return self.blocks[number]

    def words(self, keys: list[int]) -> list[int]:
        """Contract words at the last block, as the chain reader gives them."""
        return self.words_at(keys, len(self.blocks) - 1)

    def words_at(self, keys: list[int], block: int) -> list[int]:
        """Contract words at a block."""
        found = self.sealed_words[block]
        return [found.get(key, 0) for key in keys]

    def all_words(self) -> dict[int, int]:
        """Contract words by storage key, as of now."""
        found = {storage_key(Table.STATE, number): state.pack() for number, state in self.states.items()}
        found.update((storage_key(Table.PARTY, party), word.pack()) for party, word in self.parties.items())
        found.update(self.kept)
        found.update(
            (storage_key(Table.HEAD, number), int.from_bytes(head, "big")) for number, head in self.heads.items()
        )
        return found

    def salt(self) -> bytes:
        self._salt += 1
        return keccak256(b"salt" + self._salt.to_bytes(8, "big"))

    def signed(self, operations: list[Operation], actor: int, valid_until: int | None = None) -> SignedGroup:
        """A group with a made-up signature: nothing in the projection recovers it."""
        group = Group(actor, valid_until or self.time_s + 3600, tuple(operations))
        scalar = int.from_bytes(keccak256(group.digest(DOMAIN)), "big") >> 2
        return SignedGroup(group, 27 + scalar % 2, scalar | 1, scalar >> 1 | 1)

    def _after(self, state: StateWord, operation: Operation) -> StateWord:
        state = replace(state, version=state.version + 1)
        if operation.code == Code.TRANSFER:
            return replace(state, holder=operation.party, claim=Claim.FREE)
        if operation.code == Code.LOCK:
            return replace(state, claim=Claim.LOCKED)
        if operation.code == Code.UNLOCK:
            return replace(state, claim=Claim.FREE)
        if operation.code == Code.SETTLE:
            return replace(state, claim=Claim.SETTLED, holder=operation.subject)
        if operation.code == Code.BOOK:
            return replace(state, entry=operation.option)
        return replace(state, entry=Entry.WITHDRAWN)

    def _invoice_group(
        self,
        operations: list[Operation],
        actor: int,
        events: list[object],
        answers: list[tuple[Operation, StateWord]],
    ) -> bytes:
        signed = self.signed(operations, actor)
        digest = signed.group.digest(DOMAIN)
        signer = self.signer(actor)
        written: dict[int, InvoiceWritten] = {}
        for operation, state in answers:
            head = head_after(
                self.heads.get(operation.number, ZERO_HASH), digest, operation.hash(), signer, self.time_s, state.pack()
            )
            self.states[operation.number], self.heads[operation.number] = state, head
            written[operation.number] = InvoiceWritten(operation.number, operation.what, state.pack(), head)
        final = tuple(written[event.number] if isinstance(event, Operation) else event for event in events)
        self._pending.append(
            SequencedGroup(digest, signed, signer, Outcome.APPLIED, 0, 0, final)  # type: ignore[arg-type]
        )
        return digest

    def _write_party(self, operation: Operation, party: int, word: PartyWord) -> None:
        self.parties[party] = word
        actor = operation.subject
        self._add([operation], actor, [PartyWritten(party, operation.what, word.pack())])

    def signer(self, actor: int) -> bytes:
        return self.parties[actor].signer.to_bytes(20, "big")

    def _add(
        self,
        operations: list[Operation],
        actor: int,
        events: list[ChainEvent],
        *,
        outcome: Outcome = Outcome.APPLIED,
        reason: int = 0,
        refused_number: int = 0,
        signer: bytes | None = None,
        valid_until: int | None = None,
    ) -> bytes:
        signed = self.signed(operations, actor, valid_until)
        digest = signed.group.digest(DOMAIN)
        by = self.signer(actor) if signer is None else signer
        self._pending.append(SequencedGroup(digest, signed, by, outcome, reason, refused_number, tuple(events)))
        return digest
