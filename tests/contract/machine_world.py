"""A ledger with one invoice in every situation the rules tell apart, built on the contract and on the model alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from tests.contract.model import Model
from tests.contract.model_words import StorageTrie, Words
from tests.contract.wire import GAS, Event, Signed, address_of, as_int, key_of
from tests.contract.world import DAY_S, MONTH, NUMBER, OUTSIDE, QUOTA, RED, World, identity_of, new_tester
from verifier.operations import Code, Operation
from verifier.words import LOCK_LIFETIME_S, SLIP_LIFETIME_S, PartyKind, PartyWord, Table

ENTERPRISES = ("seller", "employer", "buyer", "newcomer")  # the last is named as a buyer, and enrolled by chance
PERSONS = ("clerk", "employee", "cashier", "accountant")
OFFICES = {"officer": PartyKind.OFFICER, "calendar": PartyKind.CALENDAR}
KINDS = dict.fromkeys(ENTERPRISES, PartyKind.ENTERPRISE) | dict.fromkeys(PERSONS, PartyKind.PERSON) | OFFICES
NAMES = ("authority", *KINDS)
NOBODY = 500  # a party number that is never given
CONFIRMED_PERIOD = MONTH + 1  # of the employer; the buyer has filed MONTH
GRANTS = (("seller", "clerk", 1), ("employer", "employee", 6), ("employer", "cashier", 6), ("buyer", "accountant", 7))

BLUES = (
    "plain", "bought", "lapsed lock", "lapsed slip", "locked", "settled", "settled and flagged", "booked",
    "booked without buyer", "selected", "confirmed", "filed", "partly red", "fully red", "slip of seller",
    "slip of buyer", "slip of employer", "agreed", "agreed and unlocked", "refused", "flagged", "reddened since",
    "cancelled", "settled and reddened", "confirmed and reddened", "for newcomer", "at seller", "acknowledged",
)  # fmt: skip
FOREIGN = (
    "typed",
    "signed",
    "outside unlocked",
    "outside settled",
    "outside booked",
    "displaced",
    "disputed",
    "unseen",
)
CASES = {name: NUMBER + 100 + at for at, name in enumerate(BLUES)}
CASES |= {name: OUTSIDE + at for at, name in enumerate(FOREIGN)}
CASES |= {"red": RED, "never issued": NUMBER + 99, "elsewhere": NUMBER + 10**12}
"""Number by situation."""

SPECIALS = ("bought", "selected", "confirmed", "filed", "confirmed and reddened", "slip of buyer", "agreed", "refused")
OF_BUYER = ("filed",)
OF_NOBODY = (
    "plain", "lapsed lock", "locked", "settled", "settled and flagged", "booked without buyer", "slip of employer",
    "agreed and unlocked", "flagged", "reddened since", "cancelled", "settled and reddened", "at seller",
    "acknowledged",
)  # fmt: skip
HELD_BY_EMPLOYEE = frozenset(OF_NOBODY) - {"at seller", "booked without buyer"}


@dataclass
class RecordedWorld(World):
    """A world that remembers what was sent, and when, so that the model can follow."""

    sent: list[tuple[int, tuple[Signed, ...]]] = field(default_factory=list)

    def send(self, *groups: Signed, gas: int = GAS, sender: int = 0) -> list[Event]:
        self.sent.append((self.now, groups))
        return super().send(*groups, gas=gas, sender=sender)


@cache
def prepared() -> tuple[World, Words]:
    """The ledger with its cases, and the model's words of it; every event and word of the way agreed."""
    built = World.create(new_tester())
    world = RecordedWorld(built.tester, built.address)
    enrol(world)
    issue_cases(world)
    age(world)
    claim_and_book(world)
    credit(world)
    deduct(world)
    register(world)
    words = Words()
    words[Table.PARTY_COUNT, 0] = 1
    words.put_party(1, PartyWord(signer=as_int(address_of(key_of("authority"))), kind=PartyKind.AUTHORITY))
    model = Model(world.separator, words)
    for now, groups in world.sent:
        assert all(event.name not in ("Refused", "Malformed") for event in model.apply(groups, now))
    assert StorageTrie().root(model.words, 0) == world.storage_root()
    return World(world.tester, world.address, ids=world.ids), model.words


@cache
def prepared_trie() -> StorageTrie:
    """One trie that every comparison takes from words to words: only what differs is written."""
    trie = StorageTrie()
    trie.root(prepared()[1], 0)
    return trie


def enrol(world: World) -> None:
    world.appoint("officer")
    world.appoint("calendar", PartyKind.CALENDAR)
    for month in range(MONTH, MONTH + 6):
        world.do("calendar", world.open_month_operation("calendar", month, closes=world.now + 900 * DAY_S))
    world.enrol("seller", PartyKind.ENTERPRISE, quota=QUOTA)
    world.enrol("employer", PartyKind.ENTERPRISE)
    world.enrol("buyer", PartyKind.ENTERPRISE)
    for person in PERSONS:
        world.enrol(person, PartyKind.PERSON)
    world.do("officer", world.allot_operation("seller", NUMBER))
    for enterprise, person, bits in GRANTS:
        world.grant(enterprise, person, bits)


def issue_cases(world: World) -> None:
    world.do(
        "seller",
        world.issue_operation(buyer=None, first_holder="employee"),
        world.issue_operation(number=NUMBER + 1),
        world.issue_operation(number=NUMBER + 2, mode=0),
        world.issue_operation(number=NUMBER + 3, buyer="newcomer", first_holder="employee"),
        *(issue_of(world, name) for name in BLUES),
    )


