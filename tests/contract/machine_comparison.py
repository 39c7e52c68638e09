"""Single groups on the prepared ledger, by contract and model: the same answer, events and words for each.

Groups the model refuses go to the contract together, in one transaction, since a refused group leaves only its spent
mark; each one it applies goes alone. Both are undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

from tests.contract.machine_drafts import Drafting
from tests.contract.machine_world import CASES, NAMES, named, prepared, prepared_trie
from tests.contract.model import Model, refused_operation
from tests.contract.model_words import StorageTrie
from tests.contract.wire import Event, Signed, key_of, sign_group
from tests.contract.world import World
from verifier.operations import Operation, Reason

BATCH_GROUPS = 250  # calldata and gas of one transaction stay far below the tester's limits

Group = tuple[str, tuple[Operation, ...]]
"""Name of the actor, and what it signs."""


def told(group: Group, events: Sequence[Event]) -> str:
    """One group and what became of it, to be read in a failure."""
    answers = [Reason(e.words[0]).name if e.name == "Refused" else f"{e.name}{e.topics[:1]}" for e in events]
    return f"{group[0]} signs {' + '.join(map(shown, group[1]))} -> {', '.join(answers)}"


def shown(operation: Operation) -> str:
    """Its fields that are not 0, with the case its number stands for."""
    values = {name.name: getattr(operation, name.name) for name in fields(operation)}
    values["who"], values["ref"] = operation.who.hex()[:6].strip("0"), ""
    case = next((name for name, number in CASES.items() if number == operation.number), "")
    return f"{case} { ({name: value for name, value in values.items() if value}) }"


@dataclass
class Comparison:
    """The prepared ledger on both sides. `now`: every block's time; `seen`: how often a reason or an event came."""

    world: World
    model: Model
    now: int
    trie: StorageTrie = field(default_factory=prepared_trie)
    seen: Counter[str] = field(default_factory=Counter)
    deep: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """Where an operation's code is applied, found once: every group meets the ledger as it was prepared."""

    @classmethod
    def on(cls, world: World, at_s: int | None = None) -> Comparison:
        return cls(world, Model(world.separator, prepared()[1].copy()), at_s or world.now)

    @property
    def drafting(self) -> Drafting:
        return Drafting(self.model.words, self.now)

    def id_of(self, name: str) -> int:
        return named(self.model.words, name)

    def name_of(self, party: int) -> str:
        return next((name for name in NAMES if self.id_of(name) == party), "newcomer")

    def compare(self, groups: Iterable[Group]) -> None:
        """Requires one answer of contract and model to every group, each on the ledger as it was prepared."""
        refused: list[tuple[Group, Signed]] = []
        for group in dict.fromkeys(groups):
            signed = self.signed(group)
            if refused_operation(self.model.words, signed.actor, signed.operations, self.now):
                refused.append((group, signed))
            else:
                self.send([(group, signed)])
            if len(refused) == BATCH_GROUPS:
                self.send(refused)
                refused = []
        self.send(refused)

    def signed(self, group: Group) -> Signed:
        actor, operations = group
        return sign_group(self.world.separator, self.id_of(actor), self.now + 7_200, operations, key_of(actor))

    def send(self, groups: Sequence[tuple[Group, Signed]]) -> None:
        """One group that is applied, or many that are refused, and so answered by one event each."""
        if not groups:
            return
        alone = Model(self.model.separator, self.model.words.copy())
        expected = alone.apply([signed for _, signed in groups], self.now)
        with self.world.scratch() as scratch:
            if self.now != scratch.now:
                scratch.travel(self.now)
            got = scratch.send(*(signed for _, signed in groups))
            if len(groups) == 1:
                (group, _) = groups[0]
                assert got == expected, f"contract: {told(group, got)}\nmodel: {told(group, expected)}"
            differing = [
                f"contract: {told(group, [mine])}\nmodel: {told(group, [theirs])}"
                for (group, _), mine, theirs in zip(groups, got, expected, strict=False)
                if mine != theirs
            ]
            assert got == expected, "\n".join(differing[:20])
            assert self.trie.root(alone.words, alone.successor) == scratch.storage_root(), groups
        self.seen.update(Reason(event.words[0]).name if event.name == "Refused" else event.name for event in expected)
