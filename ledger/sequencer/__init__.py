"""One writer puts waiting groups on the chain and applies its blocks; requests wait here for their outcome."""

from ledger.sequencer.chain import BatchWriter, BlockReader
from ledger.sequencer.errors import SequencerError, SequencerStoppedError
from ledger.sequencer.outcome_watch import OutcomeWatch
from ledger.sequencer.process import run_until_signal
from ledger.sequencer.sequencer import Pace, Round, Sequencer

__all__ = [
    "BatchWriter",
    "BlockReader",
    "OutcomeWatch",
    "Pace",
    "Round",
    "Sequencer",
    "SequencerError",
    "SequencerStoppedError",
    "run_until_signal",
]
