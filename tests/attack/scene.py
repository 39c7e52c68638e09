"""One victim enterprise with all its things, and a credential for everybody who might ask for them.

What a request used up (a claim that was withdrawn, a slip that was answered) is made anew for the next role.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from api.access_table import Role
from ledger.domain.till_order import SIGNING_TAG, OrderLine, SignedOrder, TillOrder
from ledger.identity import new_till_key, sign_with_till, till_public_key
from ledger.identity.passwords import hash_password
from ledger.projection import Connection, parties
from ledger.projection.sign_in import StoredPassword
from ledger.service import Caller
from ledger.service.outside_facts import OutsideItem, item_of_fields
from ledger.service.sign_in import begin_session, keep_password
from ledger.service.till_views import OrderLineView, TillItem, TillView, Title
from tests.attack.conftest import Cast
from tests.service.signers import checkpoint, note, signer
from tests.service.test_bulk import row, sheet
from tests.service.test_company_sessions import provided
from tests.service.world import World, must

LARGE_FEN = 1_000_000  # from here on the victim wants claims approved
ELSEWHERE = "3301"  # a district in which nothing of these tests lies


@dataclass
class Scene:
    """The victim is `cast.employer`, which also sells; `held` things are its claimant's."""

    world: World
    cast: Cast
    keys: dict[Role, str]
    callers: dict[Role, Caller]
    victim: Caller
    administrator: Caller
    till_key: bytes
    till: TillView
    office: int
    job: str
    webhook: str
    outside: str
    archive: str
    password_hash: str  # nobody in these tests gives the right password
    note: bytes  # a checkpoint that an admitted witness signed
    _made: dict[str, Any] = field(default_factory=dict)

    def once(self, kind: str, make: Callable[[], Any]) -> Any:
        """A thing of that kind; the same one until `used` says that a request used it up."""
        if kind not in self._made:
            self._made[kind] = make()
        return self._made[kind]

    def used(self) -> None:
        """The things made for the last route are made anew when they are asked for again."""
        self._made.clear()

    def session_of(self, role: Role) -> tuple[str, str]:
        """A session of that role: its id and what its cookie holds."""

        def make() -> tuple[str, str]:
            context = self.world.ledger.context

            def write(connection: Connection) -> tuple[str, str]:
                record = parties.party(connection, self.callers[role].party)
                assert record is not None
                row = StoredPassword(record.identity, record.identity, b"", context.now_s())
                keep_password(context, connection, row, self.password_hash)
                begun = begin_session(context, connection, record, "a browser")
                return begun.session.session_id, begun.token

            return context.store.write(write)

        found: tuple[str, str] = self.once(f"session {role}", make)
        return found

    @property
    def provider(self) -> str:
        """A sign-in provider of the victim's."""
        return str(self.once("provider", lambda: provided(self.world.ledger, self.victim)))

    # -- things ------------------------------------------------------------------------------

    @property
    def sold(self) -> str:
        """An invoice of the victim's, kept by it."""
        return str(self.once("sold", lambda: self.world.issued(self.victim)))

    @property
    def bought(self) -> str:
        """A special invoice that the victim bought and holds."""
        return str(self.once("bought", self._bought))

    @property
    def booked(self) -> str:
        """A bought one that is booked: its red needs a slip."""
        return str(self.once("booked", self._booked))

    @property
    def slip(self) -> str:
        """A booked one with a slip that its seller opened, which the victim may answer."""
        return str(self.once("slip", lambda: self._slip(self.cast.seller)))

    @property
    def own_slip(self) -> str:
        """A booked one with a slip that the victim opened."""
        return str(self.once("own_slip", lambda: self._slip(self.victim)))

    @property
    def held(self) -> str:
        """An invoice that the victim's employee holds."""
        return str(self.once("held", lambda: self.world.issued(self.cast.seller, self.cast.claimant)))

    @property
    def claim(self) -> tuple[str, str]:
        """The employee's claim at the victim, and its invoice."""

        def make() -> tuple[str, str]:
            number = self.held
            return self.world.claimed(self.cast.claimant, self.victim, number), number

        found: tuple[str, str] = self.once("claim", make)
        return found

    @property
    def large_claim(self) -> str:
        """A claim that the victim wants approved, of an invoice of LARGE_FEN."""

        def make() -> str:
            number = self.world.issued(self.cast.seller, self.cast.claimant, net_fen=LARGE_FEN)
            return self.world.claimed(self.cast.claimant, self.victim, number)

        return str(self.once("large claim", make))

    @property
    def kept(self) -> tuple[str, str]:
        """Number and commitment of an invoice of the victim's that waits for pickup."""

        def make() -> tuple[str, str]:
            lines = (OrderLineView("停车费", 600, 10_600),)
            paid = self.world.ledger.collecting.pay(
                self.victim, order_id=self.world.key(), gross_fen=10_600, lines=lines, title=Title("张三"),
                idempotency_key=self.world.key(),
            )  # fmt: skip
            must(paid.written)
            return paid.number, paid.commitment

        found: tuple[str, str] = self.once("kept", make)
        return found

    def person(self, *grants: str) -> int:
        """A person of the victim's, of whom nothing else depends."""
        of = [(self.victim, list(grants))] if grants else []
        return int(self.once("person", lambda: self.world.person("替身", *of).party))

    def order(self) -> str:
        """An order of the victim's till that nobody collected."""
        return str(self.once("order", self._order))

    def draft(self) -> dict[str, object]:
        """A document to issue."""
        return self.world.draft()

    def _bought(self) -> str:
        draft = self.world.draft(self.victim, kind="special")
        return must(self.world.ledger.issue(self.cast.seller, draft, idempotency_key=self.world.key())).numbers[0]

    def _booked(self) -> str:
        number = self._bought()
        must(self.world.ledger.book(self.victim, number, deductible=True, idempotency_key=self.world.key()))
        return number

    def _slip(self, opener: Caller) -> str:
        number = self._booked()
        must(self.world.ledger.red_letters.open_slip(opener, number, reason="return", idempotency_key=self.world.key()))
        return number

    def _order(self) -> str:
        now_s = self.world.ledger.context.now_s()
        order = TillOrder(self.till.till_id, self.world.key(), now_s + 3_600, 10_600, (OrderLine(10_600, item=1),))
        unsigned = order.unsigned()
        return SignedOrder(order, unsigned, sign_with_till(self.till_key, SIGNING_TAG + unsigned)).text


