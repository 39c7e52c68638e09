"""Issuing: a draft becomes a numbered, committed, signed invoice; one or a list in one signed group."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import date

from ledger.domain.document import parse_issuable
from ledger.domain.errors import DocumentError, FieldProblem, NumberError
from ledger.domain.invoice import InvoiceDocument, InvoiceKind
from ledger.domain.months import cst_date, month_of
from ledger.domain.numbers import format_number, parse_number
from ledger.domain.times import utc_time
from ledger.projection import Connection, NewDocument, keystore, number_pool, parties
from ledger.service import instructions
from ledger.service.context import SEALED_DOCUMENT, SEALED_SEED, Context
from ledger.service.errors import InvalidRequest
from ledger.service.external_ids import INVOICE_ID, checked_id, checked_ids, new_id
from ledger.service.forms import checked_party
from ledger.service.people import need_party, subject_for
from ledger.service.problems import invalid, service_problem
from ledger.service.views import Caller, IssueListWritten, IssueRow, NumbersReserved, WriteStatus, Written
from ledger.service.writing import Draft, remembered, request_hash, run_write, submit, written
from verifier.canonical import Json
from verifier.operations import GROUP_OPERATIONS_MAX, Operation
from verifier.words import NUMBER_SPACE_FIRST, Grant, PartyKind

SEED_SIZE = 32
ISSUE_LIST_MAX = GROUP_OPERATIONS_MAX  # one signature covers a list
FirstHolder = int | str | None


@dataclass(frozen=True)
class Seller:
    """Who issues: party id, tax id and registered name."""

    party: int
    tax_id: str
    name: str


def issue(
    context: Context, caller: Caller, document: object, *, subject: int | None, first_holder: FirstHolder,
    number: str | None, idempotency_key: str, external_id: str | None = None,
) -> Written:  # fmt: skip
    """Issues one invoice; `number` is one the seller reserved, None takes the next free one.

    `external_id` is the seller's own id of the invoice: with it the same is never issued twice.

    Raises: InvalidRequest naming each field of the document, and the errors of a write.
    """
    seller = seller_of(context, caller, subject)
    draft = read_draft(document, seller)
    wanted = _own_number(number)
    _check_range(first_holder)
    own_id = checked_id(external_id)
    request: dict[str, Json] = {
        "document": draft.to_json(), "seller": seller.party, "first_holder": first_holder, "number": number,
    }  # fmt: skip
    if own_id is not None:
        request["external_id"] = own_id

    def prepare(connection: Connection) -> Draft:
        own_ids = new_id(connection, caller, seller.party, INVOICE_ID, own_id)
        check_first_holder(connection, draft, first_holder)
        taken = wanted
        if taken is None:
            taken = next_numbers(context, connection, caller, seller, 1)[0]
        elif taken not in number_pool.reserved(connection, seller.party, context.now_s()):
            raise invalid("number", "number_not_reserved", number=number)
        made = numbered(context, [draft], [taken], seller, first_holder)
        return replace(made, external_ids=tuple(one.named(format_number(taken)) for one in own_ids))

    submitted = submit(context, caller, idempotency_key, request_hash("issue", request), prepare)
    return written(context, caller, submitted)


def issue_list(
    context: Context, caller: Caller, documents: list[object], *, subject: int | None, first_holder: FirstHolder,
    idempotency_key: str, external_ids: list[str | None] | None = None,
) -> IssueListWritten:  # fmt: skip
    """Issues the valid rows of a list as one group and says for every row what became of it.

    `external_ids` holds the seller's own id of each document, or None.

    Raises: InvalidRequest for an empty or too long list, and the errors of a write.
    """
    if not 1 <= len(documents) <= ISSUE_LIST_MAX:
        raise invalid("documents", "count_range", low=1, high=ISSUE_LIST_MAX, given=len(documents))
    _check_range(first_holder)
    own_ids = checked_ids(external_ids, len(documents))
    seller = seller_of(context, caller, subject)
    rows: list[InvoiceDocument | tuple[FieldProblem, ...]] = []
    for document in documents:
        try:
            rows.append(read_draft(document, seller))
        except InvalidRequest as err:
            rows.append(err.problems)
    drafts = [row for row in rows if isinstance(row, InvoiceDocument)]
    if not drafts:
        return IssueListWritten(None, tuple(_row(index, row, None, None) for index, row in enumerate(rows)))
    positions = [index for index, row in enumerate(rows) if isinstance(row, InvoiceDocument)]
    request: dict[str, Json] = {
        "documents": [draft.to_json() for draft in drafts],
        "positions": [*positions],
        "seller": seller.party,
        "first_holder": first_holder,
    }
    if any(own_ids):
        request["external_ids"] = [own_ids[index] for index in positions]

    def prepare(connection: Connection) -> Draft:
        for draft in drafts:
            check_first_holder(connection, draft, first_holder)
        kept = [
            new_id(connection, caller, seller.party, INVOICE_ID, own_ids[index], path=f"external_ids.{index}")
            for index in positions
        ]
        numbers = next_numbers(context, connection, caller, seller, len(drafts))
        made = numbered(context, drafts, numbers, seller, first_holder)
        named = zip(kept, numbers, strict=True)
        return replace(made, external_ids=tuple(one.named(format_number(n)) for ids, n in named for one in ids))

    submitted = submit(context, caller, idempotency_key, request_hash("issue list", request), prepare)
    answer = written(context, caller, submitted)
    issued = iter((format_number(op.number), op.ref.hex()) for op in submitted.group.operations)
    return IssueListWritten(
        answer,
        tuple(
            _row(index, row, answer, next(issued) if isinstance(row, InvoiceDocument) else None)
            for index, row in enumerate(rows)
        ),
    )


def reserve_numbers(
    context: Context, caller: Caller, count: int, *, subject: int | None, idempotency_key: str
) -> NumbersReserved:
    """Holds the seller's next `count` free numbers, for tills that issue off line.

    Raises: InvalidRequest outside 1..RESERVE_MAX, NumbersExhausted.
    """
    if not 1 <= count <= number_pool.RESERVE_MAX:
        raise invalid("count", "count_range", low=1, high=number_pool.RESERVE_MAX, given=count)
    seller = seller_of(context, caller, subject)
    if caller.party != seller.party and not caller.grants.get(seller.party, 0) & Grant.ISSUE:
        raise invalid("subject", "party_unknown", party=seller.party)
    hashed = request_hash("reserve", {"count": count, "seller": seller.party})

    def write(connection: Connection) -> dict[str, Json]:
        def take() -> dict[str, Json]:
            now_s = context.now_s()
            expires_at = now_s + context.settings.reservation_lifetime_s
            numbers = number_pool.reserve(connection, seller.party, count, expires_at=expires_at, now_s=now_s)
            return {"numbers": [format_number(number) for number in numbers], "expires_at": expires_at}

        return remembered(context, connection, caller, idempotency_key, hashed, take)

    response = run_write(context, write)
    numbers, expires_at = response["numbers"], response["expires_at"]
    assert isinstance(numbers, list)
    assert isinstance(expires_at, int)
    return NumbersReserved(tuple(map(str, numbers)), utc_time(expires_at))


def read_draft(document: object, seller: Seller) -> InvoiceDocument:
    """A draft that this seller may issue; the seller's name and tax id are filled in when left out.

    Raises: InvalidRequest naming each field.
    """
    if isinstance(document, dict):
        given = document.get("seller")
        if given is None:
            given = {}
        if isinstance(given, dict):
            document = {**document, "seller": {"name": seller.name, "tax_id": seller.tax_id, **given}}
    try:
        draft = parse_issuable(document)
    except DocumentError as err:
        raise InvalidRequest(tuple(err.problems)) from err
    if draft.seller.tax_id != seller.tax_id:
        raise invalid("seller.tax_id", "seller_differs", given=draft.seller.tax_id, expected=seller.tax_id)
    if not draft.is_draft:
        raise InvalidRequest((service_problem("number", "number_in_use", number=draft.number),))
    return draft


def seller_of(context: Context, caller: Caller, subject: int | None) -> Seller:
    """The enterprise a caller issues for. Raises: InvalidRequest at `subject`, NotPermitted."""
    party = subject_for(caller, subject, Grant.ISSUE)
    with context.reading() as connection:
        return seller_at(connection, party)


def seller_at(connection: Connection, party: int) -> Seller:
    """The enterprise with that party id, as a seller. Raises: InvalidRequest at `subject`."""
    record = need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
    known = keystore.party_name(connection, record.identity)
    if known is None or known.tax_id is None:
        raise invalid("subject", "party_unknown", party=party)
    return Seller(party, known.tax_id, known.display_name or known.tax_id)


def _own_number(number: str | None) -> int | None:
    if number is None:
        return None
    try:
        return parse_number(number)
    except NumberError as err:
        raise invalid("number", "number_not_reserved", number=number[:40]) from err


def next_numbers(
    context: Context, connection: Connection, caller: Caller, seller: Seller, count: int
) -> tuple[int, ...]:
    """The seller's next free numbers, to be used in this transaction. Raises: NumbersExhaustedError."""
    if caller.party != seller.party and not parties.grant_bits(connection, seller.party, caller.party) & Grant.ISSUE:
        # The contract will refuse it. A stranger neither empties a neighbour's pool nor learns how much was issued.
        return tuple(range(NUMBER_SPACE_FIRST, NUMBER_SPACE_FIRST + count))
    now_s = context.now_s()
    # held only until this transaction marks them used
    return number_pool.reserve(connection, seller.party, count, expires_at=now_s + 60, now_s=now_s)


