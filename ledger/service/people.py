"""Who calls, whom they act for, what they may see, and how parties are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ledger.domain.districts import WHOLE_LEDGER
from ledger.domain.identities import Identity
from ledger.domain.masks import masked_name
from ledger.domain.numbers import format_number
from ledger.identity import ApiKeyError, Scope, covers, parse_api_key, parse_scopes
from ledger.projection import Connection, api_keys, claims, districts, invoice_sight, invoices, keystore, parties
from ledger.projection.districts import District, Sight
from ledger.projection.invoice_filter import VISIBLE_PARTIES_MAX
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.keystore import PartyName
from ledger.projection.offices import Office, OfficeKind
from ledger.projection.parties import PartyRecord
from ledger.service.approval_rules import may_decide
from ledger.service.company_links import company_refusal, is_of_both
from ledger.service.context import SEALED_NAME, Context
from ledger.service.credentials import KeyState, is_genuine, state_of, time_text
from ledger.service.districts import district_of_officer
from ledger.service.errors import KeyExpired, NotAuthenticated, NotFound, NotPermitted, ScopeMissing
from ledger.service.forms import PARTY_MAX, checked_party
from ledger.service.office_seals import standing_offices
from ledger.service.problems import invalid
from ledger.service.views import Caller
from verifier.words import Claim, Grant, PartyKind

KIND_NAMES = {
    PartyKind.AUTHORITY: "authority",
    PartyKind.OFFICER: "officer",
    PartyKind.ENTERPRISE: "enterprise",
    PartyKind.PERSON: "person",
    PartyKind.CALENDAR: "calendar",
}
GRANT_NAMES = {"issue": Grant.ISSUE, "finance": Grant.FINANCE, "claim": Grant.CLAIM}
PEOPLE = frozenset({PartyKind.PERSON, PartyKind.OFFICER})  # whose names are not everybody's to know
SEES_ENTERPRISE = Grant.ISSUE | Grant.FINANCE  # a claim grant alone does not open the employer's other invoices


def authenticate(context: Context, text: str) -> Caller:
    """The party an API key is bound to, with what the key is for.

    Raises: NotAuthenticated for an unknown, ended, changed or malformed key, or one whose party is not on chain yet;
    KeyExpired, which only who has the secret is told.
    """
    try:
        presented = parse_api_key(text)
    except ApiKeyError as err:
        raise NotAuthenticated from err
    with context.reading() as connection:
        stored = api_keys.api_key(connection, presented.key_id)
        if stored is None or not presented.matches(stored.secret_hash) or not is_genuine(context, stored):
            raise NotAuthenticated
        party = parties.party_of_identity(connection, stored.identity)
        signer = context.signer_of(connection, party.id) if party is not None and stored.challenge is not None else b""
        state = state_of(stored, party, context.now_s(), signer)
        if state is KeyState.EXPIRED and stored.expires_at is not None:
            raise KeyExpired(time_text(stored.expires_at))
        if party is None or state is not KeyState.ACTIVE:
            raise NotAuthenticated
        caller = caller_of(context, connection, party)
    context.key_uses.note(context.store, stored, context.now_s())
    return replace(
        caller,
        scopes=parse_scopes(stored.scopes.split()),
        credential=stored.key_id,
        key_id=stored.key_id,
        credential_ends_at=stored.expires_at,
    )


def need_scope(caller: Caller, *scopes: Scope) -> None:
    """Raises: ScopeMissing, naming the first, unless the caller's credential is for one of `scopes`."""
    if not any(covers(caller.scopes, scope) for scope in scopes):
        raise ScopeMissing(scopes[0])


def caller_by_id(context: Context, party: int) -> Caller:
    """A party as a caller. Raises: NotFound."""
    with context.reading() as connection:
        record = parties.party(connection, party) if 1 <= party <= PARTY_MAX else None
        if record is None:
            raise NotFound("party", str(party))
        return caller_of(context, connection, record)