def make_scene(world: World, cast: Cast) -> Scene:
    """The victim's things in a founded ledger, and a credential for every role."""
    ledger, key = world.ledger, world.key
    victim = cast.employer
    must(ledger.allot_segment(world.officer, victim.party, idempotency_key=key()))
    clerk = world.person("开票员", (victim, ["issue"]))
    suspended = world.person("停职员工", (victim, ["issue", "finance", "claim"]))
    auditor, watcher, administrator = world.person("审计"), world.person("见证方"), world.person("管理员")
    ledger.offices.appoint(world.authority, "auditor", auditor.party, idempotency_key=key())
    ledger.offices.appoint(world.authority, "witness", watcher.party, idempotency_key=key())
    office = ledger.offices.appoint(victim, "administrator", administrator.party, idempotency_key=key())
    ledger.approvals.set_policy(
        victim,
        victim.party,
        approval_required=True,
        from_fen=LARGE_FEN,
        approvers=[cast.cashier.party],
        idempotency_key=key(),
    )
    till_key = new_till_key()
    till = ledger.tills.register(
        victim, name="一号", public_key=till_public_key(till_key).hex(), clerk=victim.party,
        items=(TillItem("*餐饮服务*餐费", 600),), idempotency_key=key(),
    )  # fmt: skip
    job = ledger.bulk.upload(victim, sheet(row(1)), idempotency_key=key())
    webhook = world.opened(webhook_private=True).webhooks.register(
        victim, "http://127.0.0.1:9/in", idempotency_key=key()
    )
    must(ledger.issue(victim, world.draft(), external_id="VICTIM-1", idempotency_key=key()))
    scene = Scene(
        world, cast, {}, {}, victim, world.again(administrator), till_key, till, office.office, job.job,
        webhook.webhook_id, _registered(world, cast), "", hash_password("sieben Raben am Fenster 41"),
        _witnessed(world),
    )  # fmt: skip
    scene.archive = _archived(scene)
    world.suspended(suspended.party)
    callers = {
        Role.EMPLOYEE: cast.claimant, Role.CLERK: clerk, Role.FINANCE: cast.cashier, Role.ENTERPRISE: victim,
        Role.ADMINISTRATOR: administrator, Role.OUTSIDER: cast.attacker, Role.SUSPENDED: suspended,
        Role.AUDITOR: auditor, Role.WITNESS: watcher, Role.OFFICER: world.officer, Role.AUTHORITY: world.authority,
        Role.OFFICER_ELSEWHERE: world.officer_of(ELSEWHERE),
    }  # fmt: skip
    scene.callers = callers
    for role, caller in callers.items():
        scene.keys[role] = world.api_keys.get(caller.party) or ledger.new_api_key(caller.party, "test")
    scene.used()
    return scene


def _witnessed(world: World) -> bytes:
    witness = signer("w.example/1")
    world.ledger.witnessing.admit(world.authority, witness.verifier.to_text())
    signed = note(checkpoint(world.ledger), witness)
    world.ledger.witnessing.take(signed)
    return signed


def _registered(world: World, cast: Cast) -> str:
    """An invoice of elsewhere, with its file, that the employee claimed at the victim."""
    item = item_of_fields(
        {"code": "144031809119", "number": "00000007", "gross": "106.00", "issued_on": "2026-10-05"}, "x"
    )
    item = replace(OutsideItem(**{name: getattr(item, name) for name in item.__dataclass_fields__}), original=b"file")
    opened = world.ledger.open_claim(
        cast.claimant, [], employer=cast.employer.party, reference="BX", outside=[item], idempotency_key=world.key()
    )
    must(opened)
    return item.read.number


def _archived(scene: Scene) -> str:
    """A claim that is settled and booked as a whole."""
    claim_id, number = scene.claim
    world, ledger = scene.world, scene.world.ledger
    must(ledger.approve_claim(scene.cast.cashier, claim_id, payment_reference="FK", idempotency_key=world.key()))
    must(ledger.book(scene.victim, number, deductible=True, idempotency_key=world.key()))
    return claim_id
