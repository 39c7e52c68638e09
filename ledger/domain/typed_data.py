"""EIP-712 typed data as wallets take it: the JSON of a group of operations, and back.

What a wallet signs is computed from this JSON, so it holds all of the group and nothing else. Words of 256 bits are
decimal text: JavaScript reads no larger number than 2**53 - 1 as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ledger.domain.groups import ChainDomain, Group
from verifier.canonical import Json
from verifier.operations import DOMAIN_NAME, DOMAIN_VERSION, GROUP_OPERATIONS_MAX, Operation

GROUP_TYPE = "Group"
_DOMAIN_FIELDS = (
    ("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address"),
)  # fmt: skip
_GROUP_FIELDS = (("actor", "uint32"), ("validUntil", "uint64"), ("operations", "Operation[]"))
_OPERATION_FIELDS = (("what", "uint256"), ("terms", "uint256"), ("who", "bytes32"), ("ref", "bytes32"))
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)


class TypedDataError(ValueError):
    """Not the typed data of a group of this form; the message says what is wrong."""


def group_typed_data(group: Group, domain: ChainDomain) -> dict[str, Json]:
    """The typed data whose EIP-712 digest is `group.digest(domain)`."""
    operations: list[Json] = []
    for operation in group.operations:
        what, terms, who, ref = operation.words()
        operations.append({"what": str(what), "terms": str(terms), "who": "0x" + who.hex(), "ref": "0x" + ref.hex()})
    return typed_data(
        GROUP_TYPE,
        {GROUP_TYPE: _GROUP_FIELDS, "Operation": _OPERATION_FIELDS},
        {"actor": group.actor, "validUntil": group.valid_until, "operations": operations},
        domain,
    )


def typed_data(
    primary: str, types: Mapping[str, tuple[tuple[str, str], ...]], message: dict[str, Json], domain: ChainDomain
) -> dict[str, Json]:
    """Typed data of a message of the type `primary`; `types` holds each type's (name, type) pairs."""
    listed = {"EIP712Domain": _DOMAIN_FIELDS, **types}
    return {
        "types": {name: [{"name": field, "type": kind} for field, kind in pairs] for name, pairs in listed.items()},
        "primaryType": primary,
        "domain": {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": "0x" + domain.contract.hex(),
        },
        "message": message,
    }


def read_domain(given: object, primary: str, types: Mapping[str, tuple[tuple[str, str], ...]]) -> ChainDomain:
    """Which ledger typed data is for, once it is seen to be of exactly that type.

    Raises: TypedDataError; a signature of other types would sign something that nobody showed.
    """
    if not isinstance(given, dict) or not isinstance(given.get("domain"), dict):
        raise TypedDataError("not EIP-712 typed data")
    domain = given["domain"]
    contract, chain_id = domain.get("verifyingContract"), domain.get("chainId")
    if type(chain_id) is not int or not 0 < chain_id < 1 << 256:
        raise TypedDataError("chainId is a positive integer")
    found = ChainDomain(chain_id, _bytes(contract, 20, "verifyingContract"))
    message = given.get("message")
    if not isinstance(message, dict) or given != typed_data(primary, types, message, found):
        raise TypedDataError(f"not typed data of the type {primary} of an {DOMAIN_NAME}, version {DOMAIN_VERSION}")
    return found


def read_group(given: object) -> tuple[Group, ChainDomain]:
    """The group that typed data holds, and for which ledger. Raises: TypedDataError for anything else."""
    domain = read_domain(given, GROUP_TYPE, {GROUP_TYPE: _GROUP_FIELDS, "Operation": _OPERATION_FIELDS})
    assert isinstance(given, dict)
    message = given["message"]
    if set(message) != {"actor", "validUntil", "operations"} or not isinstance(message["operations"], list):
        raise TypedDataError("a group has actor, validUntil and operations")
    if not 1 <= len(message["operations"]) <= GROUP_OPERATIONS_MAX:
        raise TypedDataError(f"a group holds 1 to {GROUP_OPERATIONS_MAX} operations")
    for name, bits in (("actor", 32), ("validUntil", 64)):
        if type(message[name]) is not int or not 0 <= message[name] < 1 << bits:
            raise TypedDataError(f"{name} is an integer of {bits} bits")
    operations = tuple(_operation(one) for one in message["operations"])
    return Group(message["actor"], message["validUntil"], operations), domain


def _operation(given: object) -> Operation:
    if not isinstance(given, dict) or set(given) != {name for name, _ in _OPERATION_FIELDS}:
        raise TypedDataError("an operation has what, terms, who and ref")
    what, terms = (_word(given[name], name) for name in ("what", "terms"))
    return Operation.from_words(what, terms, _bytes(given["who"], 32, "who"), _bytes(given["ref"], 32, "ref"))


def _word(given: object, name: str) -> int:
    if not isinstance(given, str) or not _DECIMAL.fullmatch(given) or int(given) >= 1 << 256:
        raise TypedDataError(f"{name} is an integer of 256 bits as decimal text")
    return int(given)


def _bytes(given: object, size: int, name: str) -> bytes:
    if not isinstance(given, str) or not re.fullmatch(rf"0x[0-9a-f]{{{2 * size}}}", given, re.ASCII):
        raise TypedDataError(f"{name} is 0x and {2 * size} lower-case hex digits")
    return bytes.fromhex(given[2:])
