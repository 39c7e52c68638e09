"""Invitations: a link, good once and for three days, with which a party gets its sign-in name and password.

Whoever holds an invitation can become that party, so who may make one is narrow: the authority for everybody, an
officer for parties of its district that nobody has claimed, a party for itself, and an enterprise for such people that
work for it alone. Who could not make it any more has it taken back: an invitation counts while its maker may still
invite.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import replace

from ledger.domain.times import utc_time
from ledger.identity import EVERYTHING, hash_password, new_token, parse_token
from ledger.identity.session_tokens import Token
from ledger.projection import Connection, api_keys, districts, parties, providers, sign_in
from ledger.projection.audit_log import was_linked
from ledger.projection.offices import OfficeKind
from ledger.projection.parties import PartyRecord
from ledger.projection.sign_in import StoredInvitation, StoredPassword
from ledger.service import attempts
from ledger.service.audit_log import AuditKind, note
from ledger.service.company_links import need_own_credential, new_link, subject_index
from ledger.service.context import Context
from ledger.service.credentials import end_keys, lineage, stands
from ledger.service.errors import InvitationInvalid, NotPermitted, ProviderRefused
from ledger.service.office_seals import standing_offices
from ledger.service.people import caller_of, governs, need_active, need_governed, need_party, overseen_by
from ledger.service.problems import invalid
from ledger.service.sign_in import INDEXED_NAME, begin_session, check_password, keep_password, normal_name, token_hash
from ledger.service.sign_in_views import Invited, SignedIn
from ledger.service.views import Caller
from ledger.service.writing import run_write
from verifier.words import PartyKind

INVITATION_LIFETIME_S = 72 * 3_600
INVITATIONS_MAX = 200  # parties in one request: each is a line somebody has to hand on
REFUSED_NAMES_MAX = 5  # names that are taken: an invitation is no way to ask who has an account
INDEXED_INVITATION = "invitation"
_NAME = re.compile(r"[\w.+-]{1,64}(@[\w.-]{3,63})?", re.UNICODE)
NAME_LENGTH_MIN = 4


class Invitations:
    """Invitations of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def invite(self, caller: Caller, invited: list[int]) -> tuple[Invited, ...]:
        """An invitation for each party, all or none; one made before for the same party ends.

        Raises: InvalidRequest at `parties` or `parties.N`; NotPermitted.
        """
        need_full_credential(caller)
        if not 1 <= len(invited) <= INVITATIONS_MAX:
            raise invalid("parties", "count_range", low=1, high=INVITATIONS_MAX, given=len(invited))
        if len(set(invited)) != len(invited):
            raise invalid("parties", "party_twice")

        def write(connection: Connection) -> tuple[Invited, ...]:
            return tuple(
                self._invite(connection, caller, f"parties.{index}", party) for index, party in enumerate(invited)
            )

        return run_write(self._context, write)

    def invite_granted(
        self, connection: Connection, caller: Caller, path: str, person: int, enterprise: int
    ) -> Invited:
        """An invitation in the transaction that has the person granted something by `enterprise`.

        It opens nothing before the grant is recorded: an invitation counts while its maker may invite. `caller` has a
        full credential, and is the enterprise or its administrator.

        Raises: InvalidRequest at `path` for a person it may not invite, or unknown.
        """
        try:
            return self._invite(connection, caller, path, person, granting=enterprise)
        except NotPermitted as err:
            raise invalid(path, "member_not_invited") from err

    def party_of(self, text: str) -> int:
        """The party an invitation is for, as its page shows it. Raises: InvitationInvalid."""
        with self._context.reading() as connection:
            return self._need_invitation(connection, text)[2].id

    def accept(self, text: str, name: str, password: str, *, address: str = "", agent: str = "") -> SignedIn:
        """Sets the party's sign-in name and password, ends its sessions and what was made in them, and signs it in.

        Raises: InvitationInvalid; InvalidRequest at `name` or `password`; TooManyAttempts.
        """
        context = self._context
        subject = attempts.by_address(context, address)
        with context.reading() as connection:
            known = self._find(connection, text)
        if known is None:
            run_write(context, lambda connection: attempts.count_attempt(context, connection, subject))
            raise InvitationInvalid
        _, stored, _ = known
        chosen = _checked_name(name)
        with context.reading() as connection:
            check_password(context, connection, stored.identity, password, "password", *chosen.split("@")[:1])
        hashed = hash_password(password)
        index = context.vault.index(chosen, INDEXED_NAME)

        def write(connection: Connection) -> SignedIn | None:
            _, _, party = self._need_invitation(connection, text)
            holder = sign_in.password_named(connection, index)
            if holder is not None and not stands(context, connection, holder.made_with):
                sign_in.end_password(connection, holder.identity)
            elif holder is not None and holder.identity != party.identity:
                sign_in.refuse_name(connection, stored.invitation_id)
                return None
            row = StoredPassword(party.identity, index, b"", context.now_s(), stored.made_with)
            keep_password(context, connection, row, hashed)
            sign_in.end_invitation(connection, party.identity)
            sign_in.end_sessions(connection, party.identity)
            providers.end_links(connection, party.identity)
            keys = end_keys(context, connection, party.identity, in_sessions=True)
            note(context, connection, AuditKind.PERMISSION_CHANGED, actor=party.id,
                 detail={"change": "password", "invited_by": stored.invited_by, "keys_ended": keys})  # fmt: skip
            return begin_session(context, connection, party, agent)

        begun = run_write(context, write)
        if begun is None:
            raise invalid("name", "sign_in_name_taken")
        return begun

    def maker_of(self, text: str) -> int:
        """The party in whose name an invitation was made. Raises: InvitationInvalid."""
        with self._context.reading() as connection:
            return self._need_invitation(connection, text)[1].invited_by

    def need_of_enterprise(self, text: str, enterprise: int) -> None:
        """Raises: InvitationInvalid unless that enterprise invited a person."""
        with self._context.reading() as connection:
            self._need_of_enterprise(connection, text, enterprise)

    def accept_through(
        self, text: str, enterprise: int, account: tuple[str, str, int | None], *, agent: str = ""
    ) -> SignedIn:
        """Links the invited person to an account at the inviting enterprise's provider, and signs it in there.

        `account` is provider, subject, and when the provider asked who it is. The person gets no password: its session
        is the enterprise's and ends with the key and the office that invited it. From then on the authority alone may
        invite it to choose a password.

        Raises: InvitationInvalid; ProviderRefused when the account is somebody else's.
        """
        context = self._context
        provider_id, subject, asked_at = account

        def write(connection: Connection) -> SignedIn | None:
            party, invited = self._need_of_enterprise(connection, text, enterprise)
            holder = providers.link_to(connection, provider_id, subject_index(context, provider_id, subject))
            if holder is not None and holder.identity != party.identity:
                return None
            sign_in.end_invitation(connection, party.identity)
            sign_in.end_sessions(connection, party.identity)
            providers.end_links(connection, party.identity)
            keys = end_keys(context, connection, party.identity, in_sessions=True)
            link = new_link(
                context, provider_id, party.identity, subject, made_with=invited.made_with, acted_by=invited.acted_by
            )
            providers.put_link(connection, link)
            note(context, connection, AuditKind.PERMISSION_CHANGED, actor=party.id, about=str(party.id),
                 detail={"change": "account linked", "provider": provider_id, "company": enterprise,
                         "invited_by": enterprise, "keys_ended": keys})  # fmt: skip
            return begin_session(context, connection, party, agent, provider_id=provider_id, asked_at=asked_at)

        begun = run_write(context, write)
        if begun is None:
            raise ProviderRefused("taken")
        return begun

    def _need_of_enterprise(
        self, connection: Connection, text: str, enterprise: int
    ) -> tuple[PartyRecord, StoredInvitation]:
        _, stored, party = self._need_invitation(connection, text)
        if stored.invited_by != enterprise or party.kind != PartyKind.PERSON or party.suspended:
            raise InvitationInvalid
        return party, stored

    def _invite(
        self, connection: Connection, caller: Caller, path: str, party: int, *, granting: int | None = None
    ) -> Invited:
        context, now_s = self._context, self._context.now_s()
        record = need_party(connection, party, path=path)
        if caller.is_officer and record.id != caller.party:
            need_governed(connection, caller, party, path=path)  # another district's: as one there is none of
        if record.id == caller.party and any(one.challenge is not None for one in lineage(connection, caller.key_id)):
            raise NotPermitted(
                "a key that answers a challenge ends with your signing key, a password would not; "
                "have the tax authority invite you",
                "以签名取得的密钥随签名密钥失效，不能为自己创建长期登录，请由税务机关邀请",
            )
        inviter = self._need_inviter(connection, caller, record, granting)
        token = new_token()
        expires_at = now_s + INVITATION_LIFETIME_S
        stored = StoredInvitation(
            invitation_id=token.id,
            identity=record.identity,
            token_hash=token_hash(context, token),
            proof=b"",
            invited_by=inviter,
            acted_by=caller.party,
            made_with=caller.key_id,
            created_at=now_s,
            expires_at=expires_at,
            refused_names=0,
        )
        sign_in.put_invitation(connection, replace(stored, proof=_proof(context, stored)))
        note(context, connection, AuditKind.PERMISSION_CHANGED, actor=caller.party, about=str(party),
             detail={"change": "invitation"})  # fmt: skip
        return Invited(party, utc_time(expires_at), token.text)

    def _need_inviter(
        self, connection: Connection, caller: Caller, record: PartyRecord, granting: int | None = None
    ) -> int:
        """The party in whose name the caller lets somebody become `record`, which `granting` is about to grant.

        Raises: NotPermitted when it may not.
        """
        if caller.kind == "authority" and caller.is_officer:
            return caller.party
        known = sign_in.password_of(connection, record.identity)
        unclaimed = known is None or not stands(self._context, connection, known.made_with)
        if unclaimed and caller.party == record.id:
            return caller.party
        if unclaimed and record.kind == PartyKind.PERSON:
            unclaimed = not _acts_itself(self._context, connection, record)
        invitable = unclaimed and record.kind in (PartyKind.ENTERPRISE, PartyKind.PERSON)
        if invitable and caller.is_officer and _hands_over(connection, caller, record.id):
            return caller.party
        if unclaimed and record.kind == PartyKind.PERSON:
            own = {caller.party} if caller.kind == "enterprise" else set()
            employers = _employers(self._context, connection, record.id) | (
                {granting} if granting is not None else set()
            )
            if len(employers) == 1 and employers <= own | caller.administers:
                return employers.pop()
        raise NotPermitted(
            f"you may not invite party {record.id}: an enterprise invites people it alone employs, an officer parties "
            "of its district alone, and neither who signs in already, by password, provider, API key or own key; "
            "the authority may",
            f"您不能邀请参与方 {record.id}：企业只能邀请仅由其任用的人员，税务人员只能邀请仅属其辖区的参与方；"
            "已有密码、登录服务关联、在用 API 密钥或自持密钥的人员由税务机关邀请",
        )

    def _need_invitation(self, connection: Connection, text: str) -> tuple[Token, StoredInvitation, PartyRecord]:
        found = self._find(connection, text)
        if found is None:
            raise InvitationInvalid
        return found

    def _find(self, connection: Connection, text: str) -> tuple[Token, StoredInvitation, PartyRecord] | None:
        token = parse_token(text)
        stored = sign_in.invitation(connection, token.id) if token is not None else None
        if token is None or stored is None or self._context.now_s() >= stored.expires_at:
            return None
        if stored.refused_names >= REFUSED_NAMES_MAX:
            return None
        party = parties.party_of_identity(connection, stored.identity)
        if party is None or not self._may_still(connection, stored, party):
            return None
        if not hmac.compare_digest(stored.token_hash, token_hash(self._context, token)):
            return None
        if not is_genuine_invitation(self._context, stored):
            return None
        return token, stored, party

    def _may_still(self, connection: Connection, stored: StoredInvitation, party: PartyRecord) -> bool:
        """Whether who made an invitation might make it now, and the key it was made with stands.

        So it ends with an office, a district, a dismissal, and when an employer has become one of two.
        """
        record = parties.party(connection, stored.acted_by)
        if record is None or not stands(self._context, connection, stored.made_with):
            return False
        caller = caller_of(self._context, connection, record)
        try:
            need_active(caller)
            return self._need_inviter(connection, caller, party) == stored.invited_by
        except NotPermitted:
            return False


