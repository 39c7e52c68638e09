"""Stored sign-in providers, links to their accounts, and answers that were taken. Plain values in and out."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, select

from ledger.projection.ground_providers import PROVIDER_ANSWER, PROVIDER_LINK, SIGN_IN_PROVIDER
from ledger.projection.ground_sign_in import SESSION

PRUNED_MAX = 1_000  # answers forgotten in one go


@dataclass(frozen=True)
class StoredProvider:
    """A provider of an enterprise (party id); time in seconds, `sealed_secret` bound to `text`."""

    provider_id: str
    enterprise: int
    issuer: str
    client_id: str
    sealed_secret: bytes
    created_at: int
    made_with: str | None = None

    @property
    def text(self) -> str:
        """What the sealed secret is bound to: all else the row says."""
        said = (self.provider_id, str(self.enterprise), self.issuer, self.client_id, str(self.created_at))
        return "\n".join((*said, self.made_with or ""))


@dataclass(frozen=True)
class StoredLink:
    """A person's (identity hash) account at a provider, its subject as keyed hash; time in seconds.

    `made_with` is the API key behind the password or the invitation it was linked by, `acted_by` the party that
    invited.
    """

    provider_id: str
    identity: bytes
    subject_index: bytes
    linked_at: int
    proof: bytes
    made_with: str | None = None
    acted_by: int | None = None


def provider(connection: Connection, provider_id: str) -> StoredProvider | None:
    """The provider with that id."""
    statement = select(SIGN_IN_PROVIDER).where(SIGN_IN_PROVIDER.c.provider_id == provider_id)
    row = connection.execute(statement).one_or_none()
    return None if row is None else StoredProvider(**row._mapping)


def providers_of(connection: Connection, enterprise: int) -> tuple[StoredProvider, ...]:
    """Providers of an enterprise, oldest first."""
    statement = select(SIGN_IN_PROVIDER).where(SIGN_IN_PROVIDER.c.enterprise == enterprise)
    found = connection.execute(statement.order_by(SIGN_IN_PROVIDER.c.created_at, SIGN_IN_PROVIDER.c.provider_id))
    return tuple(StoredProvider(**row._mapping) for row in found)


def add_provider(connection: Connection, stored: StoredProvider) -> None:
    """Stores a new provider."""
    connection.execute(SIGN_IN_PROVIDER.insert(), asdict(stored))


def remove_provider(connection: Connection, provider_id: str) -> int:
    """Forgets a provider, every link to it and every session it opened; how many links there were."""
    connection.execute(delete(SESSION).where(SESSION.c.provider_id == provider_id))
    links = connection.execute(delete(PROVIDER_LINK).where(PROVIDER_LINK.c.provider_id == provider_id)).rowcount
    connection.execute(delete(SIGN_IN_PROVIDER).where(SIGN_IN_PROVIDER.c.provider_id == provider_id))
    return links


def end_providers_made_with(connection: Connection, key_id: str) -> None:
    """Forgets the providers that were registered with a key, with their links and sessions."""
    statement = select(SIGN_IN_PROVIDER.c.provider_id).where(SIGN_IN_PROVIDER.c.made_with == key_id)
    for provider_id in connection.execute(statement).scalars().all():
        remove_provider(connection, provider_id)


def end_links_made_with(connection: Connection, key_id: str) -> None:
    """Ends the links that were made with a key, with the sessions they opened."""
    made = select(PROVIDER_LINK.c.provider_id, PROVIDER_LINK.c.identity).where(PROVIDER_LINK.c.made_with == key_id)
    for provider_id, identity in connection.execute(made).all():
        end_link(connection, provider_id, identity)


def end_links_of_inviter(connection: Connection, enterprise: int, inviter: int) -> None:
    """Ends the links to an enterprise's providers that a party's invitations made, with the sessions they opened."""
    made = (
        select(PROVIDER_LINK.c.provider_id, PROVIDER_LINK.c.identity)
        .join(SIGN_IN_PROVIDER, SIGN_IN_PROVIDER.c.provider_id == PROVIDER_LINK.c.provider_id)
        .where(SIGN_IN_PROVIDER.c.enterprise == enterprise, PROVIDER_LINK.c.acted_by == inviter)
    )
    for provider_id, identity in connection.execute(made).all():
        end_link(connection, provider_id, identity)


def link_of(connection: Connection, provider_id: str, identity: bytes) -> StoredLink | None:
    """A person's link to a provider."""
    mine = (PROVIDER_LINK.c.provider_id == provider_id, PROVIDER_LINK.c.identity == identity)
    row = connection.execute(select(PROVIDER_LINK).where(*mine)).one_or_none()
    return None if row is None else StoredLink(**row._mapping)


