"""A party's key after enrolment: another one, one in the place of a lost one, the same under a new certificate.

On chain all are operations that name an address and a certificate's hash. The new key is made and kept here, or
it is one the party keeps itself and proves to hold.
"""

from __future__ import annotations

from ledger.domain.identities import Identity
from ledger.domain.key_proof import Purpose
from ledger.identity import Scope
from ledger.identity.certificates import read_certificate
from ledger.projection import Connection, keystore
from ledger.service import instructions
from ledger.service.certifying import Certified, certify_new_key, certify_own_key
from ledger.service.context import Context
from ledger.service.drafts import Draft
from ledger.service.forms import checked_party
from ledger.service.key_proofs import OwnKey, checked_address, proven_public_key
from ledger.service.people import need_authority, need_party, need_scope
from ledger.service.problems import invalid
from ledger.service.views import Caller, Written
from ledger.service.writing import request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import Code
from verifier.words import AUTHORITY_PARTY


def rotate_key(context: Context, caller: Caller, *, own: OwnKey | None = None, idempotency_key: str) -> Written:
    """Gives the caller a new key; the old one signs the change and is worth nothing afterwards.

    The new key is made and kept here, or, with `own`, one that the caller keeps itself.

    Raises: ScopeMissing with a narrow credential, as an own key answers challenges for every scope; InvalidRequest for
    a proof that does not hold, and the errors of a write.
    """
    need_scope(caller, Scope.ALL)
    identity = Identity.parse(caller.identity_text)

    def prepare(connection: Connection) -> Draft:
        record = need_party(connection, caller.party)
        if own is None:
            certified = certify_new_key(context, connection, identity, caller.name)
        else:
            public_key = proven_public_key(context, own, Purpose.REPLACE_KEY, f"party:{caller.party}", "")
            address = checked_address(own.address)
            certified = certify_own_key(context, connection, identity, caller.name, public_key, address)
        return _change(Code.ROTATE_KEY, caller.party, caller.party, record.version, certified)

    request: Json = {} if own is None else {"address": own.address.lower()}
    return written(context, caller, submit(context, caller, idempotency_key, request_hash("rotate", request), prepare))


def renew_certificate(context: Context, caller: Caller, *, idempotency_key: str) -> Written:
    """A new certificate for the key the caller has, kept here or by itself, before the one it has ends.

    On chain it is a rotation to the same address: from its block on the new certificate counts, the old one for what
    was signed before. Like every rotation it cancels a recovery in progress.

    Raises: InvalidRequest for the authority signing with its root's key, whose certificate is the trust file's; and
    the errors of a write.
    """
    identity = Identity.parse(caller.identity_text)

    def prepare(connection: Connection) -> Draft:
        record = need_party(connection, caller.party)
        stored = keystore.certificate(connection, record.certificate_hash)
        if stored is None:
            code = "certificate_root" if record.id == AUTHORITY_PARTY else "certificate_unknown"
            raise invalid("certificate_hash", code, party=record.id)
        public_key = read_certificate(stored.der).public_key
        certified = certify_own_key(context, connection, identity, caller.name, public_key, record.signer)
        return _change(Code.ROTATE_KEY, caller.party, caller.party, record.version, certified)

    return written(context, caller, submit(context, caller, idempotency_key, request_hash("renew", {}), prepare))


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
