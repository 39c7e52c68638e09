"""The witness: follows the chain from outside, refuses rollbacks and second histories, and signs checkpoints.

It shares no process, store or key with the ledger; of the project it uses `verifier` alone. docs/WITNESS.md.
"""

from ledger.witness.checkpoint import Checkpoint, origin_of, parse_checkpoint
from ledger.witness.conviction import Conviction, check_conviction, conviction_bytes
from ledger.witness.errors import (
    ConvictionError,
    HomeError,
    NoteError,
    SourceError,
    StateOlderError,
    WitnessError,
)
from ledger.witness.exported import ExportedSource
from ledger.witness.home import Home, Signed, found_home, locked, open_home
from ledger.witness.note import (
    COSIGNATURE,
    PLAIN,
    Note,
    Signature,
    SignerKey,
    VerifierKey,
    parse_note,
    parse_signer_key,
    parse_verifier_key,
)
from ledger.witness.publishing import Publisher, checkpoints_url
from ledger.witness.running import Told, witness, witness_once
from ledger.witness.sources import RpcSource, Source
from ledger.witness.state import Kind, Refusal, Skew, State

__all__ = [
    "COSIGNATURE",
    "PLAIN",
    "Checkpoint",
    "Conviction",
    "ConvictionError",
    "ExportedSource",
    "Home",
    "HomeError",
    "Kind",
    "Note",
    "NoteError",
    "Publisher",
    "Refusal",
    "RpcSource",
    "Signature",
    "Signed",
    "SignerKey",
    "Skew",
    "Source",
    "SourceError",
    "State",
    "StateOlderError",
    "Told",
    "VerifierKey",
    "WitnessError",
    "check_conviction",
    "checkpoints_url",
    "conviction_bytes",
    "found_home",
    "locked",
    "open_home",
    "origin_of",
    "parse_checkpoint",
    "parse_note",
    "parse_signer_key",
    "parse_verifier_key",
    "witness",
    "witness_once",
]
