"""Ground tables of people who sign in: passwords, sessions, invitations, and how often somebody tried.

No name, address or password stands here in any form that tells it: names and addresses as keyed hashes, passwords
sealed, tokens as keyed hashes over the whole row (ledger.identity.vault).
"""

from __future__ import annotations

from sqlalchemy import Boolean, Index, UniqueConstraint
from sqlmodel import Field

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

AGENT_LENGTH_MAX = 40  # characters of a browser and its system, as a list of sessions names them


class PasswordRow(Row, table=True):
    """A party's sign-in name and password."""

    __tablename__ = "password"
    __table_args__ = (UniqueConstraint("name_index"), Index("ix_password_made_with", "made_with"))

    identity: bytes = column.word(key=True)  # identity hash of the party
    name_index: bytes = column.word()  # keyed hash of the sign-in name
    sealed_hash: bytes = column.blob()  # argon2id, sealed for this party, name and key
    changed_at: int = column.whole()
    made_with: str | None = column.text(16, optional=True)  # key_id its invitation stems from: it ends with that one


class SessionRow(Row, table=True):
    """Somebody who signed in and has not signed out; rows of ended sessions are deleted."""

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_identity", "identity", "created_at"),
        Index("ix_session_provider", "provider_id"),
    )

    session_id: str = column.text(32, key=True)  # 32 hex digits, public
    identity: bytes = column.word()
    token_hash: bytes = column.word()  # keyed hash of the secret
    proof: bytes = column.word()  # keyed hash of what this row says, but for its last use and its browser
    created_at: int = column.whole()
    password_at: int = column.whole()  # when the password was last given
    last_used_at: int = column.whole()  # to the minute or so
    while_suspended: bool = Field(sa_type=Boolean, nullable=False)  # begun by a party that was suspended already
    agent: str = column.text(AGENT_LENGTH_MAX)  # browser and system
    made_with: str | None = column.text(16, optional=True)  # key_id of its password
    provider_id: str | None = column.text(32, optional=True)  # enterprise's provider that opened it, None: a password


class InvitationRow(Row, table=True):
    """A link that lets whoever holds it choose a party's sign-in name and password, once."""

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("identity"),)  # a new one takes the place of the one before

    invitation_id: str = column.text(32, key=True)
    identity: bytes = column.word()
    token_hash: bytes = column.word()  # keyed hash of the secret
    proof: bytes = column.word()  # keyed hash of what this row says, but for the names refused
    invited_by: int = column.whole()  # party in whose name
    acted_by: int = column.whole()  # party that did it: the same, or its administrator
    made_with: str | None = column.text(16, optional=True)  # key_id: it ends with that one
    created_at: int = column.whole()
    expires_at: int = column.whole()
    refused_names: int = column.whole()  # sign-in names that were taken: it ends after a few


class SignInAttemptRow(Row, table=True):
    """Attempts that failed, by keyed hash of what they have in common: a name, an address, a session."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_last", "last_at"),)

    subject: bytes = column.word(key=True)
    count: int = column.whole()
    next_at: int = column.whole()  # before it the next one is not looked at
    last_at: int = column.whole()


PASSWORD = table_of(PasswordRow)
SESSION = table_of(SessionRow)
INVITATION = table_of(InvitationRow)
SIGN_IN_ATTEMPT = table_of(SignInAttemptRow)