def _check_range(first_holder: FirstHolder) -> None:
    if isinstance(first_holder, int):
        checked_party("first_holder", first_holder)


def check_first_holder(connection: Connection, draft: InvoiceDocument, first_holder: FirstHolder) -> None:
    """Raises: InvalidRequest at `first_holder` when it is no person, or the buyer is one that is not named."""
    if isinstance(first_holder, int):
        need_party(connection, first_holder, path="first_holder", kind=PartyKind.PERSON)
    elif first_holder == "buyer" and not draft.buyer.tax_id:
        raise invalid("first_holder", "first_holder_personal")


def numbered(
    context: Context, drafts: list[InvoiceDocument], numbers: tuple[int, ...] | list[int], seller: Seller,
    first_holder: FirstHolder, issued_on: date | None = None,
) -> Draft:  # fmt: skip
    """Operations, sealed documents and commitments of drafts that take `numbers`, ascending; issued today."""
    issued_on = issued_on or cst_date(utc_time(context.now_s()))
    operations: list[Operation] = []
    documents: list[NewDocument] = []
    for draft, number in zip(drafts, numbers, strict=True):
        document = draft.with_number(number, issued_on)
        seed = secrets.token_bytes(SEED_SIZE)
        commitment = document.commitment(seed)
        operations.append(_operation(document, number, seller, first_holder, commitment))
        text = format_number(number)
        documents.append(
            NewDocument(
                number=number,
                seller=seller.party,
                sealed_document=context.seal(document.canonical(), SEALED_DOCUMENT, text),
                sealed_seed=context.seal(seed, SEALED_SEED, text),
                commitment=commitment,
            )
        )
    return Draft(tuple(operations), documents=tuple(documents))


