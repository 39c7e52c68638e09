"""Reading an evidence file: bytes into the frozen values of `bundle.py`, by shape and limits alone."""

from __future__ import annotations

from verifier.bundle import FORMAT, VERSION, Bundle, Event, PartyIdentity, Proof
from verifier.canonical import Json, loads
from verifier.certificates import CERTIFICATE_SIZE_MAX
from verifier.commitment import LEAVES_MAX, PATH_SIZE_MAX, SALT_SIZE, Disclosure, HiddenLeaf, ShownLeaf
from verifier.erasure import Erasure
from verifier.errors import ShapeError
from verifier.operations import GROUP_OPERATIONS_MAX, Operation
from verifier.reasons import Reason
from verifier.shape import based, fields, hexed, integer, items, text, word
from verifier.signatures import ADDRESS_SIZE
from verifier.trie import NODE_SIZE_MAX
from verifier.trust import CONTRACTS_MAX, WITNESSES_MAX
from verifier.witnesses import CHECKPOINT_SIZE_MAX, WITNESS_LINE_SIZE_MAX

FILE_SIZE_MAX = 4_000_000  # bytes; a whole document of 2,000 full lines takes 2.5 MB
HISTORY_MAX = 1_000  # operations of one invoice; each costs a signature check of 0.3 ms
CERTIFICATES_MAX = 256  # signers of one invoice over its life, and their issuers
PARTIES_MAX = 1_000
HEADER_SIZE_MAX = 4096  # bytes; 610, more at an epoch block, which lists the sealers
ACCOUNT_NODES_MAX = 256  # of CONTRACTS_MAX accounts; a ledger's own chain has few, its state trie is a few nodes deep
STORAGE_NODES_MAX = 8_192  # eight nodes a word, for the words of PARTIES_MAX parties
IDENTITY_SIZE_MAX = 128  # characters of an identity text
UINT32_MAX, UINT48_MAX = 2**32 - 1, 2**48 - 1

FILE_FIELDS = (
    "format",
    "version",
    "chain",
    "number",
    "document",
    "certificates",
    "history",
    "parties",
    "proof",
    "checkpoint",
    "witnesses",
)
EVENT_FIELDS = ("time_s", "operation", "state", "certificate", "group")
ERASURE_FIELDS = ("number", "at", "r", "s")
GROUP_FIELDS = ("contract", "actor", "valid_until", "before", "after", "r", "s")


def parse(data: bytes) -> Bundle:
    """The evidence file that `data` is, by its shape; nothing it says is checked yet.

    Raises: CanonicalError when it is no canonical JSON of at most FILE_SIZE_MAX bytes, ShapeError when it is
    not this format.
    """
    return parse_bundle(loads(data, FILE_SIZE_MAX))


def parse_bundle(value: Json) -> Bundle:
    """The evidence file that a file's JSON is, by its shape. Raises: ShapeError when it is not this format."""
    found = fields(_versioned(value), FILE_FIELDS, "")
    certificates = items(found["certificates"], CERTIFICATES_MAX, "certificates")
    history = items(found["history"], HISTORY_MAX, "history")
    if not history:
        raise ShapeError(Reason.NOT_EVIDENCE, "history: empty")
    chain_id, contracts, genesis = chain_of(found["chain"])
    checkpoint, witnesses = witnessed(found["checkpoint"], found["witnesses"])
    limits = len(certificates), len(contracts)
    document, erasure = _document(found["document"])
    return Bundle(
        chain_id=chain_id,
        contracts=contracts,
        genesis=genesis,
        number=number_of(found["number"]),
        document=document,
        certificates=tuple(based(der, CERTIFICATE_SIZE_MAX, "certificates") for der in certificates),
        history=tuple(_event(event, f"history.{at}", *limits) for at, event in enumerate(history)),
        parties=tuple(_party(party) for party in items(found["parties"], PARTIES_MAX, "parties")),
        proof=proof_of(found["proof"]),
        checkpoint=checkpoint,
        witnesses=witnesses,
        erasure=erasure,
    )


def chain_of(value: Json) -> tuple[int, tuple[bytes, ...], bytes]:
    """Chain id, contracts (first to current) and genesis hash of the key `chain`."""
    chain = fields(value, ("chain_id", "contracts", "genesis"), "chain")
    contracts = items(chain["contracts"], CONTRACTS_MAX, "chain.contracts")
    if not contracts:
        raise ShapeError(Reason.NOT_EVIDENCE, "chain.contracts: empty")
    return (
        integer(chain["chain_id"], "chain.chain_id"),
        tuple(hexed(contract, ADDRESS_SIZE, "chain.contracts") for contract in contracts),
        hexed(chain["genesis"], 32, "chain.genesis"),
    )


def proof_of(value: Json) -> Proof:
    """The key `proof`."""
    proof = fields(value, ("header", "account", "storage"), "proof")
    return Proof(
        based(proof["header"], HEADER_SIZE_MAX, "proof.header"),
        _nodes(proof["account"], ACCOUNT_NODES_MAX, "proof.account"),
        _nodes(proof["storage"], STORAGE_NODES_MAX, "proof.storage"),
    )


