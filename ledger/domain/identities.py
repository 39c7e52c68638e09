"""Identity texts: who a party is, as text in a certificate and as a hash on the chain.

    enterprise:<tax id>   person:<32 hex>   officer:<32 hex>   calendar:<id>   authority:<id>

Ids of people are random, so a reader of the chain cannot test guessed names (docs/OPERATIONS.md).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from ledger.domain.errors import IdentityError
from verifier.hashing import ZERO_HASH, keccak256
from verifier.words import PartyKind

CERTIFICATE_URN = "urn:einvoice:"
PERSON_ID_SIZE = 16  # bytes of randomness in the id of a person or an officer

_FORMS = {
    PartyKind.ENTERPRISE: ("enterprise", re.compile(r"[0-9A-Z]{15,20}", re.ASCII)),
    PartyKind.PERSON: ("person", re.compile(r"[0-9a-f]{32}", re.ASCII)),
    PartyKind.OFFICER: ("officer", re.compile(r"[0-9a-f]{32}", re.ASCII)),
    PartyKind.CALENDAR: ("calendar", re.compile(r"[0-9a-z][0-9a-z._-]{0,63}", re.ASCII)),
    PartyKind.AUTHORITY: ("authority", re.compile(r"[0-9a-z][0-9a-z._-]{0,63}", re.ASCII)),
}
_KINDS = {word: kind for kind, (word, _) in _FORMS.items()}


@dataclass(frozen=True, slots=True)
class Identity:
    """A party's kind and id. `Identity.parse(str(identity)) == identity`."""

    kind: PartyKind
    id: str

    def __post_init__(self) -> None:
        word, form = _FORMS[self.kind]
        if not form.fullmatch(self.id):
            raise IdentityError(f"not an id of a party of the kind {word}", self.id)

    def __str__(self) -> str:
        return f"{_FORMS[self.kind][0]}:{self.id}"

    @property
    def hash(self) -> bytes:
        """keccak256 of the identity text, 32 bytes: the party's key on the chain."""
        return keccak256(str(self).encode())

    @property
    def urn(self) -> str:
        """The URI a certificate carries in its subject alternative name."""
        return CERTIFICATE_URN + str(self)

    @classmethod
    def parse(cls, text: str) -> Identity:
        """Identity of an identity text.

        Raises: IdentityError for an unknown kind or an id of another form.
        """
        word, colon, ident = text.partition(":")
        kind = _KINDS.get(word)
        if not colon or kind is None:
            raise IdentityError("an identity starts with enterprise:, person:, officer:, calendar: or authority:", text)
        return cls(kind, ident)

    @classmethod
    def parse_urn(cls, urn: str) -> Identity:
        """Identity of a certificate's URI.

        Raises: IdentityError for any other URI.
        """
        if not urn.startswith(CERTIFICATE_URN):
            raise IdentityError(f"the URI of a party starts with {CERTIFICATE_URN}", urn)
        return cls.parse(urn.removeprefix(CERTIFICATE_URN))


def enrolment_order(identity_hash: bytes) -> int:
    """The number of an operation that makes this party: the first 80 bits of its identity hash (docs/OPERATIONS.md)."""
    return int.from_bytes(identity_hash, "big") >> 176


def enterprise_identity(tax_id: str) -> Identity:
    """Identity of an enterprise known by its unified social credit code (or older tax id)."""
    return Identity(PartyKind.ENTERPRISE, tax_id)


def person_identity(person_id: str) -> Identity:
    """Identity of a person, by 32 hex digits."""
    return Identity(PartyKind.PERSON, person_id)


def officer_identity(officer_id: str) -> Identity:
    """Identity of an officer, by 32 hex digits."""
    return Identity(PartyKind.OFFICER, officer_id)


def calendar_identity(calendar_id: str) -> Identity:
    """Identity of the calendar key that opens months."""
    return Identity(PartyKind.CALENDAR, calendar_id)


def authority_identity(authority_id: str) -> Identity:
    """Identity of the tax authority that founded the ledger."""
    return Identity(PartyKind.AUTHORITY, authority_id)


def identity_hash(text: str) -> bytes:
    """keccak256 of an identity text, 32 bytes.

    Raises: IdentityError when the text is no identity.
    """
    return Identity.parse(text).hash


def buyer_identity_hash(tax_id: str) -> bytes:
    """`who` of an issue: the buyer's identity hash, 32 zero bytes for a personal buyer without a tax id."""
    return enterprise_identity(tax_id).hash if tax_id else ZERO_HASH


def new_person_id() -> str:
    """32 random hex digits, for a person or an officer."""
    return secrets.token_hex(PERSON_ID_SIZE)
