"""Where blocks come from: what a source is, and the operator's JSON-RPC as one.

Nothing here is believed: a source gives bytes that are headers, and `following` checks each of them. What is no header,
too large, too slow or of another type is a SourceError.
"""

from __future__ import annotations

import http.client
import json
from typing import Any, Final, Protocol

from ledger.witness.errors import SourceError
from ledger.witness.headers import HEADER_SIZE_MAX, Seen, read_header
from ledger.witness.posting import address_of, post
from verifier.canonical import check_depth
from verifier.errors import CanonicalError, CheckError
from verifier.header import NUMBER_MAX
from verifier.rlp import Item, encode

HEADERS_AT_ONCE_MAX: Final = 50  # the operator takes 100 requests in a batch; a block without transactions has 2.5 KB
ANSWER_SIZE_MAX: Final = 4 * 1024 * 1024  # bytes; 50 blocks of one transaction take 130 KB
ANSWER_LIMIT_S: Final = 30.0  # seconds for one whole answer: the operator ends a request after 10
API_KEY_SIZE_MAX: Final = 512  # characters
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SIZES: Final = {
    "parentHash": 32, "sha3Uncles": 32, "miner": 20, "stateRoot": 32, "transactionsRoot": 32, "receiptsRoot": 32,
    "logsBloom": 256, "difficulty": None, "number": None, "gasLimit": None, "gasUsed": None, "timestamp": None,
    "extraData": -1, "mixHash": 32, "nonce": 8, "baseFeePerGas": None,
}  # fmt: skip
"""A header's fields in order. Sizes in bytes; None: a quantity; -1: bytes of any size."""


class Source(Protocol):
    """A chain as somebody shows it. `is_live`: it shows every block as soon as it is sealed."""

    is_live: bool

    def height(self) -> int:
        """Number of the newest block. Raises: SourceError."""

    def headers(self, first: int, count: int) -> list[Seen]:
        """Headers of `count` (at most HEADERS_AT_ONCE_MAX) blocks from `first`. Raises: SourceError."""

    def close(self) -> None:
        """Lets go of what is open."""


class RpcSource:
    """The chain by `POST /rpc` of the operator, or any node's JSON-RPC."""

    is_live = True

    def __init__(self, url: str, api_key: str | None = None, *, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        parts = address_of(url, "a JSON-RPC")
        if api_key is not None and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise SourceError("the API key would travel in the clear: use https, or a tunnel that ends on this machine")
        if api_key is not None and not (
            api_key.isascii() and api_key.isprintable() and 0 < len(api_key) <= API_KEY_SIZE_MAX
        ):
            raise SourceError("the API key is no printable line; give the key alone in its file")
        self._parts = parts
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._answer_limit_s = answer_limit_s

    def height(self) -> int:
        """Number of the newest block."""
        return _quantity(self._call([("eth_blockNumber", [])])[0], "eth_blockNumber")

    def headers(self, first: int, count: int) -> list[Seen]:
        """Headers of `count` blocks from `first`, each encoded from its JSON; the hash is ours, not the answer's."""
        assert 0 < count <= HEADERS_AT_ONCE_MAX
        calls: list[tuple[str, list[Any]]] = [
            ("eth_getBlockByNumber", [hex(number), False]) for number in range(first, first + count)
        ]
        return [_seen(block, number) for number, block in enumerate(self._call(calls), first)]

    def close(self) -> None:
        """Nothing is kept open between requests."""

    def _call(self, calls: list[tuple[str, list[Any]]]) -> list[Any]:
        body = json.dumps(
            [{"jsonrpc": "2.0", "id": at, "method": name, "params": given} for at, (name, given) in enumerate(calls)]
        )
        value = _json(self.post(body.encode()))
        if isinstance(value, dict):
            raise SourceError(f"the answer is an error: {_error_text(value)}")
        if not isinstance(value, list) or len(value) != len(calls):
            raise SourceError(f"{len(calls)} requests were not answered one by one")
        results: dict[int, Any] = {}
        for one in value:
            if not isinstance(one, dict) or type(one.get("id")) is not int:
                raise SourceError("an answer without the id of its request")
            if "result" not in one:
                raise SourceError(f"the answer is an error: {_error_text(one)}")
            results[one["id"]] = one["result"]
        if set(results) != set(range(len(calls))):
            raise SourceError("an answer to no request")
        return [results[at] for at in range(len(calls))]

    def post(self, body: bytes) -> bytes:
        """The answer to a JSON-RPC body as it came. Raises: SourceError."""
        status, data = post(
            self._parts, body, self._headers, answer_limit_s=self._answer_limit_s, size_max=ANSWER_SIZE_MAX
        )
        if status in {401, 403}:
            raise SourceError(f"status {status}: /rpc needs the API key of an officer (--key-file)")
        if status != http.client.OK:
            raise SourceError(f"status {status} instead of an answer")
        return data


def header_of(encoded: bytes, number: int) -> Seen:
    """The header of block `number`. Raises: SourceError when the bytes are none."""
    try:
        return read_header(encoded)
    except CheckError as err:
        raise SourceError(f"block {number} has no header of this chain: {err}") from err


def _seen(block: Any, number: int) -> Seen:
    """The header of a block in JSON, encoded again; its hash must be the one that the answer states."""
    if not isinstance(block, dict):
        raise SourceError(f"block {number} is not there")
    items: list[Item] = []
    for name, size in _SIZES.items():
        where = f"block {number}: {name}"
        if size is None:
            value = _quantity(block.get(name), where)
            items.append(value.to_bytes((value.bit_length() + 7) // 8, "big"))
        else:
            items.append(_bytes(block.get(name), size, where))
    seen = header_of(encode(items), number)
    if _bytes(block.get("hash"), 32, f"block {number}: hash") != seen.hash:
        raise SourceError(f"block {number}: the hash stated is not that of the header stated")
    return seen


def _quantity(value: Any, where: str) -> int:
    if not isinstance(value, str) or not 3 <= len(value) <= 18 or not value.startswith("0x"):
        raise SourceError(f"{where} is no quantity")
    try:
        number = int(value, 0)
    except ValueError as err:
        raise SourceError(f"{where} is no quantity") from err
    if hex(number) != value.lower() or number > NUMBER_MAX:
        raise SourceError(f"{where} is no quantity of at most {NUMBER_MAX}")
    return number


def _bytes(value: Any, size: int, where: str) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x") or len(value) > 2 + 2 * HEADER_SIZE_MAX:
        raise SourceError(f"{where} is no bytes in hex")
    try:
        data = bytes.fromhex(value[2:])
    except ValueError as err:
        raise SourceError(f"{where} is no bytes in hex") from err
    if 2 + 2 * len(data) != len(value) or size not in {-1, len(data)}:
        raise SourceError(f"{where} has {len(data)} bytes, not {size}")
    return data


def _json(data: bytes) -> Any:
    try:
        text = data.decode()
        check_depth(text)
        return json.loads(text)
    except (ValueError, CanonicalError) as err:
        raise SourceError("the answer is no JSON") from err


def _error_text(value: dict[str, Any]) -> str:
    error = value.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return ascii(message)[:200] if isinstance(message, str) else "without a message"