def witnessed(checkpoint: Json, witnesses: Json) -> tuple[str | None, tuple[str, ...]]:
    """The keys `checkpoint` and `witnesses`: neither stands without the other."""
    lines = items(witnesses, WITNESSES_MAX, "witnesses")
    if (checkpoint is None) != (not lines):
        raise ShapeError(Reason.NOT_EVIDENCE, "checkpoint and witnesses: one without the other")
    said = None if checkpoint is None else text(checkpoint, CHECKPOINT_SIZE_MAX, "checkpoint")
    return said, tuple(text(line, WITNESS_LINE_SIZE_MAX, "witnesses") for line in lines)


def _versioned(value: Json) -> Json:
    """`value`, when its format and version are ours: another version is not a damaged file."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ShapeError(Reason.NOT_EVIDENCE, "format")
    if value.get("version") != VERSION or isinstance(value.get("version"), bool):
        raise ShapeError(Reason.UNKNOWN_VERSION, "version")
    return value


def number_of(value: Json, at: str = "number") -> int:
    """An invoice's number, written as 20 digits."""
    digits = text(value, 20, at)
    if len(digits) != 20 or not digits.isascii() or not digits.isdigit():
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: not 20 digits")
    return int(digits)


def _document(value: Json) -> tuple[Disclosure | None, Erasure | None]:
    """The document, or the erasure in its place: a file that has both, or neither, is none."""
    if isinstance(value, dict) and "erasure" in value:
        return None, _erasure(fields(value, ("erasure",), "document")["erasure"])
    found = fields(value, ("count", "shown", "hidden"), "document")
    count = integer(found["count"], "document.count", 1, LEAVES_MAX)
    shown = [_shown(leaf) for leaf in items(found["shown"], LEAVES_MAX, "document.shown")]
    hidden = [_hidden(leaf) for leaf in items(found["hidden"], LEAVES_MAX, "document.hidden")]
    return Disclosure(count, tuple(shown), tuple(hidden)), None


def _erasure(value: Json) -> Erasure:
    at = "document.erasure"
    found = fields(value, ERASURE_FIELDS, at)
    return Erasure(
        number=number_of(found["number"], f"{at}.number"),
        at_s=integer(found["at"], f"{at}.at", 0, UINT48_MAX),
        r=word(found["r"], f"{at}.r"),
        s=word(found["s"], f"{at}.s"),
    )


def _shown(value: Json) -> ShownLeaf:
    at = "document.shown"
    leaf = items(value, 4, at)
    if len(leaf) != 4 or isinstance(leaf[3], dict | list):
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: not index, path, salt and a plain value")
    index = integer(leaf[0], at, 0, LEAVES_MAX - 1)
    return ShownLeaf(index, text(leaf[1], PATH_SIZE_MAX, at), hexed(leaf[2], SALT_SIZE, at), leaf[3])


def _hidden(value: Json) -> HiddenLeaf:
    at = "document.hidden"
    leaf = items(value, 2, at)
    if len(leaf) != 2:
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}: not index and hash")
    return HiddenLeaf(integer(leaf[0], at, 0, LEAVES_MAX - 1), hexed(leaf[1], 32, at))


def _event(value: Json, at: str, certificates: int, contracts: int) -> Event:
    found = fields(value, EVENT_FIELDS, at)
    words = items(found["operation"], 4, f"{at}.operation")
    if len(words) != 4:
        raise ShapeError(Reason.NOT_EVIDENCE, f"{at}.operation: not four words")
    group = fields(found["group"], GROUP_FIELDS, f"{at}.group")
    return Event(
        time_s=integer(found["time_s"], f"{at}.time_s", 0, UINT48_MAX),
        operation=Operation.from_words(
            word(words[0], f"{at}.operation"),
            word(words[1], f"{at}.operation"),
            hexed(words[2], 32, f"{at}.operation"),
            hexed(words[3], 32, f"{at}.operation"),
        ),
        state=word(found["state"], f"{at}.state"),
        actor=integer(group["actor"], f"{at}.group.actor", 0, UINT32_MAX),
        valid_until=integer(group["valid_until"], f"{at}.group.valid_until", 0, UINT48_MAX),
        before=_hashes(group["before"], f"{at}.group.before"),
        after=_hashes(group["after"], f"{at}.group.after"),
        r=word(group["r"], f"{at}.group.r"),
        s=word(group["s"], f"{at}.group.s"),
        certificate=integer(found["certificate"], f"{at}.certificate", 0, certificates - 1),
        contract=integer(group["contract"], f"{at}.group.contract", 0, contracts - 1),
    )


def _hashes(value: Json, at: str) -> tuple[bytes, ...]:
    return tuple(hexed(item, 32, at) for item in items(value, GROUP_OPERATIONS_MAX - 1, at))


def _party(value: Json) -> PartyIdentity:
    found = fields(value, ("party", "hash", "text"), "parties")
    shown = None if found["text"] is None else text(found["text"], IDENTITY_SIZE_MAX, "parties.text")
    party = integer(found["party"], "parties.party", 1, UINT32_MAX)
    return PartyIdentity(party, hexed(found["hash"], 32, "parties.hash"), shown)


def _nodes(value: Json, count_max: int, at: str) -> tuple[bytes, ...]:
    return tuple(based(node, NODE_SIZE_MAX, at) for node in items(value, count_max, at))
