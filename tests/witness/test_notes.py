"""Signed notes: vectors of others, the cosignature derived again by hand, and everything that is no note."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.witness import (
    COSIGNATURE,
    PLAIN,
    Checkpoint,
    NoteError,
    SignerKey,
    parse_checkpoint,
    parse_note,
    parse_signer_key,
    parse_verifier_key,
)
from ledger.witness.note import NOTE_SIZE_MAX, SIGNATURES_MAX

# The example of Go's golang.org/x/mod/sumdb/note, which the format comes from.
GO_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of C2SP signed-note with an empty line in its text, and that of tlog-cosignature (no keys are published).
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
COSIGNER = SignerKey("witness.example/w1", COSIGNATURE, bytes(range(32)))
POINT = Checkpoint("einvoice.example/7/" + "ab" * 32, 12, b"\x01" * 32, b"\x02" * 32, 1_763_000_000)


def test_gos_example_is_signed_and_verified_byte_for_byte() -> None:
    signer = parse_signer_key(GO_SIGNER)
    assert signer.kind == PLAIN
    assert signer.to_text() == GO_SIGNER
    assert signer.verifier.to_text() == GO_VERIFIER
    assert signer.verifier == parse_verifier_key(GO_VERIFIER)
    assert signer.sign(GO_TEXT) == GO_LINE
    note = parse_note(f"{GO_TEXT}\n{GO_LINE}".encode())
    assert note.text == GO_TEXT
    assert note.signed_by(signer.verifier) is not None


def test_a_changed_text_or_signature_is_refused() -> None:
    key = parse_verifier_key(GO_VERIFIER)
    for changed in (f"{GO_TEXT}!\n\n{GO_LINE}", f"{GO_TEXT}\n{GO_LINE.replace('nAM=', 'nQM=')}"):
        with pytest.raises(NoteError, match="does not verify"):
            parse_note(changed.encode()).signed_by(key)


def test_the_examples_of_the_specifications_are_read() -> None:
    poem = parse_note(POEM.encode())
    assert poem.text.endswith("sole:\n\ned è subito sera.\n")
    assert len(poem.signatures[0].value) == 64
    sofa = parse_note(SOFA.encode())
    assert [one.name for one in sofa.signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]
    assert sofa.signatures[1].time_s == 1_679_315_147
    assert sofa.signatures[0].time_s is None
    assert sofa.signed_by(COSIGNER.verifier) is None


def test_a_cosignature_is_what_the_specification_says() -> None:
    text = POINT.to_text()
    line = COSIGNER.sign(text, 1_763_000_005)
    public = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw()
    blob = base64.b64decode(line.split(" ")[2])
    assert line.startswith("\u2014 witness.example/w1 ")
    assert blob[:4] == hashlib.sha256(b"witness.example/w1\n\x04" + public).digest()[:4]
    assert blob[4:12] == (1_763_000_005).to_bytes(8, "big")
    message = b"cosignature/v1\ntime 1763000005\n" + text.encode()
    Ed25519PublicKey.from_public_bytes(public).verify(blob[12:], message)
    key = COSIGNER.verifier
    assert key.to_text() == f"witness.example/w1+{blob[:4].hex()}+{base64.b64encode(bytes([4]) + public).decode()}"
    signed = parse_note(f"{text}\n{line}".encode()).signed_by(key)
    assert signed is not None
    assert signed.time_s == 1_763_000_005


def test_the_example_of_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "WITNESS.md").read_text(encoding="utf-8")
    start = page.index("    einvoice.example/")
    lines = page[start : page.index("The key of this example", start)].strip().splitlines()
    note = parse_note("".join(f"{line.strip()}\n" for line in lines).encode())
    [key] = re.findall(r"The key of this example is `(.*)`", page)
    signed = note.signed_by(parse_verifier_key(key))
    assert signed is not None
    assert signed.time_s == 1_763_000_005
    assert parse_checkpoint(note.text).size == 813


def test_a_cosignature_with_another_time_is_refused() -> None:
    text = POINT.to_text()
    blob = bytearray(base64.b64decode(COSIGNER.sign(text, 1_763_000_005).split(" ")[2]))
    blob[11] ^= 1
    with pytest.raises(NoteError, match="does not verify"):
        parse_note(f"{text}\n— {COSIGNER.name} {base64.b64encode(blob).decode()}\n".encode()).signed_by(
            COSIGNER.verifier
        )


def test_a_checkpoint_has_its_lines() -> None:
    lines = POINT.to_text().splitlines()
    assert lines[:3] == [POINT.origin, "12", base64.b64encode(b"\x01" * 32).decode()]
    assert lines[3:] == ["state-root " + base64.b64encode(b"\x02" * 32).decode(), "block-time 1763000000"]
    assert parse_checkpoint(POINT.to_text()) == POINT
    assert POINT.height == 11


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n12\n", "\n012\n"),
        ("\n12\n", "\n0\n"),
        ("\n12\n", "\n-1\n"),
        ("\n12\n", "\n99999999999999999\n"),
        ("AQEBAQ", "AQEB"),
        ("state-root", "root"),
        ("block-time 1763000000", "block-time 1e9"),
        ("block-time 1763000000\n", ""),
        ("block-time 1763000000\n", "block-time 1763000000\nmore\n"),
        ("einvoice.example/7/" + "ab" * 32, ""),
    ],
)
def test_what_is_no_checkpoint_is_refused(old: str, new: str) -> None:
    assert old in POINT.to_text()
    with pytest.raises(NoteError):
        parse_checkpoint(POINT.to_text().replace(old, new, 1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        GO_TEXT.encode(),
        f"{GO_TEXT}\n{GO_LINE}".encode()[:-1],
        f"{GO_TEXT}{GO_LINE}".encode(),
        f"{GO_TEXT}\n{GO_LINE}\n".encode(),
        f"{GO_TEXT}\n{GO_LINE}".replace("\u2014", "-").encode(),
        f"{GO_TEXT}\n{GO_LINE}".replace("nAM=", "nAN=").encode(),
        f"{GO_TEXT}\n{GO_LINE}".replace("If", "\x01f").encode(),
        f"{GO_TEXT}\n{GO_LINE}".encode() + b"\xff\n",
        f"{GO_TEXT}\n— PeterNeumann x08g\n".encode(),
        f"{GO_TEXT}\n".encode() + GO_LINE.encode() * (SIGNATURES_MAX + 1),
        b"x" * NOTE_SIZE_MAX + f"\n\n{GO_LINE}".encode(),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(data)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "PeterNeumann",
        GO_VERIFIER.replace("c74f20a3", "c74f20a4"),
        GO_VERIFIER.replace("c74f20a3", "C74F20A3"),
        GO_VERIFIER.replace("+AR", "+BR"),
        GO_VERIFIER[:-4],
        GO_VERIFIER.replace("Peter", "Peter "),
        GO_SIGNER,
    ],
)
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(NoteError):
        parse_verifier_key(line)


def test_an_error_about_a_private_key_does_not_hold_it() -> None:
    for wrong in (GO_SIGNER.replace("c74f20a3", "c74f20a4"), GO_SIGNER[12:], GO_SIGNER + "A"):
        with pytest.raises(NoteError) as caught:
            parse_signer_key(wrong)
        assert "AYEKFALV" not in str(caught.value)


@settings(deadline=None)
@given(name=st.text(min_size=1, max_size=12), text=st.text(max_size=80), time_s=st.integers(0, 2**63 - 1))
def test_what_is_signed_is_read_back_or_refused_before(name: str, text: str, time_s: int) -> None:
    key = SignerKey(name, COSIGNATURE, b"k" * 32)
    try:
        note = f"{text}\n\n{key.sign(text + chr(10), time_s)}".encode()
    except (NoteError, UnicodeEncodeError):
        return
    signed = parse_note(note)
    found = signed.signed_by(parse_verifier_key(key.verifier.to_text()))
    assert (signed.text, found is not None and found.time_s) == (text + "\n", time_s)


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_note_or_a_note_error(data: bytes) -> None:
    try:
        parse_note(data)
    except NoteError:
        return
    assert data.endswith(b"\n")
