"""What a session opened through a company's own provider may do: act for that company alone, as one of its people.

The company runs the provider, so it can open such a session whenever it likes. Whatever the session can do, the
company can do; it is therefore given nothing of its person but what that person is at that company.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import replace

from ledger.projection import Connection, claims, parties, providers
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.offices import OfficeKind
from ledger.projection.parties import PartyRecord
from ledger.projection.providers import StoredLink, StoredProvider
from ledger.service.context import Context
from ledger.service.credentials import stands
from ledger.service.errors import NotPermitted, NotReady
from ledger.service.office_seals import standing_offices
from ledger.service.views import Caller
from verifier.operations import Code, Operation
from verifier.words import PartyKind

SEALED_SECRET = "sign-in provider"  # noqa: S105  a kind of sealed item
INDEXED_LINK = "provider link"
INDEXED_SUBJECT = "provider subject"

_OWN_CODES = frozenset({Code.LOCK, Code.UNLOCK})
"""What a member does for itself at its company: claim, and take a claim back."""


def standing_provider(context: Context, connection: Connection, provider_id: str) -> StoredProvider | None:
    """The provider while it counts: its row as it was written, the key it was made with not ended."""
    found = providers.provider(connection, provider_id)
    if found is None or not stands(context, connection, found.made_with):
        return None
    try:
        opened_secret(context, found)
    except NotReady:
        return None
    return found


def company_of(context: Context, connection: Connection, provider_id: str, person: PartyRecord) -> int | None:
    """The company whose provider may sign a person in: linked, working for it, not suspended. None: it may not."""
    link = providers.link_of(connection, provider_id, person.identity)
    found = standing_provider(context, connection, provider_id)
    if link is None or found is None or not is_genuine_link(context, link) or person.suspended:
        return None
    if not stands(context, connection, link.made_with) or not _inviter_stands(context, connection, link, found):
        return None
    return found.enterprise if works_for(context, connection, person, found.enterprise) else None


def _inviter_stands(context: Context, connection: Connection, link: StoredLink, found: StoredProvider) -> bool:
    """Whether who invited the person to link is the enterprise still, or its administrator; nobody need have."""
    if link.acted_by in (None, found.enterprise):
        return True
    return link.acted_by is not None and any(
        (one.kind, one.principal) == (OfficeKind.ADMINISTRATOR, found.enterprise)
        for one in standing_offices(context, connection, link.acted_by)
    )


def works_for(
    context: Context, connection: Connection, person: PartyRecord, enterprise: int, *, without: int = 0
) -> bool:
    """Whether an enterprise granted a person anything beyond the bits `without`, or made it its administrator."""
    if person.kind != PartyKind.PERSON:
        return False
    if parties.grant_bits(connection, enterprise, person.id) & ~without:
        return True
    return any(
        (one.kind, one.principal) == (OfficeKind.ADMINISTRATOR, enterprise)
        for one in standing_offices(context, connection, person.id)
    )


def end_old_links(context: Context, connection: Connection, operations: Iterable[Operation]) -> None:
    """Ends links of whom a company grants something that it does not employ now, and of whom a group leaves nothing.

    Hired again, it links again. Called where a group is accepted, before the chain takes it.
    """
    for one in operations:
        person = parties.party(connection, one.number) if one.code in (Code.GRANT, Code.REVOKE) else None
        if person is None:
            continue
        taken = one.option if one.code == Code.REVOKE else 0
        if not works_for(context, connection, person, one.subject, without=taken):
            providers.end_links(connection, person.identity, enterprise=one.subject)


def end_links_of_stranger(context: Context, connection: Connection, person: PartyRecord, enterprise: int) -> None:
    """Ends what a person linked at an enterprise it does not work for: before an office it is given counts."""
    if not works_for(context, connection, person, enterprise):
        providers.end_links(connection, person.identity, enterprise=enterprise)


def confined(caller: Caller, enterprise: int) -> Caller:
    """The caller as its company's provider brings it: with what that company gave it, and nothing else."""
    return replace(
        caller,
        company=enterprise,
        grants={enterprise: caller.grants[enterprise]} if enterprise in caller.grants else {},
        administers=caller.administers & {enterprise},
        auditor=False,
        watcher=False,
        credential=f"{caller.credential} of company {enterprise}",
    )


