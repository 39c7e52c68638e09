"""What callers read: invoices, histories, searches, parties, the state of a write."""

from __future__ import annotations

from datetime import date

from ledger.chain import ChainError
from ledger.domain.errors import IdentityError
from ledger.domain.identities import enterprise_identity
from ledger.domain.months import cst_date, format_month
from ledger.domain.numbers import format_number
from ledger.domain.slips import RedReason
from ledger.domain.times import utc_time
from ledger.projection import Connection, invoices, keystore, parties, proposals, queued, red_queries
from ledger.projection.apply import projected_head
from ledger.projection.erasures import erased_among
from ledger.projection.invoices import HistoryStep, InvoiceFilter, InvoiceRecord
from ledger.projection.keystore import PartyName
from ledger.projection.parties import PartyRecord
from ledger.service.context import Context
from ledger.service.districts import district_of_officer
from ledger.service.errors import Busy, NotFound
from ledger.service.forms import (
    FEN_MAX,
    PARTY_MAX,
    checked_cursor,
    checked_fen,
    checked_month,
    checked_number,
    checked_page_size,
    checked_party,
)
from ledger.service.outside_papers import outside_fields
from ledger.service.people import (
    GRANT_NAMES,
    KIND_NAMES,
    PEOPLE,
    bare_name,
    names_of,
    overseen_by,
    oversees,
    seen_as,
    seen_invoice,
    sides_of,
)
from ledger.service.problems import invalid
from ledger.service.refusals import hold_of
from ledger.service.salted_texts import salted_text
from ledger.service.views import (
    Caller,
    Health,
    HistoryEntry,
    InvoicePage,
    InvoiceView,
    PartyPage,
    PartyView,
)
from verifier.canonical import Json
from verifier.operations import Code, Reason
from verifier.words import Claim, Colour, Entry, Kind, PartyKind, StateWord, Strength, Use

KINDS = {0: "ordinary", 1: "special", 2: "red"}
NOTED = frozenset(  # operations whose reference hides why, which everybody who sees the invoice may know
    {
        Code.SET_RISK_FLAG, Code.CLEAR_RISK_FLAG, Code.FORCE_UNLOCK,
        Code.CONFIRM_SLIP, Code.REFUSE_SLIP, Code.WITHDRAW_SLIP, Code.VOID_SLIP,
    }
)  # fmt: skip
COLOURS = {Colour.NORMAL: "normal", Colour.PARTLY_RED: "partly_red", Colour.FULLY_RED: "fully_red"}
CLAIMS = {Claim.FREE: "free", Claim.LOCKED: "locked", Claim.SETTLED: "settled", Claim.CANCELLED: "cancelled"}
ENTRIES = {
    Entry.NOT_BOOKED: "not_booked",
    Entry.DEDUCTIBLE: "deductible",
    Entry.NOT_DEDUCTIBLE: "not_deductible",
    Entry.WITHDRAWN: "withdrawn",
}
USES = {Use.NONE: "none", Use.SELECTED: "selected", Use.CONFIRMED: "confirmed"}
PAGE_SIZE_DEFAULT = 50
NUMBER_MASK = (1 << 80) - 1  # 80 bits of a signed word


def operation_name(code: int) -> str:
    """Name of an operation in the API, `code_N` for one this version does not know."""
    try:
        return Code(code).name.lower()
    except ValueError:
        return f"code_{code}"


def invoice(context: Context, caller: Caller, number: str) -> InvoiceView:
    """One invoice with its document. Raises: NotFound, also for one the caller may not see."""
    key = checked_number(number)
    with context.reading() as connection:
        record = seen_invoice(connection, caller, key)
        return _views(context, connection, caller, [record])[0]


