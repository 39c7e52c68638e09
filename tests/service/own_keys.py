"""A wallet for tests: eth-account, a program of others, signs the typed data that the ledger gives."""

from __future__ import annotations

from typing import Any

from eth_account import Account

from ledger.domain.key_proof import KeyProof, Purpose
from ledger.service import Caller, Ledger, SignatureNeeded
from ledger.service.key_proofs import OwnKey
from tests.service.world import World, must


class Wallet:
    """A key outside of the ledger."""

    def __init__(self) -> None:
        self.account: Any = Account.create()

    @property
    def address(self) -> str:
        return str(self.account.address)

    def sign(self, typed_data: dict[str, Any]) -> str:
        """r, s, v of any typed data, 0x and 130 hex digits."""
        return "0x" + bytes(Account.sign_typed_data(self.account.key, full_message=typed_data).signature).hex()

    def proof(self, ledger: Ledger, purpose: Purpose, identity: str, name: str, time: int | None = None) -> OwnKey:
        """Proof of possession for this ledger."""
        now_s = ledger.context.now_s() if time is None else time
        proof = KeyProof(purpose, identity, name, bytes.fromhex(self.address[2:]), now_s)
        return OwnKey(self.address, now_s, self.sign(proof.typed_data(ledger.context.domain)))


def keeping_its_own(world: World, party: Caller) -> tuple[Caller, Wallet]:
    """The party with a key of its own from now on."""
    wallet = Wallet()
    own = wallet.proof(world.ledger, Purpose.REPLACE_KEY, f"party:{party.party}", "")
    must(world.ledger.rotate_key(party, own=own, idempotency_key=world.key()))
    return world.ledger.caller(party.party), wallet


def drafted(write: Any) -> str:
    """Digest of the draft that a write of a party with its own key becomes."""
    try:
        answer = write()
    except SignatureNeeded as needed:
        return needed.digest
    raise AssertionError(f"not asked to sign: {answer}")
