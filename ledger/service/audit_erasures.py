"""Erasures, for an audit: each is as the authority made it, and nothing is empty that was not erased."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.projection import Connection
from ledger.projection.audit_words import Difference
from ledger.projection.erasures import erasures, unlisted_gap
from ledger.service.attesting import SIGNATURE, is_attested, sealed_facts
from ledger.service.context import Context
from ledger.service.errors import NotReady


def check_erasures(context: Context, connection: Connection) -> Iterator[Difference | None]:
    """One item an erasure, and one for documents that are gone without any."""
    for one in erasures(connection):
        key = f"{one.kind.value} {one.target}"
        try:
            facts = sealed_facts(context, one)
        except NotReady:
            yield Difference("erasure", key, "sealed_reason", "bytes that do not open", "what was sealed for this row")
            return
        for column, name in (("actor", "by"), ("erased_at", "at")):
            if facts[name] != getattr(one, column):
                yield Difference("erasure", key, column, str(getattr(one, column)), str(facts[name]))
                return
        if facts.get(SIGNATURE) and not is_attested(context, connection, one.target, facts):
            yield Difference("erasure", key, "sealed_reason", "another signature", "the authority's of this erasure")
            return
        yield None
    gap = unlisted_gap(connection)
    if gap is not None:
        table, key, column = gap
        yield Difference(table, key, column, "nothing", "what was sealed: no erasure names it")
    else:
        yield None
