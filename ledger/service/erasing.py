"""Erasing: what is kept of an invoice or a person beside the chain goes, the history on the chain stays.

The tax authority alone erases, on a request that it has examined: seller, buyer and whoever reimbursed an invoice have
to keep vouchers for years, so none of them may end the others' records (docs/decisions/0016). What was erased stands on
a list, which restoring a backup is held to.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.errors import NumberError
from ledger.domain.numbers import format_number, parse_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, invoices, parties
from ledger.projection.apply import projected_head
from ledger.projection.erasures import (
    ERASURES_MAX,
    Erasure,
    add_erasure,
    erase_invoice,
    erase_person,
    erasure,
    erasures,
    truncate_log,
)
from ledger.projection.ground_privacy import ErasedKind
from ledger.projection.parties import PartyRecord
from ledger.projection.waiting_documents import replace_erasure, waiting_document
from ledger.service.attesting import SEALED_ERASURE, SIGNATURE, erasure_of, is_attested, sealed_facts, signature_of
from ledger.service.audit_log import AuditKind, note
from ledger.service.context import Context
from ledger.service.credentials import end_keys
from ledger.service.errors import ErasureWaits, NotFound, NotReady
from ledger.service.forms import PARTY_MAX, checked_number, checked_party, checked_text
from ledger.service.people import PEOPLE, need_authority
from ledger.service.problems import invalid
from ledger.service.views import Caller
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json, check_depth, dumps
from verifier.errors import EvidenceError

REASON_LENGTH_MAX = 128  # characters
LIST_FORMAT = "einvoice-erasures-1"
LIST_SIZE_MAX = 128 << 20  # bytes of a list of ERASURES_MAX


@dataclass(frozen=True)
class ErasureView:
    """One erasure: an `invoice` by number or a `person` by party id; `by` is 0 when a restore applied it again.

    `attested`: the authority's key signed it, so that evidence can say it; never for a person.
    """

    kind: str
    target: str
    by: int
    reason: str
    at: datetime
    attested: bool


@dataclass(frozen=True)
class ErasedAgain:
    """What a list of erasures did to a restored ledger: how many it names, how many were not erased there."""

    listed: int
    erased: int


class Erasing:
    """Erasing of invoices and people, and the list of it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def invoice(self, caller: Caller, number: str, *, reason: str, idempotency_key: str) -> ErasureView:
        """Erases an invoice's document, its reds, originals and words, and signs that it did.

        A second time nothing changes, but that a signature which is lacking or does not cover it is made.

        Raises: NotPermitted but for the authority; NotFound; ErasureWaits; InvalidRequest at `reason`;
        IdempotencyConflict; Busy.
        """
        key = checked_number(number)

        def erase(connection: Connection) -> None:
            record = invoices.invoice(connection, key)
            if record is None:
                raise NotFound("invoice", number)
            waiting = waiting_document(connection, key, record.seller)
            if waiting is not None:  # its document would land after the erasure, with all the names again
                raise ErasureWaits(format_number(key), waiting.hex())
            erase_invoice(connection, key)

        return self._erased(caller, ErasedKind.INVOICE, format_number(key), reason, idempotency_key, erase)

    def person(self, caller: Caller, party: int, *, reason: str, idempotency_key: str) -> ErasureView:
        """Erases a person's name, titles and words, and ends its API keys; `person N` stays in histories.

        Raises: as `invoice`; InvalidRequest at `party` for one that is no person or officer.
        """
        checked_party("party", party)

        def erase(connection: Connection) -> None:
            record = parties.party(connection, party)
            if record is None:
                raise NotFound("party", str(party))
            if record.kind not in PEOPLE:
                raise invalid("party", "erase_people_only", party=party)
            _erase_person(self._context, connection, record, self._context.now_s())

        return self._erased(caller, ErasedKind.PERSON, str(party), reason, idempotency_key, erase)

    def listed(self, caller: Caller) -> tuple[ErasureView, ...]:
        """Every erasure, oldest first. Raises: NotPermitted but for the authority."""
        need_authority(caller)
        with self._context.reading() as connection:
            return tuple(_view(self._context, connection, one) for one in erasures(connection))

    def list_file(self, caller: Caller) -> bytes:
        """The list as a file for `einvoice restore --erasures`: kinds, targets and times, no reasons.

        Raises: NotPermitted but for the authority.
        """
        need_authority(caller)
        with self._context.reading() as connection:
            listed: list[Json] = [
                {"kind": one.kind.value, "target": one.target, "at": one.erased_at} for one in erasures(connection)
            ]
        return dumps({"format": LIST_FORMAT, "erasures": listed})

    def _erased(
        self,
        caller: Caller,
        kind: ErasedKind,
        target: str,
        reason: str,
        key: str,
        erase: Callable[[Connection], None],
    ) -> ErasureView:
        need_authority(caller)
        text = checked_text("reason", reason, REASON_LENGTH_MAX)
        if not text:
            raise invalid("reason", "count_range", low=1, high=REASON_LENGTH_MAX, given=0)
        hashed = request_hash("erase", {"kind": kind.value, "target": target, "reason": text})
        context = self._context

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                erase(connection)
                new = new_erasure(context, connection, kind, target, caller.party, text, context.now_s())
                if add_erasure(connection, new):
                    note(context, connection, AuditKind.ERASED, actor=caller.party, about=target)
                elif kind is ErasedKind.INVOICE and not _covered(context, connection, int(target)):
                    replace_erasure(connection, new)
                    note(context, connection, AuditKind.ERASED, actor=caller.party, about=target)
                return {}

            remembered(context, connection, caller, key, hashed, take)

        run_write(context, write)
        truncate_log(context.store.engine)
        with context.reading() as connection:
            found = erasure(connection, kind, target)
            assert found is not None
            return _view(context, connection, found)


