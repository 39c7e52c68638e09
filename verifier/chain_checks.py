"""Steps `ledger`, `seal`, `witnesses` and `account`: from the pinned ledger down to the contracts' storage.

They need of a file only what every kind of proof has (`examination.Proven`).
"""

from __future__ import annotations

from itertools import pairwise

from verifier.contract_words import EMPTY_CODE_HASH, ContractWords, account_at
from verifier.errors import CheckError, UncheckedError
from verifier.examination import ChainExamination, FileT
from verifier.header import parse_header
from verifier.reasons import Reason
from verifier.report import Compared
from verifier.shape import utc_text
from verifier.signatures import address_of
from verifier.trie import ProofNodes
from verifier.witnesses import checkpoint_text, parse_cosignature

NO_ADDRESS = bytes(20)


def check_ledger(run: ChainExamination[FileT]) -> Compared:
    """The file's chain id and genesis hash are those of the trust file, its contracts the first of those there."""
    file, trust = run.file, run.trust
    for name, found, trusted in (
        ("chain_id", file.chain_id, trust.chain_id),
        ("genesis", file.genesis, trust.genesis),
    ):
        if found != trusted:
            raise UncheckedError(Reason.OTHER_LEDGER, name)
    known = tuple(one.address for one in trust.contracts)
    for mine, pinned in zip(file.contracts, known, strict=False):
        if mine != pinned:
            raise UncheckedError(Reason.OTHER_LEDGER, "contracts")
    if len(file.contracts) > len(known):
        raise UncheckedError(Reason.TRUST_OUTDATED, f"{len(file.contracts)} contracts, {len(known)} trusted")
    named = {f"contract_{at}": address.hex() for at, address in enumerate(file.contracts)}
    return {"chain_id": file.chain_id, "genesis": file.genesis.hex(), **named}


def check_seal(run: ChainExamination[FileT]) -> Compared:
    """The header is well formed and sealed by one of the pinned sealers."""
    header = parse_header(run.file.proof.header)
    sealer = header.sealed_by(run.trust.sealers)
    run.header = header
    listed: Compared = {"sealers_listed": len(header.sealers)} if header.sealers else {}
    return {
        "block": header.number,
        "block_hash": header.hash.hex(),
        "time": utc_text(header.time_s),
        "sealer": address_of(sealer).hex(),
        **listed,
    }


def check_witnesses(run: ChainExamination[FileT]) -> Compared:
    """The checkpoint is that of the sealed header, each line below it is a pinned witness's, and they are enough."""
    assert run.header is not None, "step seal runs first"
    file, trust = run.file, run.trust
    expected = checkpoint_text(file.chain_id, file.genesis, run.header)
    if file.checkpoint is not None and file.checkpoint != expected:
        raise CheckError(Reason.CHECKPOINT_DIFFERS, "not that of the header")
    if any(one >= two for one, two in pairwise(file.witnesses)):
        raise CheckError(Reason.WITNESS_SURPLUS, "lines are not in ascending order")
    keys = {(key.name, key.key_id): key for key in trust.witnesses}
    signed: dict[str, str | int] = {}
    unknown = ""
    for line in file.witnesses:
        one = parse_cosignature(line)
        key = keys.get((one.name, one.key_id))
        if key is None:
            unknown = unknown or f"{one.name} {one.key_id.hex()}"
            continue
        if f"witness {one.name}" in signed:
            raise CheckError(Reason.WITNESS_SURPLUS, one.name)
        if not key.is_cosigned(expected, one.time_s, one.signature):
            raise CheckError(Reason.WITNESS_SIGNATURE_INVALID, one.name)
        signed[f"witness {one.name}"] = utc_text(one.time_s)
    if unknown:  # admitted after this trust file, or withdrawn before it: no word against the evidence
        raise UncheckedError(Reason.WITNESS_UNKNOWN, unknown)
    if len(signed) < trust.witnesses_needed:
        raise UncheckedError(Reason.WITNESSES_MISSING, f"{len(signed)} of {trust.witnesses_needed}")
    return {"signed": len(signed), "needed": trust.witnesses_needed, **signed}


def check_account(run: ChainExamination[FileT]) -> Compared:
    """The state root holds each contract's account with its pinned code, and each handed over to the next one listed.

    No account node is surplus. What the storage holds is looked up by later steps.
    """
    assert run.header is not None, "step seal runs first"
    contracts, state_root = run.file.contracts, run.header.state_root
    nodes = ProofNodes(run.file.proof.account)
    roots = []
    compared: dict[str, str | int] = {"state_root": state_root.hex()}
    for at, (address, pinned) in enumerate(zip(contracts, run.trust.contracts, strict=False)):
        storage_root, code_hash = account_at(nodes, state_root, address)
        if code_hash == EMPTY_CODE_HASH:
            raise CheckError(Reason.ACCOUNT_ABSENT, address.hex())
        if code_hash != pinned.code_hash:
            raise CheckError(Reason.CODE_DIFFERS, code_hash.hex())
        roots.append(storage_root)
        compared |= {f"code_hash_{at}": code_hash.hex(), f"storage_root_{at}": storage_root.hex()}
    words = ContractWords(run.file.proof.storage, tuple(roots))
    *earlier, last = words.successors()
    for at, successor in enumerate(earlier):
        if successor != contracts[at + 1]:
            raise CheckError(Reason.SUCCESSION_DIFFERS, f"contract {at} handed over to {successor.hex()}")
    if last not in {NO_ADDRESS, *contracts}:
        if account_at(nodes, state_root, last)[1] != EMPTY_CODE_HASH:
            raise CheckError(Reason.CONTRACT_SUCCEEDED, last.hex())
        compared["closed_for"] = last.hex()
    nodes.check_all_used()
    run.words = words
    return compared