def caller_of(context: Context, connection: Connection, party: PartyRecord) -> Caller:
    """A party as a caller, with what enterprises granted it; while it is suspended none of that counts."""
    granted: dict[int, int] = {}
    held: tuple[Office, ...] = ()
    if not party.suspended:  # what is granted stays on chain and counts again once it is reinstated
        granted = {grant.enterprise: grant.bits for grant in parties.grants(connection, person=party.id)}
        held = standing_offices(context, connection, party.id)
    auditor = any(one.kind == OfficeKind.AUDITOR for one in held)
    known = keystore.party_name(connection, party.identity)
    return Caller(
        party=party.id,
        kind=KIND_NAMES[PartyKind(party.kind)],
        identity_text=known.identity_text if known is not None else "",
        name=_display_name(context, party, known),
        suspended=party.suspended,
        grants={} if auditor else granted,  # an auditor is nobody's clerk while the office stands
        auditor=auditor,
        watcher=any(one.kind == OfficeKind.WITNESS for one in held),
        district=_district_of(context, connection, party) if not auditor else WHOLE_LEDGER,
        administers=frozenset(one.principal for one in held if one.kind == OfficeKind.ADMINISTRATOR and not auditor),
    )


def _district_of(context: Context, connection: Connection, party: PartyRecord) -> str:
    if party.kind != PartyKind.OFFICER:
        return WHOLE_LEDGER
    return district_of_officer(context, connection, party.identity)


def subject_for(caller: Caller, subject: int | None, bit: Grant) -> int:
    """The enterprise a caller acts for: itself, the one named, or the only one that granted `bit`.

    Whether it may is the contract's to say; a party that names another's enterprise is refused on chain.

    Raises: InvalidRequest when several enterprises granted it and none is named; NotPermitted when none did.
    """
    if subject is not None:
        if caller.company not in (None, subject):
            raise company_refusal(caller.company)
        return checked_party("subject", subject)
    if caller.kind == "enterprise":
        return caller.party
    need_active(caller)
    choices = sorted(enterprise for enterprise, bits in caller.grants.items() if bits & bit)
    if not choices:
        word = bit.name.lower() if bit.name else str(bit)
        raise NotPermitted(
            f"no enterprise granted you `{word}`; ask yours for the grant",
            f"没有企业授予您 {word} 权限，请向所属企业申请",
        )
    if len(choices) > 1:
        raise invalid("subject", "subject_missing", choices=", ".join(map(str, choices)))
    return choices[0]


def need_officer(caller: Caller) -> None:
    """Raises: NotPermitted unless the caller acts for the tax bureau."""
    if not caller.is_officer:
        raise NotPermitted("only a tax officer may do this", "仅税务人员可执行此操作")


def need_overseer(caller: Caller) -> None:
    """Raises: NotPermitted unless the caller is an officer or an auditor."""
    if not caller.oversees:
        raise NotPermitted("only a tax officer or an auditor may do this", "仅税务人员或审计人员可执行此操作")


def need_whole_ledger(caller: Caller) -> None:
    """Raises: NotPermitted unless the caller oversees every district: what is asked for tells of all."""
    need_overseer(caller)
    if not caller.oversees_all:
        raise NotPermitted(
            f"you oversee district {caller.district}; this tells of the whole ledger, ask the tax authority",
            f"您的辖区为 {caller.district}，此项涉及整个账本，请联系税务机关",
        )


def need_chain_reader(caller: Caller) -> None:
    """Raises: NotPermitted unless the caller may read the chain itself, which tells of every district."""
    if caller.oversees:
        need_whole_ledger(caller)
    elif not caller.watcher:
        raise NotPermitted(
            "only tax officers, auditors and witnesses read the chain itself",
            "仅税务人员、审计人员和见证方可读取链数据",
        )


def need_writer(caller: Caller) -> None:
    """Raises: NotPermitted for an auditor, who reads only."""
    if caller.auditor:
        raise NotPermitted(
            "an auditor reads and changes nothing; act with another credential", "审计人员只读，请使用其他身份操作"
        )


def need_active(caller: Caller) -> None:
    """Raises: NotPermitted for a suspended person; of a suspended enterprise the contract stops the issuing alone."""
    if caller.suspended and caller.kind != "enterprise":
        raise NotPermitted("you are suspended; ask the tax bureau", "您已被暂停，请联系税务机关")


