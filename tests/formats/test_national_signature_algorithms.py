"""SM3 and SM2 as used here against the values of the standards, and on numbers no honest signer sends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.formats.ofd.ses import NotASealError, read_seal_signature, signature_numbers
from ledger.formats.ofd.sm2 import SM3, digest, sm2_verifies, sm3
from tests.formats.ofd_making import SAMPLES, Signer

VECTORS = SAMPLES / "vectors" / "sm_gm.json"
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123  # GB/T 32918.5
with_vectors = pytest.mark.skipif(not VECTORS.is_file(), reason="the sample folder ../shared/samples is not there")


@with_vectors
def test_sm3_agrees_with_the_standard() -> None:
    for vector in json.loads(VECTORS.read_text(encoding="utf-8"))["sm3"]:
        assert sm3(bytes.fromhex(vector["msg_hex"])).hex() == vector["digest"]
        assert digest(SM3, bytes.fromhex(vector["msg_hex"])) == bytes.fromhex(vector["digest"])


@with_vectors
def test_sm2_agrees_with_the_standard_and_refuses_its_negatives() -> None:
    vector = json.loads(VECTORS.read_text(encoding="utf-8"))["sm2_sign"]
    point = bytes.fromhex("04" + vector["public_x"] + vector["public_y"])
    message = vector["message_ascii"].encode()

    def verdict(changes: dict[str, str]) -> bool:
        values = {**vector, **changes}
        return sm2_verifies(point, message, int(values["r"], 16), int(values["s"], 16), values["id"].encode())

    assert verdict({})
    assert vector["negatives"]
    for negative in vector["negatives"]:
        assert verdict({key: negative[key] for key in ("r", "s", "id") if key in negative}) is negative["valid"]


def test_numbers_out_of_range_and_points_off_the_curve_do_not_verify() -> None:
    signer = Signer()
    numbers = signature_numbers(signer.sign(b"text").as_bytes())
    assert numbers is not None
    r, s = numbers
    assert sm2_verifies(signer.point, b"text", r, s)
    assert not sm2_verifies(signer.point, b"Text", r, s)
    for bad_r, bad_s in ((0, s), (r, 0), (-r, s), (r + ORDER, s), (r, s + ORDER), (r, ORDER - r), (1 << 600, s)):
        assert not sm2_verifies(signer.point, b"text", bad_r, bad_s)
    for point in (b"", b"\4", b"\0" * 65, b"\4" + b"\0" * 64, b"\4" + b"\1" * 64, b"\4" + b"\xff" * 64, b"\0"):
        assert not sm2_verifies(point, b"text", r, s)


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_signed_value(data: bytes) -> None:
    with pytest.raises(NotASealError):
        read_seal_signature(data)
    assert signature_numbers(data) is None or data[:1] == b"\x30"
