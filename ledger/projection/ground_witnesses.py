"""Ground tables of witnesses: whose signatures count, how many are needed, what they signed, what they contradict."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

WITNESS_NAME_LENGTH_MAX = 255  # characters, as C2SP keys are named here (ledger.witness.note)
WITNESS_KEY_LENGTH_MAX = 320  # characters of a key as one line: name, 8 digits, 44 of base64, two plus signs
COSIGNATURE_LINE_LENGTH_MAX = 512  # characters of a signature line: dash, name, 104 of base64


class WitnessKeyRow(Row, table=True):
    """A witness's key as the authority admitted it; withdrawn is for good."""

    __tablename__ = "witness_key"
    __table_args__ = (UniqueConstraint("public_key"),)

    seq: int = column.sequence()
    name: str = column.text(WITNESS_NAME_LENGTH_MAX)
    key_id: bytes = column.blob()  # 4 bytes; with the name it names the key on a signature line
    public_key: bytes = column.word()  # Ed25519; one key counts once, whatever it is called
    line: str = column.text(WITNESS_KEY_LENGTH_MAX)  # C2SP verifier key, as the trust file has it
    admitted_by: int = column.whole()
    admitted_at: int = column.whole()
    withdrawn_by: int | None = column.whole(optional=True)
    withdrawn_at: int | None = column.whole(optional=True)


class WitnessPolicyRow(Row, table=True):
    """How many witnesses' signatures verifiers are to ask for; the newest row counts."""

    __tablename__ = "witness_policy"

    seq: int = column.sequence()
    needed: int = column.whole()
    set_by: int = column.whole()
    set_at: int = column.whole()


class CosignatureRow(Row, table=True):
    """A witness's newest signature on one block of this chain."""

    __tablename__ = "cosignature"
    __table_args__ = (Index("ix_cosignature_witness", "witness", "block"),)

    block: int = column.whole(key=True)
    witness: int = column.whole(key=True)  # witness_key.seq
    block_hash: bytes = column.word()
    signed_at: int = column.whole()  # by the witness's clock, part of what it signed
    received_at: int = column.whole()
    line: str = column.text(COSIGNATURE_LINE_LENGTH_MAX)  # without its newline


class WitnessAlarmRow(Row, table=True):
    """A witness's signature on what this chain does not have: somebody saw another history."""

    __tablename__ = "witness_alarm"
    __table_args__ = (UniqueConstraint("witness", "block", "block_hash"),)

    seq: int = column.sequence()
    witness: int = column.whole()  # witness_key.seq
    block: int = column.whole()
    block_hash: bytes = column.word()  # that was signed
    own_hash: bytes | None = column.word(optional=True)  # of this chain's block; none where the chain ended below it
    received_at: int = column.whole()
    note: bytes = column.blob()  # as it came, to be shown


WITNESS_KEY = table_of(WitnessKeyRow)
WITNESS_POLICY = table_of(WitnessPolicyRow)
COSIGNATURE = table_of(CosignatureRow)
WITNESS_ALARM = table_of(WitnessAlarmRow)