def need_authority(caller: Caller) -> None:
    """Raises: NotPermitted unless the caller is the tax authority itself."""
    if caller.kind != "authority":
        raise NotPermitted("only the tax authority may do this", "仅税务机关本身可执行此操作")


def seen_as(caller: Caller) -> Sight:
    """Whose invoices the caller may see: its own and those of enterprises it issues or settles for.

    An officer sees those of its district's enterprises; None: all.
    """
    return overseen_by(caller) if caller.oversees else sides_of(caller)


def overseen_by(caller: Caller) -> District | None:
    """District of an officer; None for who oversees all, and for who oversees nothing: ask `Caller.oversees` first."""
    return District(caller.district) if caller.oversees and caller.district else None


def oversees(connection: Connection, caller: Caller, *parties_named: int | None) -> bool:
    """Whether the caller oversees one of those parties: all of them, or of its district."""
    if not caller.oversees or caller.oversees_all:
        return caller.oversees
    return districts.any_overseen(connection, {one for one in parties_named if one}, District(caller.district))


def governs(connection: Connection, caller: Caller, *parties_named: int) -> bool:
    """Whether the caller may act on one of those parties as who oversees it: its district's enterprises, their people.

    Narrower than `oversees`: holding an invoice of a district lets its officers see a person, not act on it.
    """
    if not caller.oversees or caller.oversees_all:
        return caller.oversees
    return districts.any_governed(connection, parties_named, District(caller.district))


def is_overseen(context: Context, caller: Caller, party: int) -> bool:
    """`oversees` with a connection of its own, for who has none yet; most callers oversee nothing and need none."""
    if not caller.oversees or caller.oversees_all:
        return caller.oversees
    with context.reading() as connection:
        return oversees(connection, caller, party)


def sides_of(caller: Caller) -> frozenset[int]:
    """Parties the caller acts as: itself and enterprises it issues or settles for."""
    return itself_and(caller, SEES_ENTERPRISE)


def itself_and(caller: Caller, bits: int) -> frozenset[int]:
    """The caller and enterprises that granted it one of `bits`; through its company's provider not itself: what it is
    elsewhere is not the company's to see."""
    granted = sorted(enterprise for enterprise, given in caller.grants.items() if given & bits)
    # grants come unasked, so a stranger's hundred must not stop a search
    return frozenset({*own_party(caller), *granted[: VISIBLE_PARTIES_MAX - 1]})


def own_party(caller: Caller) -> frozenset[int]:
    """The caller's own party; nobody through its company's provider."""
    return frozenset({caller.party}) if caller.company is None else frozenset()


def may_see_claim(caller: Caller, claimant: int | None, employer: int | None, holder: int) -> bool:
    """Whether the caller may know which claim has an invoice: claimant, holder, the employer's finance, officers."""
    if caller.oversees or not own_party(caller).isdisjoint({claimant, employer, holder}):
        return True
    if caller.company is not None and (caller.party, caller.company) == (claimant, employer):
        return True
    return employer is not None and bool(caller.grants.get(employer, 0) & Grant.FINANCE)


def need_party(
    connection: Connection, party: int, *, path: str = "party", kind: PartyKind | None = None
) -> PartyRecord:
    """The party with that id.

    Raises: InvalidRequest at `path` when there is none or it is of another kind than `kind`.
    """
    found = parties.party(connection, checked_party(path, party))
    if found is None:
        raise invalid(path, "party_unknown", party=party)
    if kind is not None and found.kind != kind:
        raise invalid(
            path, "party_kind", party=party, given=KIND_NAMES[PartyKind(found.kind)], expected=KIND_NAMES[kind]
        )
    return found


def need_governed(
    connection: Connection, caller: Caller, party: int, *, path: str = "party", kind: PartyKind | None = None
) -> PartyRecord:
    """The party when the caller governs it. Raises: as `need_party`, also for one of another district."""
    found = need_party(connection, party, path=path)
    if not governs(connection, caller, party):
        raise invalid(path, "party_unknown", party=party)
    return found if kind is None else need_party(connection, party, path=path, kind=kind)


