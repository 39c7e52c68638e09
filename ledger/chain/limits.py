"""Named limits and constants of the chain, each with its reason."""

from __future__ import annotations

from typing import Final

BATCH_OPERATIONS_MAX: Final = 512
"""Operations in one batch: the contract's array bound."""

BATCH_CALLDATA_SIZE_MAX: Final = 96 * 1024
"""Bytes of calldata in one batch: other clients refuse transactions over 128 KB."""

BLOCK_GAS_LIMIT: Final = 1_000_000_000
"""Gas limit of every block, fixed in genesis. A batch of 512 issues, each naming a new buyer, uses about 150 M."""

BATCH_GAS: Final = BLOCK_GAS_LIMIT // 2 - 1
"""Gas given to one batch. It stays under half a block, so the base fee of 0 can never rise."""

CALL_GAS: Final = 50_000_000
"""Gas of one eth_call: reading needs a few thousand. Cheap opcodes could still take minutes, so time is limited too."""

SEALER_BALANCE_WEI: Final = 10**24
"""Given to the sealer in genesis: more than any fee, should the base fee of a shared network ever rise."""

ZERO_ADDRESS_BALANCE_WEI: Final = 1
"""Given to the zero address in genesis: an engine may touch the header's zero coinbase at the end of a block, and an
account that is not empty is left as it is by every engine, so all agree on the state root."""

CLOCK_STEP_BACK_MAX_S: Final = 2
"""How far the clock may step back: time servers correct by less; more means that something is wrong."""

MAP_SIZE: Final = 1 << 40
"""Size of the LMDB map, 1 TiB, sparse. Fixed: a reader fails when the writer grows it."""

READERS_MAX: Final = 512
"""Reading threads of all processes together: 64 workers of 8 threads."""

READER_CHECK_INTERVAL_S: Final = 60
"""How often slots of readers that died are given back; a stale slot keeps old pages from being reused."""

PROOF_KEYS_MAX: Final = 1_258
"""Words in one proof: two of the invoice, one a party and a certificate, of which the verifier reads 1,000 and 256."""

CONTRACTS_MAX: Final = 16
"""Contracts that carry one ledger, one after the other: a word nobody wrote is looked for in each of them."""

WORDS_KEYS_MAX: Final = 10_000
"""Words in one request of a reader."""

LOG_BLOCKS_MAX: Final = 1_000
"""Blocks that one eth_getLogs may span."""

LOGS_MAX: Final = 10_000
"""Logs that one eth_getLogs may answer: about 5 MB of JSON."""

RPC_BATCH_MAX: Final = 100
"""Requests in one JSON-RPC batch: clients send some ten at once, and a batch holds one thread."""

RPC_TIME_MAX_MS: Final = 10_000
"""Time for one JSON-RPC request or batch: a read takes milliseconds, a search of 1,000 full blocks seconds."""

RPC_ANSWER_SIZE_MAX: Final = 32 * 1024 * 1024
"""Bytes of one JSON-RPC answer: the most that a reader of ours takes from a node."""

REMOTE_TIMEOUT_S: Final = 15
"""Wait for one answer of a remote node."""

REMOTE_ANSWER_SIZE_MAX: Final = 32 * 1024 * 1024
"""Bytes of one answer of a remote node: a full block with its receipts is about 2 MB of JSON."""

REMOTE_BATCH_SIZE: Final = 100
"""Requests in one JSON-RPC batch to a remote node: common servers refuse more than 1,000."""

REMOTE_IDENTITY_AGE_S: Final = 1.0
"""How old a remote chain's list of contracts may be: a signature for one just retired costs its sender one more try."""

REMOTE_SEAL_TIMEOUT_S: Final = 120
"""Wait for a remote network to put a batch into a block."""

CHAIN_ID_BOUND: Final = 1 << 31
"""Chain ids are drawn below this: some wallets and databases keep them in 32 signed bits."""

EPOCH_LENGTH_DEFAULT: Final = 30_000
"""Blocks between headers that list the sealers, as EIP-225 recommends."""
