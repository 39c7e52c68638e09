"""Sealed headers: the chain engine's own seal is accepted, and no byte of a header can change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rlp
from eth.consensus.clique._utils import get_signature_hash, sign_block_header
from eth.constants import EMPTY_UNCLE_HASH
from eth.vm.forks.london.headers import LondonBlockHeader
from eth_keys import keys
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.bundle_factory import SEALER_KEY, START_S, point, private_key, sealed_header
from verifier.errors import CheckError
from verifier.hashing import keccak256
from verifier.header import parse_header
from verifier.operations import SECP256K1_ORDER
from verifier.reasons import Reason
from verifier.signatures import address_of

MAINNET = Path(__file__).parents[3] / "shared/samples/vectors/mpt_receipts/mainnet_14764013.json"
SEALERS = (point(private_key(2001)), point(SEALER_KEY))
ROOT = keccak256(b"state")
HEADER = sealed_header(ROOT, START_S, SEALER_KEY)


def test_header_sealed_by_the_chain_engine_is_accepted() -> None:
    secret = SEALER_KEY.private_numbers().private_value.to_bytes(32, "big")
    header = LondonBlockHeader(
        difficulty=2,
        block_number=7,
        gas_limit=30_000_000,
        timestamp=START_S,
        state_root=ROOT,
        uncles_hash=EMPTY_UNCLE_HASH,
        extra_data=bytes(32) + bytes(65),
        mix_hash=bytes(32),
        nonce=bytes(8),
        base_fee_per_gas=0,
    )
    sealed = sign_block_header(header, keys.PrivateKey(secret))
    found = parse_header(rlp.encode(sealed))
    assert found.hash == sealed.hash
    assert found.seal_hash == get_signature_hash(sealed)
    assert (found.number, found.time_s, found.state_root) == (7, START_S, ROOT)
    assert found.sealed_by(SEALERS) == SEALERS[1]


def test_seal_of_a_stranger_is_refused() -> None:
    found = parse_header(sealed_header(ROOT, START_S, private_key(9)))
    with pytest.raises(CheckError) as caught:
        found.sealed_by(SEALERS)
    assert caught.value.reason is Reason.SEAL_INVALID


def test_epoch_header_that_lists_sealers_is_accepted() -> None:
    listed = tuple(sorted((bytes([1]) * 20, address_of(SEALERS[1]), bytes([255]) * 20)))
    header = parse_header(sealed_header(ROOT, START_S, SEALER_KEY, f12=bytes(32) + b"".join(listed)))
    assert header.sealers == listed
    assert header.sealed_by(SEALERS) == SEALERS[1]


def test_epoch_header_that_does_not_list_its_own_sealer_is_refused() -> None:
    header = parse_header(sealed_header(ROOT, START_S, SEALER_KEY, f12=bytes(32) + bytes([1]) * 20))
    with pytest.raises(CheckError):
        header.sealed_by(SEALERS)


@pytest.mark.parametrize("listed", [(2, 1), (1, 1)])
def test_epoch_header_that_lists_sealers_out_of_order_or_twice_is_refused(listed: tuple[int, ...]) -> None:
    extra = bytes(32) + b"".join(bytes([at]) * 20 for at in listed)
    with pytest.raises(CheckError) as caught:
        parse_header(sealed_header(ROOT, START_S, SEALER_KEY, f12=extra))
    assert caught.value.reason is Reason.HEADER_MALFORMED


@given(st.integers(0, len(HEADER) - 1), st.integers(1, 255))
def test_no_byte_of_a_header_can_change(at: int, bits: int) -> None:
    changed = bytearray(HEADER)
    changed[at] ^= bits
    with pytest.raises(CheckError):
        parse_header(bytes(changed)).sealed_by(SEALERS)


def test_high_s_form_of_a_seal_is_refused() -> None:
    fields = rlp.decode(HEADER)
    vanity, r, s, bit = fields[12][:32], fields[12][32:64], fields[12][64:96], fields[12][96]
    other = (SECP256K1_ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    assert parse_header(rlp.encode(fields)).sealed_by(SEALERS) == SEALERS[1]
    fields[12] = vanity + r + other + bytes([1 - bit])
    with pytest.raises(CheckError) as caught:
        parse_header(rlp.encode(fields)).sealed_by(SEALERS)
    assert caught.value.reason is Reason.SEAL_INVALID


@pytest.mark.parametrize("secret", range(12))
def test_recovery_bit_agrees_with_another_library_for_many_keys(secret: int) -> None:
    sealer = private_key(3000 + secret)
    assert parse_header(sealed_header(ROOT, START_S + secret, sealer)).sealed_by((point(sealer),)) == point(sealer)


@pytest.mark.parametrize(
    "changes",
    [
        {"f1": bytes(32)},
        {"f2": bytes(19)},
        {"f7": b"\x03"},
        {"f7": b""},
        {"f8": bytes(1)},
        {"f8": b"\1" * 7},
        {"f11": b"\1" * 9},
        {"f11": [b"\1"]},
        {"f12": bytes(31)},
        {"f13": b"\1" * 32},
        {"f14": bytes(7)},
    ],
)
def test_headers_of_another_kind_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(CheckError) as caught:
        parse_header(sealed_header(ROOT, START_S, SEALER_KEY, **changes))
    assert caught.value.reason is Reason.HEADER_MALFORMED


@pytest.mark.skipif(not MAINNET.is_file(), reason="shared samples are absent")
def test_header_of_a_proof_of_work_chain_is_refused() -> None:
    block = json.loads(MAINNET.read_text())
    encoded = bytes.fromhex(block["header_rlp"][2:])
    assert keccak256(encoded).hex() == block["hash"][2:]
    with pytest.raises(CheckError) as caught:
        parse_header(encoded)
    assert caught.value.reason is Reason.HEADER_MALFORMED