def search(
    context: Context, caller: Caller, *, number: str | None, party: int | None, month: str | None, state: str | None,
    gross_min_fen: int | None, gross_max_fen: int | None, cursor: str | None, limit: int,
) -> InvoicePage:  # fmt: skip
    """Invoices that match and the caller may see, newest first, without their documents.

    Raises: InvalidRequest at the field that cannot be read.
    """
    wanted_claim = None
    if state is not None:
        named = {name: claim for claim, name in CLAIMS.items()}
        if state not in named:
            raise invalid("state", "state_unknown", given=state[:40])
        wanted_claim = int(named[state])
    wanted = InvoiceFilter(
        party=None if party is None else checked_party("party", party),
        month=None if month is None else checked_month(month),
        claim=wanted_claim,
        gross_min_fen=checked_fen("gross_min_fen", gross_min_fen),
        gross_max_fen=checked_fen("gross_max_fen", gross_max_fen),
        numbers=None if number is None else (checked_number(number),),
    )
    size = checked_page_size(context, limit)
    with context.reading() as connection:
        with checked_cursor():
            page = invoices.search(connection, wanted, visible_to=seen_as(caller), limit=size, cursor=cursor)
        views = _views(context, connection, caller, list(page.items), documents=False)
    return InvoicePage(tuple(views), page.next_cursor)


def history(context: Context, caller: Caller, number: str) -> tuple[HistoryEntry, ...]:
    """Everything that happened to an invoice, refused attempts included, in chain order."""
    key = checked_number(number)
    with context.reading() as connection:
        record = seen_invoice(connection, caller, key)
        steps = invoices.history(connection, key) + invoices.refused_attempts(connection, key)
        steps = tuple(sorted(steps, key=lambda step: (step.block, step.position, step.index)))
        flags = frozenset(step.digest for step in steps if step.operation.code == Code.SET_RISK_FLAG)
        proposers = proposals.proposers(connection, flags)
        ids = {party for s in steps for party in (s.actor, s.operation.subject, s.operation.party)}
        ids.update(proposers.values())
        acted = frozenset(step.actor for step in _named_steps(record, caller, steps)) | frozenset(proposers.values())
        names = names_of(context, connection, ids, caller=caller, acted=acted)
        reasons = {
            (step.block, step.position): _reason(connection, step) for step in steps if step.outcome == "refused"
        }
        return tuple(
            _entry(
                step,
                names,
                reasons.get((step.block, step.position)),
                _note(context, connection, step),
                proposers.get(step.digest),
            )
            for step in steps
        )


def _named_steps(record: InvoiceRecord, caller: Caller, steps: tuple[HistoryStep, ...]) -> tuple[HistoryStep, ...]:
    """Steps whose actors are named. Whose claim of an invoice of elsewhere gave way, or disputes it, is a person of
    another company: anybody who registers that number would learn the name.
    """
    if not record.is_outside or caller.oversees:
        return steps
    applied = [step for step in steps if step.outcome == "applied"]
    taken = [
        at
        for at, step in enumerate(applied)
        if step.operation.code == Code.REGISTER_OUTSIDE and _holder(step) == step.operation.subject
    ]
    standing = applied[taken[-1] if taken else 0 :]
    own = sides_of(caller)
    return tuple(
        step
        for step in steps
        if step.outcome != "applied"
        or not own.isdisjoint((step.operation.subject, step.operation.party))
        or (step in standing and (step.operation.code != Code.REGISTER_OUTSIDE or step is standing[0]))
    )


def _holder(step: HistoryStep) -> int | None:
    return StateWord.unpack(step.state).holder if step.state is not None else None


def party_view(context: Context, caller: Caller, party: int) -> PartyView:
    """One party. Grants and segments are shown to the party itself and to officers."""
    with context.reading() as connection:
        record = parties.party(connection, party) if 1 <= party <= PARTY_MAX else None
        told = _is_told(connection, caller, party)  # asked of those there are none of, too
        if record is None or not told:
            raise NotFound("party", str(party))
        return _party_views(context, connection, caller, [record])[0]


def parties_page(
    context: Context, caller: Caller, *, kind: str | None, tax_id: str | None, cursor: str | None, limit: int
) -> PartyPage:
    """Enterprises for everyone, so that invoices can name them; people and officers for officers only."""
    if not caller.oversees:
        kind = "enterprise"
    wanted = None
    if kind is not None:
        named = {name: number for number, name in KIND_NAMES.items()}
        if kind not in named:
            raise invalid("kind", "kind_unknown")
        wanted = int(named[kind])
    size = checked_page_size(context, limit)
    with context.reading() as connection:
        if tax_id is not None:
            record = _enterprise(connection, tax_id)
            told = _is_told(connection, caller, record.id if record is not None else PARTY_MAX)
            found = [record] if record is not None and told else []
            return PartyPage(tuple(_party_views(context, connection, caller, found, listed=True)), None)
        with checked_cursor():
            district = overseen_by(caller)
            page = parties.parties(connection, kind=wanted, district=district, limit=size, cursor=cursor)
        views = _party_views(context, connection, caller, list(page.items), listed=True)
        return PartyPage(tuple(views), page.next_cursor)