def need_own_credential(caller: Caller) -> None:
    """Raises: NotPermitted in a session of a company's provider."""
    if caller.company is not None:
        raise company_refusal(caller.company)


def company_refusal(company: int) -> NotPermitted:
    """What a session of a company's provider is told of all that is not that company's."""
    return NotPermitted(
        f"you signed in through enterprise {company}, so you act for it alone; sign in with your own password for this",
        f"您通过企业 {company} 的登录服务登录，仅可办理该企业的业务；请用本人密码登录后办理",
    )


def need_for_company(caller: Caller, operations: Iterable[Operation]) -> None:
    """Raises: NotPermitted when a session of a company's provider would sign for anybody but that company.

    The contract knows the person and all its grants; it cannot tell who opened the session.
    """
    if caller.company is None:
        return
    for one in operations:
        own_claim = one.code in _OWN_CODES and one.subject == caller.party
        if one.subject != caller.company and not own_claim:
            raise company_refusal(caller.company)
        if one.code == Code.LOCK and one.party != caller.company:
            raise company_refusal(caller.company)


def is_of_company(connection: Connection, caller: Caller, operations: Iterable[Operation]) -> bool:
    """Whether a session of a company's provider may know of what its person signed; anybody else may."""
    if caller.company is None:
        return True
    for one in operations:
        if one.subject == caller.company or (one.code == Code.LOCK and one.party == caller.company):
            continue
        found = claims.claim(connection, f"{one.terms:032x}") if one.code == Code.UNLOCK else ()
        if not found or any(each.employer != caller.company for each in found):
            return False
    return True


def is_of_both(caller: Caller, record: InvoiceRecord) -> bool:
    """Whether an invoice is the caller's at the company it signed in through: both have a part in it."""
    parts = {record.seller, record.buyer, record.holder, record.claimant, record.employer}
    return caller.company is not None and {caller.party, caller.company} <= parts


def opened_secret(context: Context, stored: StoredProvider) -> str:
    """The client secret. Raises: NotReady when somebody changed the row."""
    return context.opened(stored.sealed_secret, SEALED_SECRET, stored.text).decode()


def subject_index(context: Context, provider_id: str, subject: str) -> bytes:
    """What is stored of a subject of a provider."""
    return context.vault.index(f"{provider_id}:{subject}", INDEXED_SUBJECT)


def new_link(
    context: Context, provider_id: str, identity: bytes, subject: str, *, made_with: str | None = None,
    acted_by: int | None = None,
) -> StoredLink:  # fmt: skip
    """The link of a person to a subject of a provider, from now on.

    It ends with the key `made_with`, and with the office by which `acted_by` invited.
    """
    index = subject_index(context, provider_id, subject)
    link = StoredLink(provider_id, identity, index, context.now_s(), b"", made_with, acted_by)
    return replace(link, proof=_proof(context, link))


def is_genuine_link(context: Context, link: StoredLink) -> bool:
    """Whether a link's row says what was written here."""
    return hmac.compare_digest(link.proof, _proof(context, link))


def is_genuine_provider(context: Context, stored: StoredProvider) -> bool:
    """Whether a provider's row says what was written here."""
    try:
        opened_secret(context, stored)
    except NotReady:
        return False
    return True


def _proof(context: Context, link: StoredLink) -> bytes:
    said: tuple[str, ...] = (link.provider_id, link.identity.hex(), link.subject_index.hex(), str(link.linked_at))
    if (link.made_with, link.acted_by) != (None, None):
        said = (*said, link.made_with or "", str(link.acted_by or ""))
    return context.vault.index(":".join(said), INDEXED_LINK)
