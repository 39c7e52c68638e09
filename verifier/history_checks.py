"""Steps `history` and `rules`: the operations lead to the head word on chain, and each was allowed."""

from __future__ import annotations

from verifier.certificates import kind_of
from verifier.errors import CheckError
from verifier.examination import Examination
from verifier.hashing import ZERO_HASH
from verifier.operations import INVOICE_CODES, Code, domain_separator, group_digest, numbers_written
from verifier.reasons import Reason
from verifier.report import Compared
from verifier.rule_state import InvoiceState, Step
from verifier.rules import after, first
from verifier.shape import utc_text, word_hex
from verifier.words import StateWord, head_after


def check_history(run: Examination) -> Compared:
    """Hashing every operation in order from zero gives the head word; the last state is the state word."""
    assert run.header is not None, "step words runs first"
    bundle = run.bundle
    separators = [domain_separator(bundle.chain_id, contract) for contract in bundle.contracts]
    head, time_s, contract = ZERO_HASH, 0, 0
    for at, event in enumerate(bundle.history):
        if event.time_s < time_s:
            raise CheckError(Reason.TIME_ORDER, f"history.{at}")
        if event.contract < contract:
            raise CheckError(Reason.CONTRACT_ORDER, f"history.{at}: contract {event.contract} after {contract}")
        time_s, contract = event.time_s, event.contract
        digest = group_digest(separators[contract], event.actor, event.valid_until, event.group_hashes())
        signer = run.certificates[event.certificate].address
        head = head_after(head, digest, event.operation.hash(), signer, time_s, event.state)
    if time_s > run.header.time_s:
        raise CheckError(Reason.TIME_ORDER, f"last operation {utc_text(time_s)}, block {utc_text(run.header.time_s)}")
    if bundle.history[-1].state != run.state:
        raise CheckError(Reason.STATE_DIFFERS, word_hex(bundle.history[-1].state))
    if int.from_bytes(head, "big") != run.head:
        raise CheckError(Reason.HEAD_DIFFERS, head.hex())
    return {"operations": len(bundle.history), "head": head.hex(), "state": word_hex(run.state)}


def check_rules(run: Examination) -> Compared:
    """Each recorded state is what the rules derive from the one before and the operation."""
    parties = run.parties_by_hash()
    state: InvoiceState | None = None
    compared: dict[str, str | int] = {}
    for at, event in enumerate(run.bundle.history):
        if run.bundle.number not in numbers_written(event.operation) and event.operation.code in INVOICE_CODES:
            raise CheckError(Reason.OPERATION_OF_ANOTHER, f"history.{at}")
        if event.operation.code == Code.ISSUE_RED and len(event.group_hashes()) > 1:
            raise CheckError(Reason.RULE_BROKEN, f"history.{at}: a red letter stands alone in its group")
        kind = kind_of(run.certificates[event.certificate].identity)
        step = Step(event.operation, event.actor, kind, event.time_s, StateWord.unpack(event.state))
        try:
            number = run.bundle.number
            state = first(step, number, parties) if state is None else after(state, step, number, parties)
        except CheckError as err:
            raise CheckError(err.reason, f"history.{at}: {err.at}") from err
        if state.word.pack() != event.state:
            raise CheckError(Reason.TRANSITION_DIFFERS, f"history.{at}")
        name = Code(event.operation.code).name.lower()
        compared[f"operation_{at}"] = f"{name} by party {event.actor} at {utc_text(event.time_s)}"
    return compared
