"""ethers, as the npm registry has it, computes and signs what the ledger means: groups and proofs of possession."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from ledger.domain.groups import ChainDomain, Group, SignedGroup
from ledger.domain.key_proof import KeyProof, Purpose
from ledger.domain.typed_data import group_typed_data
from ledger.identity import address_of, address_of_public_key, new_key, public_key_of_signature, signer_of
from ledger.identity.signing import read_signature
from tests.js import clients
from verifier.operations import Operation

DOMAIN = ChainDomain(1_316_190_437, b"\x5f" * 20)
WIDE = Operation(
    code=255, subject=2**32 - 1, number=2**80 - 1, version=2**24 - 1, party=2**32 - 1, month=2**12 - 1,
    option=2**20 - 1, terms=2**256 - 1, who=b"\xff" * 32, ref=b"\xfe" * 32,
)  # fmt: skip
NARROW = Operation(code=0, subject=0, number=0)


def signed(key: bytes, typed_data: Any) -> dict[str, str]:
    node, directory = clients.node_with_ethers()
    script = clients.ROOT / "tests" / "js" / "sign_typed_data.mjs"
    asked = json.dumps({"key": "0x" + key.hex(), "typed_data": typed_data})
    done = subprocess.run(
        [node, script, directory], input=asked, capture_output=True, text=True, timeout=60, check=True
    )
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def test_a_group_with_every_word_full_and_empty_is_signed_as_meant() -> None:
    key, group = new_key(), Group(2**32 - 1, 2**53 - 1, (NARROW, WIDE))
    answer = signed(key, group_typed_data(group, DOMAIN))
    assert answer["digest"] == "0x" + group.digest(DOMAIN).hex()
    v, r, s = read_signature(answer["signature"])
    assert signer_of(SignedGroup(group, v, r, s), DOMAIN) == address_of(key)
    assert answer["address"].lower() == "0x" + address_of(key).hex()
    assert signer_of(SignedGroup(group, v, r, s), ChainDomain(1, DOMAIN.contract)) != address_of(key)


def test_a_proof_of_possession_is_signed_as_meant() -> None:
    key = new_key()
    proof = KeyProof(
        Purpose.ENROL, "enterprise:91440300MA5F0000XY", "深圳市“示例”公司 😀", address_of(key), 1_793_845_800
    )
    answer = signed(key, proof.typed_data(DOMAIN))
    assert answer["digest"] == "0x" + proof.digest(DOMAIN).hex()
    found = public_key_of_signature(proof.digest(DOMAIN), *read_signature(answer["signature"]))
    assert address_of_public_key(found) == address_of(key)
