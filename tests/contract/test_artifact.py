"""The committed artifact is what the sources compile to, small enough, and speaks the verifier's tables."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace

import pytest

from contracts import load_artifact
from contracts.build import main, source_sha256
from verifier import operations, words
from verifier.hashing import keccak256
from verifier.operations import Code, Reason
from verifier.words import Claim, Colour, Entry, ExceptionKind, Grant, Kind, PartyKind, SlipState, Table, Use

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
RUNTIME_SIZE_MAX = 24_576  # EIP-170

LAYOUT = (CONTRACTS / "layout.vy").read_text(encoding="utf-8")
LEDGER = (CONTRACTS / "InvoiceLedger.vy").read_text(encoding="utf-8")

CODES_NAMED_OTHERWISE = {
    "ALLOT_SEGMENT": "ALLOT",
    "APPOINT_OFFICER": "APPOINT",
    "DISMISS_OFFICER": "DISMISS",
    "RECOVER_KEY": "RECOVER",
    "ROTATE_KEY": "ROTATE",
    "GRANT": "GRANT_BITS",
    "REVOKE": "REVOKE_BITS",
    "SET_RISK_FLAG": "SET_FLAG",
    "CLEAR_RISK_FLAG": "CLEAR_FLAG",
    "ANCHOR": "SET_ANCHOR",
    "ACKNOWLEDGE_EXCEPTION": "ACKNOWLEDGE",
    "REGISTER_OUTSIDE": "REGISTER",
    "WITHDRAW_BOOKING": "WITHDRAW",
}
SLIP_STATES_NAMED_OTHERWISE = {
    "BUYER_OPENED": "OTHER_OPENED",
    "CONFIRMED": "SLIP_CONFIRMED",
    "REFUSED_BY_BUYER": "OTHER_REFUSED",
    "REFUSED_BY_SELLER": "SELLER_REFUSED",
    "WITHDRAWN_AFTER_CONFIRMATION": "WITHDRAWN_LATE",
}
EXCEPTIONS_NAMED_OTHERWISE = {
    "REDDENED_AFTER_SETTLEMENT": "REDDENED_SETTLED",
    "REDDENED_AFTER_DEDUCTION": "REDDENED_DEDUCTED",
    "FLAGGED_AFTER_USE": "FLAGGED_USED",
    "CLAIM_DISPLACED": "DISPLACED",
    "SETTLEMENT_DISPUTED": "DISPUTED",
}
REASONS_NAMED_OTHERWISE = {
    name: f"IS_{name}" for name in ("SUSPENDED", "LOCKED", "SETTLED", "REDDENED", "FLAGGED", "OUTSIDE")
}


def constants(source: str, layout: dict[str, int] | None = None) -> dict[str, int]:
    """Values of a Vyper source's integer constants, in order; one may use those before it, and `layout`'s."""
    values: dict[str, int] = {}
    pattern = r"^(\w+): constant\(uint256\) = (\((?:[^()]*)\)|[^#\n(][^#\n]*)"
    for name, text in re.findall(pattern, source, re.MULTILINE):
        names = values | {"layout": SimpleNamespace(**layout or {})}
        values[name] = eval(text, {"__builtins__": {}}, names)  # noqa: S307 our own source
    return values


def section(title: str) -> dict[str, int]:
    """Constants of layout.vy under the comment line that starts with `title`."""
    everything = constants(LAYOUT)
    block = re.search(rf"^# {title}[^\n]*\n(.*?)(?=^# |\Z)", LAYOUT, re.MULTILINE | re.DOTALL)
    assert block is not None
    return {name: everything[name] for name in re.findall(r"^(\w+):", block.group(1), re.MULTILINE)}


def by_contract_name(enum: type[IntEnum], renamed: dict[str, str]) -> dict[str, int]:
    return {renamed.get(member.name, member.name): member.value for member in enum}


def offset(layout: tuple[tuple[str, int], ...], field: str) -> int:
    names = [name for name, _ in layout]
    return sum(bits for _, bits in layout[: names.index(field)])


def mask(layout: tuple[tuple[str, int], ...], field: str) -> int:
    return ((1 << dict(layout)[field]) - 1) << offset(layout, field)


def test_artifact_is_what_the_sources_compile_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert "artifact is current" in capsys.readouterr().out


def test_another_source_has_another_hash(tmp_path: Path) -> None:
    for source in CONTRACTS.glob("*.vy"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    assert source_sha256(tmp_path) == load_artifact().source_sha256
    (tmp_path / "layout.vy").write_bytes(LAYOUT.encode() + b"\n")
    assert source_sha256(tmp_path) != load_artifact().source_sha256


def test_runtime_can_be_created() -> None:
    assert 0 < len(load_artifact().runtime) <= RUNTIME_SIZE_MAX


def test_words_are_at_the_slot_the_verifier_proves() -> None:
    assert load_artifact().storage_layout["storage"]["slots"]["slot"] == words.WORDS_SLOT


def test_reasons_are_the_verifiers() -> None:
    contract = section("reasons")
    assert contract.pop("OK") == 0
    assert contract == by_contract_name(Reason, REASONS_NAMED_OTHERWISE)


def test_codes_are_the_verifiers() -> None:
    assert section("codes") == by_contract_name(Code, CODES_NAMED_OTHERWISE)


def test_sets_of_codes_are_the_verifiers() -> None:
    ledger = constants(LEDGER, constants(LAYOUT))

    def codes(name: str) -> set[int]:
        return {code for code in range(256) if ledger[name] >> code & 1}

    assert codes("ALONE") == operations.ALONE
    assert codes("OF_PARTIES") == set(Code) - operations.INVOICE_CODES
    daily = {Code.TRANSFER, Code.LOCK, Code.UNLOCK, Code.SETTLE, Code.BOOK, Code.WITHDRAW_BOOKING}
    assert codes("HELD") == daily <= operations.INVOICE_CODES


def test_tables_are_the_verifiers() -> None:
    assert section("tables") == by_contract_name(Table, {})


def test_state_fields_are_the_verifiers() -> None:
    assert section("state word") == {
        "COLOUR_MASK": mask(words.STATE_LAYOUT, "colour"),
        "COLOUR_NORMAL": Colour.NORMAL,
        "COLOUR_PARTLY": Colour.PARTLY_RED,
        "COLOUR_FULL": Colour.FULLY_RED,
        "CLAIM_MASK": mask(words.STATE_LAYOUT, "claim"),
        "CLAIM_LOCKED": Claim.LOCKED << offset(words.STATE_LAYOUT, "claim"),
        "CLAIM_SETTLED": Claim.SETTLED << offset(words.STATE_LAYOUT, "claim"),
        "CLAIM_CANCELLED": Claim.CANCELLED << offset(words.STATE_LAYOUT, "claim"),
        "ENTRY_MASK": mask(words.STATE_LAYOUT, "entry"),
        "ENTRY_WITHDRAWN": Entry.WITHDRAWN << offset(words.STATE_LAYOUT, "entry"),
        "USE_MASK": mask(words.STATE_LAYOUT, "use"),
        "USE_SELECTED": Use.SELECTED << offset(words.STATE_LAYOUT, "use"),
        "RISK": mask(words.STATE_LAYOUT, "risk"),
        "SPECIAL": Kind.SPECIAL << offset(words.STATE_LAYOUT, "kind"),
        "RED": Kind.RED << offset(words.STATE_LAYOUT, "kind"),
        "STRENGTH_MASK": mask(words.STATE_LAYOUT, "strength"),
        "PARTIES_MASK": mask(words.STATE_LAYOUT, "seller") | mask(words.STATE_LAYOUT, "buyer"),
        "HOLDER_MASK": mask(words.STATE_LAYOUT, "holder"),
        "REDDENED_SINCE": mask(words.STATE_LAYOUT, "reddened_since"),
        "VERSION_ONE": 1 << offset(words.STATE_LAYOUT, "version"),
    }


def test_party_fields_kinds_and_grants_are_the_verifiers() -> None:
    assert section("party word") == {
        **by_contract_name(PartyKind, {}),
        "SUSPENDED": mask(words.PARTY_LAYOUT, "suspended"),
        "RECOVERING": mask(words.PARTY_LAYOUT, "recovery"),
    }
    assert section("grants") == {
        **by_contract_name(Grant, {g.name: f"MAY_{g.name}" for g in Grant}),
        "GRANTED": 1 << 255,
    }
    assert section("totals word") == {"TOTALS_GROSS": 1 + (1 << offset(words.TOTALS_LAYOUT, "quota_used"))}


def test_slips_deductions_and_exceptions_are_the_verifiers() -> None:
    slips = section("slip word")
    assert slips.pop("TIMED_OUT") not in set(SlipState)
    assert slips == by_contract_name(SlipState, SLIP_STATES_NAMED_OTHERWISE)
    assert section("deduction and deducted words") == {
        "WRITTEN": words.WRITTEN,
        "COUNT_ONE": 1 << offset(words.DEDUCTED_LAYOUT, "count"),
        "CONFIRMED": mask(words.DEDUCTED_LAYOUT, "confirmed"),
    }
    assert section("exceptions") == by_contract_name(ExceptionKind, EXCEPTIONS_NAMED_OTHERWISE)


def test_limits_are_the_verifiers() -> None:
    layout = constants(LAYOUT)
    assert {
        "RECOVERY_DELAY": words.RECOVERY_DELAY_S,
        "LOCK_LIFETIME": words.LOCK_LIFETIME_S,
        "SLIP_LIFETIME": words.SLIP_LIFETIME_S,
        "MONTH_GRACE": words.MONTH_GRACE_S,
        "BLOCK_SIZE": words.SEGMENT_BLOCK_SIZE,
        "BLOCKS_MAX": words.SEGMENT_BLOCKS_MAX,
        "SPACE_FIRST": words.NUMBER_SPACE_FIRST,
        "SPACE_LAST": words.NUMBER_SPACE_LAST,
    }.items() <= layout.items()
    assert layout["RESERVED"] == mask(operations.WHAT_LAYOUT, "reserved")
    ledger = constants(LEDGER, layout)
    assert ledger["GROUP_MAX"] == operations.GROUP_OPERATIONS_MAX
    assert ledger["LIFETIME_MAX"] == operations.GROUP_LIFETIME_MAX_S
    assert str(operations.SECP256K1_ORDER // 2) in LEDGER


@pytest.mark.parametrize("text", [operations.DOMAIN_TYPE, operations.OPERATION_TYPE, operations.GROUP_TYPE])
def test_signed_types_are_the_verifiers(text: str) -> None:
    assert f'keccak256(\n    "{text}"\n)' in LEDGER or f'keccak256("{text}")' in LEDGER
    assert len(keccak256(text.encode())) == 32
