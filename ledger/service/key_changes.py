"""A party's key after enrolment: another one, or one in the place of a lost one.

On chain both are operations that name an address and a certificate's hash. The new key is made and kept here, or
it is one the party keeps itself and proves to hold.
"""

from __future__ import annotations

from ledger.domain.identities import Identity
from ledger.domain.key_proof import Purpose
from ledger.projection import Connection, keystore
from ledger.service import instructions
from ledger.service.certifying import Certified, certify_new_key, certify_own_key
from ledger.service.context import Context
from ledger.service.drafts import Draft
from ledger.service.forms import checked_party
from ledger.service.key_proofs import OwnKey, checked_address, proven_public_key
from ledger.service.people import need_authority, need_party
from ledger.service.problems import invalid
from ledger.service.views import Caller, Written
from ledger.service.writing import request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import Code


def rotate_key(context: Context, caller: Caller, *, own: OwnKey | None = None, idempotency_key: str) -> Written:
    """Gives the caller a new key; the old one signs the change and is worth nothing afterwards.

    The new key is made and kept here, or, with `own`, one that the caller keeps itself.

    Raises: InvalidRequest for a proof that does not hold, and the errors of a write.
    """
    identity = Identity.parse(caller.identity_text)

    def prepare(connection: Connection) -> Draft:
        record = need_party(connection, caller.party)
        if own is None:
            certified = certify_new_key(context, connection, identity, caller.name)
        else:
            public_key = proven_public_key(context, own, Purpose.REPLACE_KEY, str(identity), "")
            address = checked_address(own.address)
            certified = certify_own_key(context, connection, identity, caller.name, public_key, address)
        return _change(Code.ROTATE_KEY, caller.party, caller.party, record.version, certified)

    request: Json = {} if own is None else {"address": own.address.lower()}
    return written(context, caller, submit(context, caller, idempotency_key, request_hash("rotate", request), prepare))


def recover_key(context: Context, caller: Caller, party: int, *, idempotency_key: str) -> Written:
    """The authority gives a party a new key, made and kept here; it counts after 72 h unless the old key objects."""
    need_authority(caller)  # before a certificate of another's identity is made for a key of ours
    checked_party("party", party)

    def prepare(connection: Connection) -> Draft:
        record = need_party(connection, party)
        known = keystore.party_name(connection, record.identity)
        if known is None:
            raise invalid("party", "party_unknown", party=party)
        identity = Identity.parse(known.identity_text)
        certified = certify_new_key(context, connection, identity, known.display_name or identity.id)
        return _change(Code.RECOVER_KEY, caller.party, party, record.version, certified)

    hashed = request_hash("recover", {"party": party})
    return written(context, caller, submit(context, caller, idempotency_key, hashed, prepare))


def _change(code: Code, actor: int, party: int, version: int, certified: Certified) -> Draft:
    operation = instructions.on_party(
        code,
        actor=actor,
        party=party,
        version=version,
        terms=int.from_bytes(certified.address, "big"),
        ref=certified.certificate_hash,
    )
    return Draft((operation,), kept=certified.rows)
