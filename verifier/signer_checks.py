"""Steps `certificates`, `revocations` and `signatures`: who signed, as the authority says it, and that they did."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from verifier.certificates import AUTHORITY, CHAIN_DEPTH_MAX, chain_of, kind_of, read_certificate
from verifier.errors import CheckError
from verifier.examination import Examination
from verifier.hashing import ZERO_HASH, keccak256
from verifier.operations import GROUP_LIFETIME_MAX_S, GROUP_OPERATIONS_MAX, domain_separator, group_digest
from verifier.reasons import Reason
from verifier.report import Compared
from verifier.shape import utc_text
from verifier.signatures import is_canonical, is_signed
from verifier.words import AUTHORITY_PARTY, revocation_reason, revocation_time_s


def check_certificates(run: Examination) -> Compared:
    """Each signer's certificate chains to the root, is for signing, was valid then, and is that party's."""
    bundle, root = run.bundle, run.trust.root
    if any(one >= two for one, two in pairwise(bundle.certificates)):
        raise CheckError(Reason.CERTIFICATE_UNUSED, "certificates are not in ascending order")
    certificates = tuple(read_certificate(der) for der in bundle.certificates)
    # Only real ones are tried for each signer: a hundred of one name would cost a signature check each time.
    authorities = tuple(one for one in certificates if one.is_authority and one.is_issued_by(root))
    used = sorted({event.certificate for event in bundle.history})
    chains = {at: chain_of(certificates[at], authorities, root) for at in used}
    needed = {one.der for chain in chains.values() for one in chain if one.der != root.der or one is chain[0]}
    surplus = set(bundle.certificates) - needed
    if surplus:
        raise CheckError(Reason.CERTIFICATE_UNUSED, f"{len(surplus)} certificates")
    hashes = run.identity_hashes()
    for at, event in enumerate(bundle.history):
        signer = certificates[event.certificate]
        place = f"history.{at}: {signer.identity}"
        if not all(one.is_valid_at(event.time_s) for one in chains[event.certificate]):
            raise CheckError(Reason.CERTIFICATE_EXPIRED, f"{place} at {utc_text(event.time_s)}")
        if not _is_of(signer.identity, event.actor, hashes):
            raise CheckError(Reason.CERTIFICATE_OF_ANOTHER, f"{place}, actor {event.actor}")
    run.certificates, run.chains = certificates, chains
    names = {f"certificate_{at}": certificates[at].identity for at in used}
    return {"root": root.address.hex(), "chain_depth_max": CHAIN_DEPTH_MAX, **names}


def _is_of(identity: str, party: int, hashes: Mapping[int, bytes]) -> bool:
    """Whether that identity is the party's. The contract keeps none of the authority, only its number."""
    if party == AUTHORITY_PARTY:
        return kind_of(identity) == AUTHORITY and hashes.get(party) == ZERO_HASH
    return bool(identity) and keccak256(identity.encode()) == hashes.get(party)


def check_revocations(run: Examination) -> Compared:
    """The contract knows each signer's certificate; no operation was made after it, or its issuer's, was revoked."""
    bundle = run.bundle
    places = {certificate.der: at for at, certificate in enumerate(run.certificates)}
    for at, event in enumerate(bundle.history):
        signer = run.certificates[event.certificate]
        if not run.revoked[event.certificate] and signer.der != run.trust.authority_root:
            raise CheckError(Reason.CERTIFICATE_UNREGISTERED, f"history.{at}: {signer.identity}")
        for certificate in run.chains[event.certificate]:
            revoked_s = revocation_time_s(run.revoked[places[certificate.der]]) if certificate.der in places else 0
            if revoked_s and event.time_s >= revoked_s:
                when = utc_text(revoked_s)
                raise CheckError(Reason.CERTIFICATE_REVOKED, f"history.{at}: {certificate.identity or 'issuer'} {when}")
    named = {
        f"revoked_{at}": f"{run.certificates[at].identity or 'issuer'} at {utc_text(revocation_time_s(word))}, "
        f"reason {revocation_reason(word)}"
        for at, word in enumerate(run.revoked)
        if revocation_time_s(word)
    }
    return {"certificates": len(run.certificates), "revoked": len(named), **named}


def check_signatures(run: Examination) -> Compared:
    """Each operation's group digest is signed with the certificate's key, in one form, within its time."""
    bundle = run.bundle
    separators = [domain_separator(bundle.chain_id, contract) for contract in bundle.contracts]
    compared: dict[str, str | int] = {}
    for at, event in enumerate(bundle.history):
        place = f"history.{at}"
        hashes = event.group_hashes()
        if len(hashes) > GROUP_OPERATIONS_MAX:
            raise CheckError(Reason.SIGNATURE_INVALID, f"{place}: {len(hashes)} operations in a group")
        digest = group_digest(separators[event.contract], event.actor, event.valid_until, hashes)
        signer = run.certificates[event.certificate]
        if not is_canonical(event.r, event.s):
            raise CheckError(Reason.SIGNATURE_NOT_CANONICAL, place)
        if not is_signed(signer.key, digest, event.r, event.s):
            raise CheckError(Reason.SIGNATURE_INVALID, f"{place}: {signer.identity}")
        if not event.time_s <= event.valid_until <= event.time_s + GROUP_LIFETIME_MAX_S:
            raise CheckError(Reason.GROUP_EXPIRED, f"{place}: until {utc_text(event.valid_until)}")
        compared[f"digest_{at}"] = digest.hex()
    return compared
