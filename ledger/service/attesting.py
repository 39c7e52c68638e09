"""The authority's signed word that an invoice's document was erased: made with the erasure, put into its evidence.

It is signed with the key of the root certificate, which every trust file pins. That key is used for nothing that a
caller words: the statement holds a number and a time. It is sealed with the erasure's reason, in the same row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ledger.domain.numbers import format_number
from ledger.identity import sign_digest
from ledger.projection import Connection, invoices
from ledger.projection.erasures import Erasure as ErasureRecord
from ledger.projection.erasures import erasure
from ledger.projection.ground_privacy import ErasedKind
from ledger.projection.invoices import InvoiceRecord
from ledger.service.certifying import root_certificate
from ledger.service.context import Context
from verifier.canonical import Json
from verifier.erasure import Erasure, erasure_digest
from verifier.signatures import is_signed

SEALED_ERASURE = "erasure"  # kind of the sealed item, as in context.py
SIGNATURE = "signature"  # name in the sealed facts: r and s, 64 bytes in hex
WORD_SIZE = 32


def signature_of(context: Context, connection: Connection, number: str, at_s: int) -> str:
    """r and s of the authority's statement, in hex; "" where the root's key is not kept here."""
    key = context.private_key(connection, root_certificate(connection).address)
    if key is None:
        return ""
    _, r, s = sign_digest(key, _digest(context, int(number), at_s))
    return (r.to_bytes(WORD_SIZE, "big") + s.to_bytes(WORD_SIZE, "big")).hex()


def is_attested(context: Context, connection: Connection, number: str, facts: Mapping[str, Json]) -> bool:
    """Whether the facts of an erasure hold the authority's signature over its number and time."""
    root, signed, at_s = root_certificate(connection), _signed(facts), facts["at"]
    assert isinstance(at_s, int)
    return signed is not None and is_signed(root.key, _digest(context, int(number), at_s), *signed)


def sealed_facts(context: Context, one: ErasureRecord) -> dict[str, Json]:
    """Who erased, when and why, as it was sealed. Raises: NotReady when somebody changed the row."""
    value = json.loads(context.opened(one.sealed_reason, SEALED_ERASURE, f"{one.kind.value} {one.target}"))
    assert isinstance(value, dict)
    return value


def erasure_of(context: Context, connection: Connection, record: InvoiceRecord) -> Erasure | None:
    """The signed erasure of the document that counts now, the invoice's own or its blue's; None where none covers it.

    Raises: NotReady when somebody changed the row it stands in.
    """
    source = invoices.issuing_step(connection, record.number)
    assert source is not None, "a record has one"
    for number in (record.number, *(() if record.blue is None else (record.blue,))):
        found = erasure(connection, ErasedKind.INVOICE, format_number(number))
        signed = None if found is None else _signed(sealed_facts(context, found))
        if found is not None and signed is not None and found.erased_at >= source.time_s:
            return Erasure(number, found.erased_at, *signed)
    return None


def _signed(facts: Mapping[str, Json]) -> tuple[int, int] | None:
    given = facts.get(SIGNATURE)
    if not isinstance(given, str) or not given:
        return None
    packed = bytes.fromhex(given)
    return int.from_bytes(packed[:WORD_SIZE], "big"), int.from_bytes(packed[WORD_SIZE:], "big")


def _digest(context: Context, number: int, at_s: int) -> bytes:
    """In the first contract's domain, which names the ledger for ever."""
    return erasure_digest(context.reader.identity.founding_domain.separator, number, at_s)