def known_invoice(connection: Connection, caller: Caller, number: int) -> InvoiceRecord | None:
    """The invoice with that number if it may concern the caller, to be asked about it more closely.

    None for any other, after the same work as for a number that was never issued.
    """
    return invoice_sight.invoice_for(connection, number, seen_as(caller), person=caller.party)


def need_visible(connection: Connection, caller: Caller, invoice: InvoiceRecord | None, number: str) -> InvoiceRecord:
    """`invoice`, which `known_invoice` gave, when the caller may see it.

    Raises: NotFound otherwise, the same as for a number that was never issued.
    """
    if invoice is None or not invoices.sees(connection, invoice, seen_as(caller)):
        raise NotFound("invoice", number)
    return invoice


def seen_invoice(connection: Connection, caller: Caller, number: int) -> InvoiceRecord:
    """The invoice with that number when the caller may see it; a red one also by who may see its blue.

    An approver sees what is claimed and waits for its decision.

    Raises: NotFound otherwise, the same as for a number that was never issued.
    """
    record = known_invoice(connection, caller, number)
    if record is not None and record.blue is not None and not invoices.sees(connection, record, seen_as(caller)):
        blue = invoices.invoice(connection, record.blue)
        if blue is not None and invoices.sees(connection, blue, seen_as(caller)):
            return record
    if record is not None and (is_of_both(caller, record) or _is_to_approve(connection, caller, record)):
        return record
    return need_visible(connection, caller, record, format_number(number))


def _is_to_approve(connection: Connection, caller: Caller, record: InvoiceRecord) -> bool:
    """Whether the invoice stands in a claim that the caller may decide on."""
    if record.claim != Claim.LOCKED or record.claim_id is None:
        return False
    return any(
        may_decide(connection, caller, one)
        for one in claims.claim(connection, record.claim_id)
        if (one.claimant, one.employer) == (record.claimant, record.employer)
    )


def acts_for(caller: Caller, enterprise: int, bit: Grant) -> bool:
    """Whether the caller is that enterprise or has its grant `bit`."""
    return caller.party == enterprise or bool(caller.grants.get(enterprise, 0) & bit)


def names_of(
    context: Context, connection: Connection, ids: Iterable[int | None], *, caller: Caller | None = None,
    acted: frozenset[int] = frozenset(), listed: bool = False,
) -> dict[int, str]:  # fmt: skip
    """Display names by party id; a party nobody named shows its identity's last characters.

    With `caller`, people are named only to officers, to themselves, and where they acted (`acted`): anybody can name
    any party id as holder or person, and must not learn who that is. In lists (`listed`) officers and auditors are told
    people's names masked: reading the one record, which the audit log notes, tells them whole.
    """
    records = parties.parties_by_id(connection, frozenset(party for party in ids if party))
    known = keystore.party_names(connection, [record.identity for record in records.values()])
    hides = caller is not None and not caller.oversees
    shown = acted | {caller.party} if caller is not None else acted
    masks = listed and (caller is None or caller.oversees)
    own = caller.party if caller is not None else 0
    names = {}
    for record in records.values():
        if hides and record.kind in PEOPLE and record.id not in shown:
            names[record.id] = bare_name(record)
            continue
        entry = known.get(record.identity)
        name = _display_name(context, record, entry)
        masked = masks and record.kind in PEOPLE and record.id != own and entry is not None and entry.sealed is not None
        names[record.id] = masked_name(name) if masked else name
    return names


def bare_name(record: PartyRecord) -> str:
    """What stands for a name where that is not known or not to be told: `person 7`."""
    return f"{KIND_NAMES[PartyKind(record.kind)]} {record.id}"


def _display_name(context: Context, record: PartyRecord, entry: PartyName | None) -> str:
    name = None
    if entry is not None:
        name = entry.display_name
        if name is None and entry.sealed is not None:
            name = context.opened(entry.sealed, SEALED_NAME, record.identity.hex()).decode()
        if name is None and record.kind not in PEOPLE:  # a person without a name was erased: `person 7`
            name = Identity.parse(entry.identity_text).id
    return name or bare_name(record)