def _is_told(connection: Connection, caller: Caller, party: int) -> bool:
    """Whether there is such a party for the caller: for an officer of a district, none of another's."""
    return overseen_by(caller) is None or party == caller.party or oversees(connection, caller, party)


def health(context: Context) -> Health:
    """How the installation stands."""
    try:
        head = context.reader.head()
    except ChainError as err:
        raise Busy from err
    with context.reading() as connection:
        projected = projected_head(connection)
        depth = queued.depth(connection)
    return Health(
        chain_block=head.number,
        projected_block=projected.number if projected is not None else 0,
        waiting_groups=depth.groups,
    )


def _enterprise(connection: Connection, tax_id: str) -> PartyRecord | None:
    try:
        return parties.party_of_identity(connection, enterprise_identity(tax_id).hash)
    except IdentityError:
        return None


def _views(
    context: Context, connection: Connection, caller: Caller, records: list[InvoiceRecord], *, documents: bool = True
) -> list[InvoiceView]:
    from ledger.service.proofs import opened_document

    ids = {party for r in records for party in (r.seller, r.buyer, r.holder)}
    names = names_of(context, connection, ids, caller=caller, listed=not documents)
    erased = erased_among(connection, [r.number for r in records])
    reds = red_queries.red_numbers(connection, [r.number for r in records if r.colour != Colour.NORMAL])
    views = []
    for record in records:
        is_red = record.kind == Kind.RED
        document: dict[str, Json] | None = None
        if record.is_outside:  # its seller is no party here and its block time no issue date: what was read has both
            document = outside_fields(context, connection, record)
        elif documents:
            opened = opened_document(context, connection, record)
            document = opened.to_json() if opened is not None else None
        views.append(
            InvoiceView(
                number=format_number(record.number),
                kind=KINDS[record.kind],
                colour=COLOURS[Colour(record.colour)],
                claim_state=CLAIMS[Claim(record.claim)],
                entry=ENTRIES[Entry(record.entry)],
                seller=record.seller,
                buyer=record.buyer,
                holder=record.holder,
                seller_name=names.get(record.seller) or _printed_name(record, document, "seller"),
                buyer_name=names.get(record.buyer) or _printed_name(record, document, "buyer"),
                holder_name=names[record.holder],
                gross_fen=record.gross_fen,
                tax_fen=record.tax_fen,
                month=format_month(record.month),
                issued_at=utc_time(record.issued_at),
                changed_at=utc_time(record.changed_at),
                issued_block=record.issued_block,
                version=record.version,
                commitment=record.commitment.hex(),
                hold=hold_of(context, connection, caller, record),
                document=document if documents else None,
                credited_fen=record.credited_fen,
                left_fen=0 if is_red else record.gross_fen - record.credited_fen,
                reds=tuple(map(format_number, reds.get(record.number, ()))),
                blue=format_number(record.blue) if record.blue is not None else None,
                red_reason=_red_reason(connection, record.number) if is_red else "",
                risk=bool(record.risk),
                risk_reason=_risk_reason(context, connection, record.number) if record.risk else None,
                use=USES[Use(record.usage)],
                erased=record.number in erased and document is None,  # of elsewhere it may be registered again since
                issued_here=not record.is_outside,
                strength=Strength(record.strength).name.lower(),
                issued_on=_issued_on(record, document),
            )
        )
    return views


def _printed_name(record: InvoiceRecord, document: dict[str, Json] | None, side: str) -> str:
    """Name of a side of an outside invoice that is no party here, "" for one issued here."""
    named = document.get(side) if record.is_outside and document is not None else None
    return str(named.get("name", "")) if isinstance(named, dict) else ""


def _issued_on(record: InvoiceRecord, document: dict[str, Json] | None) -> date | None:
    """Day of issue in China Standard Time; None for an outside invoice of which nothing is kept any more."""
    if not record.is_outside:
        return cst_date(utc_time(record.issued_at))
    return date.fromisoformat(str(document["issued_on"])) if document is not None else None