def need_full_credential(caller: Caller) -> None:
    """Raises: NotPermitted unless the caller, not suspended, acts with a credential for everything, of its own."""
    need_active(caller)
    need_own_credential(caller)
    if caller.scopes != EVERYTHING:
        raise NotPermitted(
            "an invitation is a full credential; ask with a key of every scope, or sign in",
            "邀请等同于完整凭证，请使用具有全部权限范围的密钥，或登录后操作",
        )


def _hands_over(connection: Connection, officer: Caller, party: int) -> bool:
    """Whether an officer may let somebody become a party: one it governs, and that acts in no other district."""
    district = overseen_by(officer)
    if not governs(connection, officer, party):
        return False
    return district is None or not districts.acts_elsewhere(connection, party, district)


def _employers(context: Context, connection: Connection, person: int) -> set[int]:
    """Enterprises a person stands for: those that granted it something, and those it administers."""
    offices = standing_offices(context, connection, person)
    administered = {one.principal for one in offices if one.kind == OfficeKind.ADMINISTRATOR}
    return administered | {grant.enterprise for grant in parties.grants(connection, person=person)}


def _acts_itself(context: Context, connection: Connection, person: PartyRecord) -> bool:
    """Whether a person without a password is somebody all the same, whom an invitation would let another become.

    It is or was linked to an account at a provider, uses an API key, or keeps its signing key itself. A grant comes
    unasked, so it gives nobody a right over such a person.
    """
    if providers.links_of(connection, person.identity) or was_linked(connection, person.id):
        return True
    if api_keys.in_use(connection, person.identity, context.now_s()):
        return True
    return bool(person.signer) and context.kept_key(connection, person.id) is None


def _checked_name(name: str) -> str:
    chosen = normal_name(name)
    if len(chosen) < NAME_LENGTH_MIN or not _NAME.fullmatch(chosen):
        raise invalid("name", "sign_in_name_form")
    return chosen


def is_genuine_invitation(context: Context, stored: StoredInvitation) -> bool:
    """Whether an invitation's row says what was written here."""
    return hmac.compare_digest(stored.proof, _proof(context, stored))


def _proof(context: Context, stored: StoredInvitation) -> bytes:
    facts = (stored.invited_by, stored.acted_by, stored.made_with or "", stored.created_at, stored.expires_at)
    said = (stored.invitation_id, stored.identity.hex(), stored.token_hash.hex(), *map(str, facts))
    return context.vault.index(":".join(said), INDEXED_INVITATION)
