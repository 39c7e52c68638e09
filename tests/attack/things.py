"""Things of the victim that routes are asked for: each is made when it is wanted, and kept by the scene."""

from __future__ import annotations

from ledger.domain.key_proof import Purpose
from ledger.identity import new_till_key, till_public_key
from ledger.service.deductions import WantedSelection
from ledger.service.key_proofs import OwnKey
from tests.attack.scene import Scene
from tests.service.own_keys import Wallet, drafted, keeping_its_own
from tests.service.test_bulk import row, sheet
from tests.service.world import SERIALS, must, refused, tax_id


def digest(scene: Scene) -> str:
    return must(scene.world.ledger.issue(scene.victim, scene.draft(), idempotency_key=scene.world.key())).digest


def cursor(scene: Scene) -> str:
    """The feed's end, before the invoice that the telltale is."""
    events, after = scene.world.ledger.events, None
    while True:
        page = events.page(scene.world.officer, after=after, limit=50)
        after = page.next_cursor
        if not page.more:
            return str(after)


def flagged(scene: Scene) -> str:
    number = scene.sold
    scene.once("flag", lambda: must(scene.world.flagged(number)))
    return number


def excepted(scene: Scene) -> str:
    """An invoice that the victim paid and that was flagged afterwards: an exception is told to it."""

    def make() -> str:
        claim_id, number = scene.claim
        key = scene.world.key
        must(
            scene.world.ledger.approve_claim(scene.cast.cashier, claim_id, payment_reference="F", idempotency_key=key())
        )
        must(scene.world.flagged(number))
        return number

    return str(scene.once("excepted", make))


def claimed_again(scene: Scene) -> str:
    """An invoice that stands in a claim at the victim and was claimed a second time, which the contract refused."""

    def make() -> str:
        _, number = scene.claim
        again = scene.world.ledger.open_claim(
            scene.cast.claimant,
            [number],
            employer=scene.victim.party,
            reference="BX",
            idempotency_key=scene.world.key(),
        )
        refused(again, "locked")
        return number

    return str(scene.once("claimed again", make))


def invitation(scene: Scene) -> str:
    """An invitation of one of the victim's people, which too short a password leaves as it is."""

    def make() -> str:
        (made,) = scene.world.ledger.invitations.invite(scene.victim, [scene.person("claim")])
        return made.token

    return str(scene.once("invitation", make))


def challenge(scene: Scene) -> str:
    return str(
        scene.once("challenge", lambda: scene.world.ledger.challenges.ask(scene.victim.party, None).challenge_id)
    )


def draft(scene: Scene) -> str:
    """What one of the victim's people, who keeps its key itself, has yet to sign."""

    def make() -> str:
        world = scene.world
        keeper, _ = keeping_its_own(world, world.ledger.caller(scene.person("claim")))
        number, to = world.issued(scene.cast.seller, keeper), scene.victim.party
        return drafted(lambda: world.ledger.transfer(keeper, number, to, idempotency_key=world.key()))

    return str(scene.once("draft", make))


def said(scene: Scene) -> str:
    return f"person@{scene.world.tax_ids[scene.victim.party]}"


def _own_key(scene: Scene) -> OwnKey:
    return Wallet().proof(scene.world.ledger, Purpose.ENROL, said(scene), "新人")


def asking(scene: Scene) -> dict[str, object]:
    own = _own_key(scene)
    return {
        "kind": "person", "name": "新人", "tax_id": scene.world.tax_ids[scene.victim.party],
        "own": {"address": own.address, "time": own.time, "signature": own.signature},
    }  # fmt: skip


def enrolment(scene: Scene) -> tuple[str, str]:
    """A person's request to be enrolled at the victim: its id and its token."""

    def make() -> tuple[str, str]:
        tax_id = scene.world.tax_ids[scene.victim.party]
        asked = scene.world.ledger.enrolment.ask(kind="person", name="新人", tax_id=tax_id, own=_own_key(scene))
        return asked.request_id, asked.token

    found: tuple[str, str] = scene.once("enrolment", make)
    return found


def register_file() -> bytes:
    """A register of one enterprise that nobody enrolled."""
    return f"name,tax id,class\n登记公司,{tax_id(next(SERIALS))},A\n".encode()


def register(scene: Scene) -> str:
    """A register of the officer's."""

    def make() -> str:
        world = scene.world
        return world.ledger.register_file.upload(
            world.officer, register_file(), quotas={"A": 1_000}, idempotency_key=world.key()
        ).job

    return str(scene.once("register", make))


def api_key(scene: Scene) -> str:
    """Public part of a key of the victim's."""

    def make() -> str:
        return scene.world.ledger.new_api_key(scene.victim.party, "spare").split("_")[1]

    return str(scene.once("api key", make))


def proposal(scene: Scene) -> str:
    """A suspension that a third officer proposed."""

    def make() -> str:
        proposer = scene.world.ledger.caller(officer(scene))
        return scene.world.ledger.proposals.suspension(
            proposer, scene.person(), reason="x", idempotency_key=scene.world.key()
        ).proposal_id

    return str(scene.once("proposal", make))


def first_number(scene: Scene) -> str:
    return scene.world.ledger.party(scene.victim, scene.victim.party).segments[0][0]


def uploaded(scene: Scene) -> str:
    def make() -> str:
        return scene.world.ledger.bulk.upload(scene.victim, sheet(row(1)), idempotency_key=scene.world.key()).job

    return str(scene.once("job", make))


def selected(scene: Scene) -> str:
    number = scene.bought
    must(
        scene.world.ledger.deductions.select(
            scene.victim, scene.world.month, [WantedSelection(number)], idempotency_key=scene.world.key()
        )
    )
    return number


def suspended(scene: Scene) -> int:
    party = scene.person()
    scene.once("suspension", lambda: must(scene.world.suspended(party)))
    return party


def month(scene: Scene) -> str:
    scene_count = int(scene.world.key().removeprefix("key-"))
    return f"20{50 + scene_count // 12 % 40}-{scene_count % 12 + 1:02d}"


def officer(scene: Scene) -> int:
    def make() -> int:
        written, _ = scene.world.ledger.appoint_officer(
            scene.world.authority, name="替身税官", idempotency_key=scene.world.key()
        )
        return must(written).party or 0

    return int(scene.once("officer", make))


def office(scene: Scene) -> int:
    """An administrator's office of the victim's giving."""

    def make() -> int:
        return scene.world.ledger.offices.appoint(
            scene.victim, "administrator", scene.person(), idempotency_key=scene.world.key()
        ).office

    return int(scene.once("office", make))


def till(scene: Scene) -> str:
    def make() -> str:
        return scene.world.ledger.tills.register(
            scene.victim, name="三号", public_key=till_public_key(new_till_key()).hex(), clerk=scene.victim.party,
            idempotency_key=scene.world.key(),
        ).till_id  # fmt: skip

    return str(scene.once("till", make))


def report_hash(scene: Scene) -> str:
    filings = scene.world.ledger.filing.filings(scene.victim, scene.world.month)
    return filings[-1].report_hash