def _reason(connection: Connection, step: HistoryStep) -> str | None:
    group = invoices.group_at(connection, step.block, step.position)
    return Reason(group.reason).name.lower() if group is not None and group.reason else None


def _red_reason(connection: Connection, number: int) -> str:
    reason = red_queries.reason_of_red(connection, number)
    return "" if reason is None else RedReason(reason).name.lower()


def _risk_reason(context: Context, connection: Connection, number: int) -> str | None:
    found = red_queries.flag_reference(connection, number)
    return None if found is None else salted_text(context, connection, *found)


def _note(context: Context, connection: Connection, step: HistoryStep) -> str | None:
    """Why, where it is kept here and something was written."""
    if step.outcome != "applied" or step.operation.code not in NOTED:
        return None
    return salted_text(context, connection, step.operation.ref, step.actor) or None


def _entry(
    step: HistoryStep, names: dict[int, str], reason: str | None, note: str | None, proposer: int | None
) -> HistoryEntry:
    state = StateWord.unpack(step.state) if step.state is not None else None
    operation = step.operation
    is_red, credit = operation.code == Code.ISSUE_RED, operation.code in (Code.ISSUE_RED, Code.OPEN_SLIP)
    known = credit and operation.option in list(RedReason)
    return HistoryEntry(
        operation=operation_name(operation.code),
        outcome=step.outcome,
        reason=reason,
        at=utc_time(step.time_s),
        block=step.block,
        actor=step.actor,
        actor_name=names.get(step.actor, ""),
        subject=operation.subject,
        subject_name=names.get(operation.subject, ""),
        party=operation.party or None,
        party_name=names.get(operation.party),
        digest=step.digest.hex(),
        version=state.version if state is not None else None,
        claim_state=CLAIMS[Claim(state.claim)] if state is not None else None,
        holder=state.holder if state is not None else None,
        red=format_number(operation.number) if is_red else None,
        blue=format_number(operation.terms >> 96 & NUMBER_MASK) if is_red else None,
        gross_fen=operation.terms & FEN_MAX if credit else None,
        red_reason=RedReason(operation.option).name.lower() if known else None,
        note=note,
        proposer=proposer,
        proposer_name=names.get(proposer or 0, ""),
    )


def _party_views(
    context: Context, connection: Connection, caller: Caller, records: list[PartyRecord], *, listed: bool = False
) -> list[PartyView]:
    overseer = caller if caller.oversees else None
    names = names_of(context, connection, [record.id for record in records], caller=overseer, listed=listed)
    known = keystore.party_names(connection, [record.identity for record in records])
    views = []
    for record in records:
        inside = caller.oversees or caller.party == record.id or record.id in caller.administers
        own = inside or record.id in caller.grants
        person = record.kind in PEOPLE
        entry = known.get(record.identity)
        grants = (
            parties.grants(connection, enterprise=record.id) if inside and record.kind == PartyKind.ENTERPRISE else ()
        )
        segments = parties.segments(connection, record.id) if own and record.kind == PartyKind.ENTERPRISE else ()
        views.append(
            PartyView(
                party=record.id,
                kind=KIND_NAMES[PartyKind(record.kind)],
                name=bare_name(record) if person and not own else names[record.id],
                tax_id=entry.tax_id if entry is not None else None,
                enrolled=bool(record.signer),
                suspended=record.suspended,
                quota_fen=record.quota_fen if own else 0,
                filed_through=format_month(record.filed_through) if own and record.filed_through else None,
                version=record.version,
                identity_hash=record.identity.hex(),
                certificate_hash=record.certificate_hash.hex() if any(record.certificate_hash) else None,
                grants=tuple((grant.person, _grant_names(grant.bits)) for grant in grants),
                segments=tuple((format_number(s.first_number), format_number(s.last_number)) for s in segments),
                district=_district(context, connection, record, entry, told=own),
            )
        )
    return views


def _district(
    context: Context, connection: Connection, record: PartyRecord, entry: PartyName | None, *, told: bool
) -> str | None:
    """Of an enterprise, to everybody; of an officer, to itself and overseers."""
    if record.kind == PartyKind.OFFICER:
        return district_of_officer(context, connection, record.identity) if told else None
    return entry.district if entry is not None else None


def _grant_names(bits: int) -> tuple[str, ...]:
    return tuple(name for name, bit in GRANT_NAMES.items() if bits & bit)