def issue_of(world: World, name: str) -> Operation:
    buyer = "buyer" if name in OF_BUYER else "newcomer" if name == "for newcomer" else "employer"
    return world.issue_operation(
        number=CASES[name],
        buyer=None if name in OF_NOBODY else buyer,
        special=int(name in SPECIALS),
        first_holder="employee" if name in HELD_BY_EMPLOYEE else "cashier" if name == "booked without buyer" else None,
    )


def lock(world: World, name: str, actor: str = "employee", claim_id: int = 1) -> None:
    holder = world.state(CASES[name]).holder
    subject = next(other for other, party in world.ids.items() if party == holder)
    employer = world.ids["employer"]
    world.do(actor, world.operation(Code.LOCK, subject, CASES[name], party=employer, terms=claim_id))


def settle(world: World, name: str, claim_id: int = 1) -> None:
    world.do("cashier", world.operation(Code.SETTLE, "employer", CASES[name], terms=claim_id))


def agree(world: World, name: str, **slip: int) -> None:
    """A slip the seller opens and the employer's finance confirms."""
    world.do("clerk", world.slip_operation("seller", CASES[name], **slip))
    world.do("cashier", world.operation(Code.CONFIRM_SLIP, "employer", CASES[name]))


def redden(world: World, name: str, at: int, **red: int) -> None:
    world.do("clerk", world.red_operation("seller", RED + at, CASES[name], **red))


def age(world: World) -> None:
    """What only time makes: a lapsed lock and a slip nobody answered."""
    lock(world, "lapsed lock")
    world.travel(world.now + LOCK_LIFETIME_S + 1)
    world.do("clerk", world.slip_operation("seller", CASES["lapsed slip"]))
    world.travel(world.now + SLIP_LIFETIME_S + 1)


def claim_and_book(world: World) -> None:
    for name in ("locked", "settled", "settled and flagged", "settled and reddened", "slip of employer", "cancelled",
                 "agreed and unlocked", "reddened since", "acknowledged"):  # fmt: skip
        lock(world, name)
    for name in ("settled", "settled and flagged", "settled and reddened", "acknowledged"):
        settle(world, name)
    for name in ("flagged", "settled and flagged", "acknowledged"):
        world.do("officer", world.operation(Code.SET_RISK_FLAG, "officer", CASES[name]))
    for actor, subject in (("officer", "officer"), ("cashier", "employer")):
        world.do(actor, world.operation(Code.ACKNOWLEDGE_EXCEPTION, subject, CASES["acknowledged"]))
    world.do("cashier", world.operation(Code.BOOK, "employer", CASES["booked"], option=1))
    handover = world.operation(Code.TRANSFER, "cashier", CASES["booked without buyer"], party=world.ids["employer"])
    world.do("cashier", handover)
    world.do("cashier", world.operation(Code.BOOK, "employer", CASES["booked without buyer"], option=2))


def credit(world: World) -> None:
    redden(world, "fully red", 0)
    redden(world, "partly red", 1, gross=1_000, tax=100)
    for at, (name, gross) in enumerate(
        {"reddened since": 500, "cancelled": 11_300, "settled and reddened": 700}.items()
    ):
        agree(world, name, gross=gross, tax=gross // 10)
        redden(world, name, 2 + at, gross=gross, tax=gross // 10)
    for name in ("slip of seller", "slip of employer"):
        world.do("clerk", world.slip_operation("seller", CASES[name], gross=2_000, tax=200))
    world.do("cashier", world.slip_operation("employer", CASES["slip of buyer"], reason=1))
    agree(world, "agreed", gross=3_000, tax=300, reason=4)
    agree(world, "agreed and unlocked", gross=3_000, tax=300, reason=3)
    world.do("employee", world.operation(Code.UNLOCK, "employee", CASES["agreed and unlocked"], terms=1))
    world.do("clerk", world.slip_operation("seller", CASES["refused"]))
    world.do("cashier", world.operation(Code.REFUSE_SLIP, "employer", CASES["refused"]))


def deduct(world: World) -> None:
    world.do("cashier", world.select_operation("employer", CASES["selected"]))
    for name in ("confirmed", "confirmed and reddened"):
        world.do("cashier", world.select_operation("employer", CASES[name], month=CONFIRMED_PERIOD, valid_tax=900))
    world.do("cashier", world.confirm_month_operation("employer", CONFIRMED_PERIOD))
    agree(world, "confirmed and reddened", gross=400, tax=40)
    redden(world, "confirmed and reddened", 5, gross=400, tax=40)
    world.do("accountant", world.select_operation("buyer", CASES["filed"]))
    world.do("accountant", world.file_operation("buyer"))


def register(world: World) -> None:
    for name in FOREIGN[:-1]:
        strength = 1 if name == "signed" else 4
        world.do("employee", world.register_operation(number=CASES[name], strength=strength))
    for name in ("outside settled", "disputed"):
        settle(world, name)
    for name in ("outside unlocked", "outside booked"):
        world.do("employee", world.operation(Code.UNLOCK, "employee", CASES[name], terms=1))
    handover = world.operation(Code.TRANSFER, "employee", CASES["outside booked"], party=world.ids["employer"])
    world.do("employee", handover)
    world.do("cashier", world.operation(Code.BOOK, "employer", CASES["outside booked"], option=1))
    for name in ("displaced", "disputed"):
        number = CASES[name]
        world.do("accountant", world.register_operation("accountant", "buyer", number, strength=2, claim_id=2))


def named(words: Words, name: str) -> int:
    """Party number by name; NOBODY for one that was never named."""
    return 1 if name == "authority" else words.party_of(identity_of(name, KINDS[name]))[0] or NOBODY
