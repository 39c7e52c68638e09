"""Groups are signed so that the contract, coincurve and eth-account agree on the signer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.groups import ChainDomain, Group
from ledger.identity import (
    SigningError,
    address_of,
    address_of_public_key,
    new_key,
    public_key_of,
    sign_group,
    signer_of,
)
from verifier.operations import SECP256K1_ORDER, Code, Operation

DOMAIN = ChainDomain(chain_id=12345, contract=b"\x11" * 20)
GROUP = Group(actor=7, valid_until=1_800_000_000, operations=(Operation(code=Code.LOCK, subject=7, number=9 * 10**19),))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(min_value=1, max_value=SECP256K1_ORDER - 1))
def test_signature_is_in_range_and_recovers_the_signer(seed: int) -> None:
    key = seed.to_bytes(32, "big")
    signed = sign_group(key, GROUP, DOMAIN)
    assert signed.v in (27, 28)
    assert 0 < signed.s <= SECP256K1_ORDER // 2
    assert signer_of(signed, DOMAIN) == address_of(key)


def test_typed_data_signed_by_eth_account_has_the_same_signer() -> None:
    key = new_key()
    operations = [
        {"what": what, "terms": terms, "who": who, "ref": ref}
        for what, terms, who, ref in (operation.words() for operation in GROUP.operations)
    ]
    other = Account.sign_typed_data(
        key,
        {"name": "E-Invoice Ledger", "version": "1", "chainId": 12345, "verifyingContract": "0x" + "11" * 20},
        {
            "Group": [
                {"name": "actor", "type": "uint32"},
                {"name": "validUntil", "type": "uint64"},
                {"name": "operations", "type": "Operation[]"},
            ],
            "Operation": [
                {"name": "what", "type": "uint256"},
                {"name": "terms", "type": "uint256"},
                {"name": "who", "type": "bytes32"},
                {"name": "ref", "type": "bytes32"},
            ],
        },
        {"actor": GROUP.actor, "validUntil": GROUP.valid_until, "operations": operations},
    )
    signed = sign_group(key, GROUP, DOMAIN)
    assert (signed.v, signed.r, signed.s) == (other.v, other.r, other.s)
    assert Account.from_key(key).address.lower() == "0x" + address_of(key).hex()


def test_signature_for_another_ledger_has_another_signer() -> None:
    key = new_key()
    signed = sign_group(key, GROUP, DOMAIN)
    assert signer_of(signed, replace(DOMAIN, chain_id=12346)) != address_of(key)


def test_high_s_is_refused() -> None:
    signed = sign_group(new_key(), GROUP, DOMAIN)
    mirrored = replace(signed, s=SECP256K1_ORDER - signed.s, v=55 - signed.v)
    with pytest.raises(SigningError, match="half the curve order"):
        signer_of(mirrored, DOMAIN)


@pytest.mark.parametrize("v", [0, 1, 26, 29])
def test_other_v_is_refused(v: int) -> None:
    with pytest.raises(SigningError, match="27 or 28"):
        signer_of(replace(sign_group(new_key(), GROUP, DOMAIN), v=v), DOMAIN)


@pytest.mark.parametrize("key", [b"", bytes(32), SECP256K1_ORDER.to_bytes(32, "big"), bytes(31)])
def test_bytes_outside_the_curve_order_are_no_key(key: bytes) -> None:
    with pytest.raises(SigningError):
        sign_group(key, GROUP, DOMAIN)


def test_compressed_and_uncompressed_key_have_one_address() -> None:
    key = new_key()
    public_key = public_key_of(key)
    compressed = bytes((2 + public_key[64] % 2,)) + public_key[1:33]
    assert address_of_public_key(compressed) == address_of_public_key(public_key) == address_of(key)
    with pytest.raises(SigningError):
        address_of_public_key(public_key[:64])