def _operation(
    document: InvoiceDocument, number: int, seller: Seller, first_holder: FirstHolder, commitment: bytes
) -> Operation:
    mode, person = instructions.FIRST_HOLDER_SELLER, 0
    if isinstance(first_holder, int):
        mode, person = instructions.FIRST_HOLDER_PERSON, first_holder
    elif first_holder == "buyer" or (first_holder is None and document.buyer.tax_id):
        mode = instructions.FIRST_HOLDER_BUYER
    assert document.issued_on is not None
    return instructions.issue(
        seller=seller.party,
        number=number,
        month=month_of(document.issued_on),
        special=document.kind is InvoiceKind.SPECIAL,
        first_holder=mode,
        person=person,
        gross_fen=document.gross_fen,
        tax_fen=document.tax_fen,
        buyer_identity=document.buyer_identity_hash,
        commitment=commitment,
    )


def _row(
    index: int, row: InvoiceDocument | tuple[FieldProblem, ...], answer: Written | None, issued: tuple[str, str] | None
) -> IssueRow:
    if not isinstance(row, InvoiceDocument):
        problems = tuple((p.path, p.code, p.message_en, p.message_zh) for p in row)
        return IssueRow(index, "invalid", None, None, problems)
    assert answer is not None
    assert issued is not None
    number, commitment = issued
    if answer.status in (WriteStatus.ACCEPTED, WriteStatus.RECORDED):
        return IssueRow(index, answer.status.value, number, commitment)
    refusal = answer.refusal
    if refusal is not None and refusal.number != number:
        refusal = replace(refusal, hold=None)
    return IssueRow(index, answer.status.value, None, None, refusal=refusal)
