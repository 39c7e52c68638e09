"""The contract and the model side by side: what is sent to one is done by the other, and both must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.contract.machine_drafts import Drafting
from tests.contract.machine_world import CASES, NAMES, PERSONS, named, prepared, prepared_trie
from tests.contract.model import Model, refused_operation
from tests.contract.wire import Signed, address_of, as_int, key_of, sign_group
from tests.contract.world import DAY_S, NUMBER
from verifier.operations import Code, Operation
from verifier.words import SEGMENT_BLOCK_SIZE, PartyWord, Table

NUMBERS = (*range(NUMBER, NUMBER + 10), NUMBER + SEGMENT_BLOCK_SIZE)
SPARE_KEYS = ("key 1", "key 2")


class Twin:
    """One history on both. Groups wait in `batch` until `flush` sends them in one transaction."""

    def __init__(self, seen: Counter[tuple[str, int]]) -> None:
        world, words = prepared()
        self.scratch = world.scratch()
        self.world = self.scratch.__enter__()
        self.model = Model(self.world.separator, words.copy())
        self.trie = prepared_trie()
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
        return named(self.model.words, name)

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
        return [number for number in (*NUMBERS, *CASES.values()) if self.model.words[Table.STATE, number]]

    @property
    def drafting(self) -> Drafting:
        return Drafting(self.model.words, self.world.now)

    def refusal(self, actor: int, operation: Operation) -> int:
        """Reason the model would refuse that operation for now, as a group of its own; 0 when it would apply it."""
        refused = refused_operation(self.model.words, actor, [operation], self.world.now)
        return refused[0] if refused else 0

    def owner(self, number: int, otherwise: str) -> str:
        """Name of the enterprise the number was allotted to."""
        return self.name_of(self.model.words[Table.SEGMENT, number // SEGMENT_BLOCK_SIZE], otherwise)
