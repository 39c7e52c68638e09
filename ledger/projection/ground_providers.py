"""Ground tables of enterprises' own sign-in providers (OpenID Connect), and of who is linked to which account there.

A subject of a provider stands here as a keyed hash only. A provider's row is bound to its sealed secret and a link's
to its code, so that neither opens anything once somebody changed it.
"""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

ISSUER_LENGTH_MAX = 512
CLIENT_ID_LENGTH_MAX = 255


class SignInProviderRow(Row, table=True):
    """A provider an enterprise registered; rows of removed ones are deleted."""

    __tablename__ = "sign_in_provider"
    __table_args__ = (Index("ix_sign_in_provider_enterprise", "enterprise"),)

    provider_id: str = column.text(32, key=True)  # 32 random hex digits, in the link its people sign in with
    enterprise: int = column.whole()
    issuer: str = column.text(ISSUER_LENGTH_MAX)
    client_id: str = column.text(CLIENT_ID_LENGTH_MAX)
    sealed_secret: bytes = column.blob()  # client secret, sealed for all that this row says
    created_at: int = column.whole()
    made_with: str | None = column.text(16, optional=True)  # key_id: it ends with that one


class ProviderLinkRow(Row, table=True):
    """A person's account at a provider, which the person linked itself, or by its company's invitation."""

    __tablename__ = "provider_link"
    __table_args__ = (
        UniqueConstraint("provider_id", "subject_index"),
        Index("ix_provider_link_identity", "identity"),
    )

    provider_id: str = column.text(32, key=True)
    identity: bytes = column.word(key=True)  # identity hash of the person
    subject_index: bytes = column.word()  # keyed hash of provider and subject
    linked_at: int = column.whole()
    proof: bytes = column.word()  # keyed hash of what this row says
    made_with: str | None = column.text(16, optional=True)  # key_id behind the password or the invitation
    acted_by: int | None = column.whole(optional=True)  # party that invited; none for who linked itself


class ProviderAnswerRow(Row, table=True):
    """A sign-in whose answer was taken: it is taken once, and forgotten when nobody could bring it any more."""

    __tablename__ = "provider_answer"
    __table_args__ = (Index("ix_provider_answer_expiry", "expires_at"),)

    flow_id: str = column.text(32, key=True)
    expires_at: int = column.whole()


SIGN_IN_PROVIDER = table_of(SignInProviderRow)
PROVIDER_LINK = table_of(ProviderLinkRow)
PROVIDER_ANSWER = table_of(ProviderAnswerRow)
