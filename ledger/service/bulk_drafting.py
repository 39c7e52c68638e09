"""Sheets whose signer keeps its key itself: their groups are kept as drafts, and signed one by one where the key is.

A draft holds the rows it would sign until it is accepted or ends; then they are signed or ready, in the same
transaction (ledger/projection/bulk_drafts.py). So no row is in two groups, and none is lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from ledger.domain.numbers import format_number
from ledger.projection import Connection, bulk_drafts, number_pool, signing_drafts
from ledger.projection.bulk_drafts import DRAFTS_OF_SHEETS_MAX
from ledger.service.bulk_views import SheetDraftView
from ledger.service.context import Context
from ledger.service.drafts import DRAFT_CONTENT_SIZE_MAX, Asked, Draft, SheetGroup, draft_bytes, keep_draft
from ledger.service.views import Caller
from ledger.service.writing import kept_hash, request_hash

TOKEN_SIZE = 16  # bytes that tell the drafts of a sheet apart


def may_draft(context: Context, connection: Connection, actor: int) -> bool:
    """Whether a sheet may have one more draft wait for a party's signature."""
    signing_drafts.expire(connection, context.now_s(), actor=actor)
    return signing_drafts.count_of(connection, actor) < DRAFTS_OF_SHEETS_MAX


def fitted(draft: Draft, size_max: int = DRAFT_CONTENT_SIZE_MAX) -> Draft:
    """The first rows of a sheet's group, as many as fit into one draft: all of them, or a half, a quarter."""
    while len(draft.operations) > 1 and len(draft_bytes(draft)) > size_max:
        count = len(draft.operations) // 2
        operations = draft.operations[:count]
        numbers = {format_number(one.number) for one in operations}
        ids = tuple(one for one in draft.external_ids if one.target in numbers)
        draft = replace(draft, operations=operations, documents=draft.documents[:count], external_ids=ids)
    return draft


def keep_rows(
    context: Context, connection: Connection, caller: Caller, job_id: str, draft: Draft, positions: Sequence[int],
    numbers: Sequence[int],
) -> None:  # fmt: skip
    """Keeps a group's draft and marks its rows; numbers of rows that did not fit come back.

    Raises: DraftsFull; InvalidRequest for a single row that is too large.
    """
    count = len(draft.operations)
    token = secrets.token_hex(TOKEN_SIZE)
    hashed = kept_hash(context, request_hash("bulk draft", {"job": job_id, "token": token}))
    asked = Asked(f"sheet {job_id} {token}", hashed)
    kept = keep_draft(context, connection, caller, asked, replace(draft, kept=(SheetGroup(job_id, count),)))
    bulk_drafts.draft_rows(connection, job_id, dict(zip(positions[:count], numbers[:count], strict=True)), kept.digest)
    number_pool.give_back(connection, draft.operations[0].subject, numbers[count:])


def take_over(context: Context, connection: Connection, job_id: str, signer: int) -> None:
    """Whoever asks for signing signs what is left: drafts that `signer` cannot sign are withdrawn.

    Raises: NoSigningKey for a party without any key.
    """
    keeps_its_own = context.kept_key(connection, signer) is None
    now_s = context.now_s()
    for one in bulk_drafts.drafts_of_sheet(connection, job_id):
        if one.actor != signer or not keeps_its_own or one.valid_until < now_s:
            bulk_drafts.withdraw(connection, one)
    bulk_drafts.reopen_lost(connection, job_id)


def withdraw_all(connection: Connection, job_id: str) -> None:
    """Withdraws whatever of a sheet waits for a signature."""
    for one in bulk_drafts.drafts_of_sheet(connection, job_id):
        bulk_drafts.withdraw(connection, one)


def waiting_drafts(context: Context, connection: Connection, job_id: str) -> tuple[SheetDraftView, ...]:
    """What of a sheet waits for a signature and may still be signed."""
    now_s = context.now_s()
    found = bulk_drafts.drafts_of_sheet(connection, job_id)
    return tuple(SheetDraftView.of(one) for one in found if one.valid_until >= now_s)