def apply_list(context: Context, data: bytes) -> ErasedAgain:
    """Erases in this ledger what a list names, for a backup that was made before; what is unknown here is passed over.

    Raises: NotReady for a file that is no such list, or names an erasure of a time to come.
    """
    with context.reading() as connection:
        head = projected_head(connection)
    listed = _read(data, latest_s=max(context.now_s(), 0 if head is None else head.time_s))

    def write(connection: Connection) -> int:
        count = 0
        for kind, target, at in listed:
            if erasure(connection, kind, target) is not None or not _erase_again(context, connection, kind, target, at):
                continue
            reason = "a list of erasures, after a restore"
            add_erasure(connection, new_erasure(context, connection, kind, target, 0, reason, at))
            note(context, connection, AuditKind.ERASED, actor=None, about=target, detail={"after": "restore"})
            count += 1
        return count

    count = run_write(context, write)
    truncate_log(context.store.engine)
    return ErasedAgain(len(listed), count)


def _erase_again(context: Context, connection: Connection, kind: ErasedKind, target: str, at: int) -> bool:
    if kind is ErasedKind.INVOICE:
        known = invoices.invoice(connection, int(target)) is not None
        if known:
            erase_invoice(connection, int(target))
        return known
    record = parties.party(connection, int(target))
    if record is None or record.kind not in PEOPLE:
        return False
    _erase_person(context, connection, record, at)
    return True


def _erase_person(context: Context, connection: Connection, record: PartyRecord, at: int) -> None:
    end_keys(context, connection, record.identity)
    erase_person(connection, record.id, record.identity, at)


def _read(data: bytes, *, latest_s: int) -> tuple[tuple[ErasedKind, str, int], ...]:
    """Kind, target and time of each item, none after `latest_s`: the authority signs the time. Raises: NotReady."""
    try:
        listed = tuple(_item(one) for one in _items(data))
    except (ValueError, KeyError, TypeError, AttributeError, NumberError, EvidenceError) as err:
        raise NotReady(
            "the list of erasures cannot be read: give a file that `einvoice erasures` wrote",
            "无法读取删除清单，请使用 einvoice erasures 导出的文件",
        ) from err
    for position, (kind, target, at) in enumerate(listed, 1):
        if at > latest_s:
            raise NotReady(
                f"entry {position} of the list of erasures, {kind.value} {target}: `at` is {at}, later than now, "
                f"{latest_s}; correct the list or this machine's clock",
                f"删除清单第 {position} 项（{kind.value} {target}）的 at 为 {at}，晚于当前时间 {latest_s}，"
                "请更正清单或本机时钟",
            )
    return listed


def _items(data: bytes) -> list[dict[str, object]]:
    if len(data) > LIST_SIZE_MAX:
        raise ValueError("too long")
    text = data.decode()
    check_depth(text)
    value = json.loads(text)
    listed: list[dict[str, object]] = value["erasures"]
    if value["format"] != LIST_FORMAT or len(listed) > ERASURES_MAX:
        raise ValueError("another format")
    return listed


def _item(one: dict[str, object]) -> tuple[ErasedKind, str, int]:
    kind, target, at = ErasedKind(str(one["kind"])), str(one["target"]), one["at"]
    if not isinstance(at, int) or not 0 <= at < 1 << 53:
        raise ValueError("no time")
    if kind is ErasedKind.INVOICE:
        return kind, format_number(int(parse_number(target))), at
    if not 1 <= int(target) <= PARTY_MAX:
        raise ValueError("no party")
    return kind, str(int(target)), at


def new_erasure(
    context: Context, connection: Connection, kind: ErasedKind, target: str, actor: int, reason: str, at: int
) -> Erasure:
    """An erasure for the list, its facts sealed and bound to what was erased; of an invoice with the authority's word.

    Its time is `at`, or the last block's where that one's clock is ahead: it is never before what it erases.
    """
    head = projected_head(connection)
    at = at if head is None else max(at, head.time_s)
    facts: dict[str, Json] = {"reason": reason, "by": actor, "at": at}
    if kind is ErasedKind.INVOICE:
        facts[SIGNATURE] = signature_of(context, connection, target, at)
    sealed = context.seal(dumps(facts), SEALED_ERASURE, f"{kind.value} {target}")
    return Erasure(kind, target, actor, sealed, at)


def _covered(context: Context, connection: Connection, number: int) -> bool:
    """Whether an invoice's erasure is signed and not older than its document."""
    record = invoices.invoice(connection, number)
    return record is not None and erasure_of(context, connection, record) is not None


def _view(context: Context, connection: Connection, one: Erasure) -> ErasureView:
    facts = sealed_facts(context, one)
    attested = one.kind is ErasedKind.INVOICE and is_attested(context, connection, one.target, facts)
    return ErasureView(one.kind.value, one.target, one.actor, str(facts["reason"]), utc_time(one.erased_at), attested)