def link_to(connection: Connection, provider_id: str, subject_index: bytes) -> StoredLink | None:
    """The link of that subject of a provider."""
    mine = (PROVIDER_LINK.c.provider_id == provider_id, PROVIDER_LINK.c.subject_index == subject_index)
    row = connection.execute(select(PROVIDER_LINK).where(*mine)).one_or_none()
    return None if row is None else StoredLink(**row._mapping)


def links_of(connection: Connection, identity: bytes) -> tuple[StoredLink, ...]:
    """Links of a person."""
    found = connection.execute(select(PROVIDER_LINK).where(PROVIDER_LINK.c.identity == identity))
    return tuple(StoredLink(**row._mapping) for row in found)


def linked_count(connection: Connection, provider_id: str) -> int:
    """How many people linked an account of a provider."""
    statement = select(func.count()).select_from(PROVIDER_LINK).where(PROVIDER_LINK.c.provider_id == provider_id)
    return int(connection.execute(statement).scalar_one())


def put_link(connection: Connection, stored: StoredLink) -> None:
    """Stores a link in place of the person's last one to that provider, whose sessions end."""
    end_link(connection, stored.provider_id, stored.identity)
    connection.execute(PROVIDER_LINK.insert(), asdict(stored))


def end_link(connection: Connection, provider_id: str, identity: bytes) -> bool:
    """Ends a person's link to a provider and the sessions it opened; whether there was one."""
    sessions = (SESSION.c.provider_id == provider_id, SESSION.c.identity == identity)
    connection.execute(delete(SESSION).where(*sessions))
    mine = (PROVIDER_LINK.c.provider_id == provider_id, PROVIDER_LINK.c.identity == identity)
    return connection.execute(delete(PROVIDER_LINK).where(*mine)).rowcount > 0


def end_links(connection: Connection, identity: bytes, *, enterprise: int | None = None) -> int:
    """Ends a person's links with their sessions, with `enterprise` those to its providers; how many."""
    wanted = None if enterprise is None else {one.provider_id for one in providers_of(connection, enterprise)}
    found = [one for one in links_of(connection, identity) if wanted is None or one.provider_id in wanted]
    return sum(end_link(connection, one.provider_id, identity) for one in found)


def take_answer(connection: Connection, flow_id: str, *, now_s: int, expires_at: int) -> bool:
    """Notes that a sign-in's answer is taken; False when it was before. Forgets what nobody can bring any more."""
    past = select(PROVIDER_ANSWER.c.flow_id).where(PROVIDER_ANSWER.c.expires_at <= now_s).limit(PRUNED_MAX)
    connection.execute(delete(PROVIDER_ANSWER).where(PROVIDER_ANSWER.c.flow_id.in_(past)))
    taken = select(PROVIDER_ANSWER.c.flow_id).where(PROVIDER_ANSWER.c.flow_id == flow_id)
    if connection.execute(taken).first() is not None:
        return False
    connection.execute(PROVIDER_ANSWER.insert(), {"flow_id": flow_id, "expires_at": expires_at})
    return True
