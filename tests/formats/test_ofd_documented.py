from __future__ import annotations

from pathlib import Path

from ledger.formats.ofd import archive, coverage, read_ofd, ses, signature
from ledger.formats.ofd.sm2 import DEFAULT_SIGNER_ID
from ledger.formats.ofd.verdict import NationalSignature, SignatureVerdict
from ledger.formats.read_invoice import Source, Strength

PAGE = (Path(__file__).parents[2] / "docs" / "FORMATS.md").read_text(encoding="utf-8")
SECTION = PAGE.split("### The national signature")[1].split("## Limits of files")[0]


def test_every_verdict_and_field_of_a_signature_is_documented() -> None:
    for verdict in SignatureVerdict:
        assert f"| `{verdict.value}` |" in SECTION
    for name in NationalSignature.__dataclass_fields__:
        assert f"`{name}`" in SECTION, name
    assert f"`{DEFAULT_SIGNER_ID.decode()}`" in SECTION
    for source in (Source.OFD, Source.OFD_KEY_FIELDS):
        assert f"| `{source.value}` |" in PAGE


def test_every_strength_is_documented_with_its_number() -> None:
    names = {"SIGNED_ORIGINAL": "signed original", "ORIGINAL": "original", "QR": "QR", "TYPED": "typed"}
    assert {strength.name for strength in Strength} == set(names)
    for strength in Strength:
        assert f"| {strength.value} {names[strength.name]} |" in SECTION


def test_documented_limits_of_archives_are_those_of_the_code() -> None:
    assert f"| OFD archive | {archive.ARCHIVE_SIZE_MAX >> 20} MiB |" in PAGE
    assert f"| files in an archive | {archive.ENTRIES_MAX:,} |" in PAGE
    assert f"| one file unpacked | {archive.ENTRY_SIZE_MAX >> 20} MiB |" in PAGE
    assert f"| all files unpacked | {archive.TOTAL_SIZE_MAX >> 20} MiB |" in PAGE
    assert f"| packing | {archive.RATIO_MAX} to 1, for files over {archive.RATIO_FREE_SIZE >> 10} KiB |" in PAGE
    assert f"| name in an archive | {archive.NAME_LENGTH_MAX} characters |" in PAGE
    assert f"| files that may be the invoice | {read_ofd.TREES_MAX} |" in PAGE
    assert f"| signatures | {signature.SIGNATURES_MAX} |" in PAGE
    assert f"more than {signature.SIGNATURES_MAX} signatures" in SECTION
    assert f"| signed value | {ses.SIGNED_VALUE_SIZE_MAX >> 20} MiB |" in PAGE
    assert f"| uncovered files looked into | {coverage.LOOKED_INTO_SIZE_MAX >> 20} MiB |" in PAGE
    assert f"of this invoice of {coverage.VALUE_LENGTH_MIN} characters or more" in SECTION
    assert f"first {coverage.ITEMS_MAX} items" in SECTION
