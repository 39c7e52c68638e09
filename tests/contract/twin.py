"""The contract and the model side by side: what is sent to one is done by the other, and both must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from tests.contract.model import Model
from tests.contract.model_words import StorageTrie, Words
from tests.contract.wire import GAS, Event, Signed, address_of, as_int, key_of, sign_group
from tests.contract.world import DAY_S, MONTH, NUMBER, QUOTA, World, identity_of, new_tester
from verifier.operations import Code, Operation
from verifier.words import SEGMENT_BLOCK_SIZE, PartyKind, PartyWord, Table

ENTERPRISES = ("seller", "employer", "buyer", "newcomer")  # the last two are enrolled by chance or not at all
PERSONS = ("clerk", "employee", "cashier")
OFFICES = {"officer": PartyKind.OFFICER, "calendar": PartyKind.CALENDAR}
KINDS = dict.fromkeys(ENTERPRISES, PartyKind.ENTERPRISE) | dict.fromkeys(PERSONS, PartyKind.PERSON) | OFFICES
NAMES = ("authority", *KINDS)
NUMBERS = (*range(NUMBER, NUMBER + 10), NUMBER + SEGMENT_BLOCK_SIZE)
SPARE_KEYS = ("key 1", "key 2")
NOBODY = 500  # a party number that is never given


@dataclass
class RecordedWorld(World):
    """A world that remembers what was sent, and when, so that the model can follow."""

    sent: list[tuple[int, tuple[Signed, ...]]] = field(default_factory=list)

    def send(self, *groups: Signed, gas: int = GAS, sender: int = 0) -> list[Event]:
        self.sent.append((self.now, groups))
        return super().send(*groups, gas=gas, sender=sender)


@cache
def opened() -> tuple[World, Words]:
    """A ledger with most parties enrolled, open months, grants and four invoices; and the model's words of it."""
    built = World.create(new_tester())
    world = RecordedWorld(built.tester, built.address)
    world.appoint("officer")
    world.appoint("calendar", PartyKind.CALENDAR)
    for month in range(MONTH, MONTH + 6):
        world.do("calendar", world.open_month_operation("calendar", month, closes=world.now + 900 * DAY_S))
    world.enrol("seller", PartyKind.ENTERPRISE, quota=QUOTA)
    world.enrol("employer", PartyKind.ENTERPRISE)
    for person in PERSONS:
        world.enrol(person, PartyKind.PERSON)
    world.do("officer", world.allot_operation("seller", NUMBER))
    world.grant("seller", "clerk", 1)
    world.grant("employer", "employee", 6)
    world.grant("employer", "cashier", 6)
    world.do(
        "seller",
        world.issue_operation(buyer=None, first_holder="employee"),
        world.issue_operation(number=NUMBER + 1),
        world.issue_operation(number=NUMBER + 2, mode=0),
        world.issue_operation(number=NUMBER + 3, buyer="newcomer", first_holder="employee"),
    )

    words = Words()
    words[Table.PARTY_COUNT, 0] = 1
    words.put_party(1, PartyWord(signer=as_int(address_of(key_of("authority"))), kind=PartyKind.AUTHORITY))
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=1))
    model = Model(world.separator, words)
    for now, groups in world.sent:
        assert all(event.name not in ("Refused", "Malformed") for event in model.apply(groups, now))
    assert StorageTrie().root(model.words, 0) == world.storage_root()
    return World(world.tester, world.address), model.words


class Twin:
    """One history on both. Groups wait in `batch` until `flush` sends them in one transaction."""

    def __init__(self, seen: Counter[tuple[str, int]]) -> None:
        world, words = opened()
        self.scratch = world.scratch()
        self.world = self.scratch.__enter__()
        self.model = Model(self.world.separator, words.copy())
        self.trie = StorageTrie()
        self.batch: list[Signed] = []
        self.history: list[Signed] = []
        self.seen = seen
        self.keys = {as_int(address_of(key_of(name))): key_of(name) for name in (*NAMES, *SPARE_KEYS)}

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self.scratch.__exit__(None, None, None)

    def flush(self) -> None:
        """Sends the batch to both and compares the events and the whole storage."""
        expected = self.model.apply(self.batch, self.world.now)
        assert self.world.send(*self.batch) == expected
        self.history += self.batch
        self.batch = []
        assert self.trie.root(self.model.words, self.model.successor) == self.world.storage_root()
        for event in expected:
            if event.name in ("Recorded", "PartyChanged"):
                self.seen["applied", event.words[0] >> 248] += 1
            elif event.name == "MonthOpened":
                self.seen["applied", Code.OPEN_MONTH] += 1
            elif event.name == "Refused":
                self.seen["refused", event.words[0]] += 1
            else:
                self.seen[event.name, 0] += 1

    def queue(self, actor: str, operations: Sequence[Operation], *, by_old_key: bool = False, late: int = 0) -> None:
        """Signs one group with the key of the actor that counts now; `late` seconds beyond the longest life."""
        actor_id, now = self.id_of(actor), self.world.now
        due = self.model.is_due(actor_id, now)
        recovered = self.model.words[Table.RECOVERY, actor_id] & (1 << 160) - 1
        signer = recovered if due else self.party(actor).signer
        key = key_of(actor) if by_old_key else self.keys.get(signer, key_of(actor))
        valid_until = now + DAY_S + late if late else now + 3_600
        self.batch.append(sign_group(self.world.separator, actor_id, valid_until, operations, key))

    # -- what the model knows, by name ----------------------------------------------------------

    def id_of(self, name: str) -> int:
        """Party number by name; NOBODY for one that was never named."""
        return 1 if name == "authority" else self.model.words.party_of(identity_of(name, KINDS[name]))[0] or NOBODY

    def name_of(self, party: int, otherwise: str) -> str:
        return next((name for name in NAMES if self.id_of(name) == party), otherwise)

    def party(self, name: str) -> PartyWord:
        return self.model.words.party(self.id_of(name))

    def granted(self, enterprise: str, bits: int, otherwise: str, but: str = "") -> str:
        """A person with one of those grants of the enterprise, other than `but`."""
        key = self.id_of(enterprise) << 32
        for person in PERSONS:
            if person != but and self.model.words[Table.GRANT, key | self.id_of(person)] & bits:
                return person
        return otherwise

    def issued(self) -> list[int]:
        return [number for number in NUMBERS if self.model.words[Table.STATE, number]]

    def owner(self, number: int, otherwise: str) -> str:
        """Name of the enterprise the number was allotted to."""
        return self.name_of(self.model.words[Table.SEGMENT, number // SEGMENT_BLOCK_SIZE], otherwise)
