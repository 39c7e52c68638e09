"""A whole valid file is valid; each step refuses its own twin, one change away, with its own reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.verifier.bundle_factory import (
    CLAIM_ID,
    CLERK,
    CODE_HASH,
    CONTRACT,
    DOCUMENT,
    EMPLOYEE,
    EMPLOYER,
    FINANCE,
    FRIEND,
    IDENTITIES,
    ISSUED,
    LOCKED,
    MOVES,
    NUMBER,
    ROOT_KEY,
    SEED,
    SELLER,
    START,
    Move,
    Scenario,
    Witness,
    certificate,
    issue,
    operation,
    party_certificate,
    point,
    private_key,
)
from tests.verifier.judging import SHORT, TRUST, WHOLE, bundle_with, event_with, failure, judge, moves_with, proof_with
from verifier import verify
from verifier.canonical import VALUES_MAX, dumps
from verifier.commitment import LEAVES_MAX, commit
from verifier.errors import TrustError
from verifier.hashing import keccak256
from verifier.operations import SECP256K1_ORDER, Code
from verifier.parsing import FILE_SIZE_MAX, HISTORY_MAX, parse
from verifier.reasons import TEXTS, Reason
from verifier.report import STEP_WORDS, Report, Result
from verifier.statement_steps import STATEMENT_STEP_NAMES
from verifier.steps import AGE, STEP_NAMES, examine, unchecked
from verifier.trust import TRUST_SIZE_MAX, TrustedContract
from verifier.words import Table, storage_key


def test_whole_file_is_valid_in_every_step() -> None:
    report = verify(WHOLE.data, TRUST)
    assert report.verdict is Result.VALID
    assert report.exit_code == 0
    assert [step.name for step in report.steps] == list(STEP_NAMES)
    assert set(STEP_WORDS) == {*STEP_NAMES, *STATEMENT_STEP_NAMES, AGE}
    assert [step.number for step in report.steps] == list(range(1, 14))
    assert report.number == f"{NUMBER:020d}"
    assert (report.block, report.block_time_s) == (77, WHOLE.events[-1].time_s + 5)


def test_file_reads_back_to_the_values_it_was_built_from() -> None:
    assert parse(WHOLE.data) == WHOLE.bundle
    assert parse(WHOLE.data).to_bytes() == WHOLE.data


def test_ten_operations_stay_small() -> None:
    large = Scenario(others=3000)
    assert len(large.data) < 60_000
    assert examine(large.data, TRUST).verdict is Result.VALID


@pytest.mark.slow
@pytest.mark.timeout(60)  # a guard against a blow-up; what it takes is measured in bench/
def test_longest_history_is_verified() -> None:
    steps = [MOVES[0]]
    for version in range(1, HISTORY_MAX):
        code, changes = (Code.LOCK, LOCKED) if version % 2 else (Code.UNLOCK, {"claim": 0})
        party = EMPLOYER if version % 2 else 0
        move = operation(code, EMPLOYEE, version, party=party, terms=CLAIM_ID)
        steps.append(Move(EMPLOYEE, move, changes, siblings=30))
    longest = Scenario(moves=tuple(steps))
    assert len(longest.data) < FILE_SIZE_MAX
    assert examine(longest.data, TRUST).verdict is Result.VALID


@pytest.mark.slow
def test_largest_document_is_verified() -> None:
    lines = [{f"field_{index}": f"{line}" for index in range(11)} for line in range(2000)]
    document = DOCUMENT | {"lines": lines}
    first = replace(MOVES[0], operation=replace(issue(), ref=commit(document, SEED)))
    largest = Scenario(moves=(first,), document=document)
    assert len(largest.bundle.document.shown) > 22_000
    assert examine(largest.data, TRUST).verdict is Result.VALID


@pytest.mark.parametrize("keep", [[], ["number"], ["seller.tax_id", "gross_fen"], ["lines.0", "lines.#", "buyer"]])
def test_redacted_file_is_valid_and_says_what_it_leaves_out(keep: list[str]) -> None:
    redacted = WHOLE.bundle.redacted(keep)
    report = examine(redacted.to_bytes(), TRUST)
    assert report.verdict is Result.VALID
    hidden = str(report.steps[-1].compared["not_shown"]).split(", ")
    assert ("gross_fen" in hidden) != ("gross_fen" in keep)
    assert "某".encode() not in Scenario(paths=("number",)).data
    assert all(party.text is None for party in redacted.parties)


def test_redacted_file_with_another_field_value_is_invalid() -> None:
    document = WHOLE.bundle.document.redacted(["seller.name"])
    shown = (replace(document.shown[0], value="别家公司"),)
    assert failure(bundle_with(document=replace(document, shown=shown)), "document") is Reason.COMMITMENT_DIFFERS


def test_history_through_an_intermediate_authority_is_valid() -> None:
    key = private_key(500)
    between = certificate("bureau", key, "authority", ROOT_KEY, is_authority=True, path_length=0)
    clerk = certificate("clerk", private_key(CLERK), "bureau", key, identity=IDENTITIES[CLERK])
    scenario = Scenario(moves=MOVES[:1], certificates={CLERK: clerk}, authorities=(between,))
    assert judge(scenario).verdict is Result.VALID
    no_authority = certificate("bureau", key, "authority", ROOT_KEY)
    refused = Scenario(moves=MOVES[:1], certificates={CLERK: clerk}, authorities=(no_authority,))
    assert failure(judge(refused), "certificates") is Reason.CERTIFICATE_UNTRUSTED


def test_authority_may_not_certify_below_its_path_length() -> None:
    key = private_key(500)
    between = certificate("bureau", key, "authority", ROOT_KEY, is_authority=True)
    clerk = certificate("clerk", private_key(CLERK), "bureau", key, identity=IDENTITIES[CLERK])
    scenario = Scenario(moves=MOVES[:1], certificates={CLERK: clerk}, authorities=(between,))
    root = certificate("authority", ROOT_KEY, "authority", ROOT_KEY, is_authority=True, path_length=0)
    assert judge(scenario).verdict is Result.VALID
    report = examine(scenario.data, replace(TRUST, authority_root=root))
    assert failure(report, "certificates") is Reason.CERTIFICATE_UNTRUSTED


def test_personal_buyer_and_buyer_as_first_holder_are_valid() -> None:
    personal = DOCUMENT | {"buyer": {"name": "个人", "tax_id": ""}}
    first = replace(issue(who=bytes(32)), ref=commit(personal, SEED))
    moves = (Move(CLERK, first, ISSUED | {"buyer": 0}),)
    assert judge(Scenario(moves=moves, document=personal, others=4)).verdict is Result.VALID
    moves = (Move(SELLER, issue(option=1 << 2, party=0), ISSUED | {"holder": EMPLOYER}),)
    assert judge(Scenario(moves=moves, others=4)).verdict is Result.VALID
    moves = (Move(SELLER, issue(option=0, party=0), ISSUED | {"holder": SELLER}),)
    assert judge(Scenario(moves=moves, others=4)).verdict is Result.VALID


# --- step 1: bytes that are no evidence file say nothing against the invoice --------------------------------


@pytest.mark.parametrize("data", [b"", b"{}", b"null", WHOLE.data[:-1], WHOLE.data + b"\n", b"\0" * 50, b"[" * 9999])
def test_what_is_no_evidence_file_could_not_be_checked(data: bytes) -> None:
    report = examine(data, TRUST)
    assert report.verdict is Result.UNCHECKED
    assert report.exit_code == 2
    assert report.steps[0].reason in {Reason.NOT_CANONICAL, Reason.NOT_EVIDENCE}
    assert {step.reason for step in report.steps[1:]} == {Reason.EARLIER_STEP}


def test_too_large_a_file_could_not_be_checked() -> None:
    report = examine(b" " * 4_000_001, TRUST)
    assert (report.verdict, report.steps[0].reason) == (Result.UNCHECKED, Reason.FILE_TOO_LARGE)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, Reason.UNKNOWN_VERSION),
        ({"format": "other"}, Reason.NOT_EVIDENCE),
        ({"extra": 1}, Reason.NOT_EVIDENCE),
        ({"checkpoint": {}}, Reason.NOT_EVIDENCE),
        ({"checkpoint": "x"}, Reason.NOT_EVIDENCE),
        ({"witnesses": ["x"]}, Reason.NOT_EVIDENCE),
        ({"checkpoint": "x", "witnesses": [1]}, Reason.NOT_EVIDENCE),
        ({"checkpoint": "x", "witnesses": ["x"] * 17}, Reason.NOT_EVIDENCE),
        ({"chain": json.loads(WHOLE.data)["chain"] | {"contracts": []}}, Reason.NOT_EVIDENCE),
        ({"chain": json.loads(WHOLE.data)["chain"] | {"contracts": ["00" * 20] * 17}}, Reason.NOT_EVIDENCE),
        ({"number": "9" * 19}, Reason.NOT_EVIDENCE),
        ({"history": []}, Reason.NOT_EVIDENCE),
        ({"certificates": []}, Reason.NOT_EVIDENCE),
        ({"parties": [1]}, Reason.NOT_EVIDENCE),
    ],
)
def test_another_shape_could_not_be_checked(change: dict[str, object], reason: Reason) -> None:
    report = examine(dumps(json.loads(WHOLE.data) | change), TRUST)
    assert (report.verdict, report.steps[0].reason) == (Result.UNCHECKED, reason)


def test_fault_of_the_verifier_itself_is_a_report() -> None:
    report = verify(None, TRUST)
    assert (report.verdict, report.steps[0].reason) == (Result.UNCHECKED, Reason.INTERNAL_FAULT)


# --- step 2: another ledger --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chain_id", "contracts", "genesis"])
def test_evidence_of_another_ledger_could_not_be_checked(name: str) -> None:
    contracts = (TrustedContract(bytes(20), CODE_HASH),)
    other = {"chain_id": 5, "contracts": contracts, "genesis": bytes(32)}[name]
    report = examine(WHOLE.data, replace(TRUST, **{name: other}))
    assert report.verdict is Result.UNCHECKED
    assert (report.steps[1].reason, report.steps[1].at) == (Reason.OTHER_LEDGER, name)


# --- steps 3 to 5: header, account, words ------------------------------------------------------------------


def test_header_of_an_untrusted_sealer_is_invalid() -> None:
    assert failure(judge(Scenario(sealer=private_key(9))), "seal") is Reason.SEAL_INVALID


def test_malformed_header_is_invalid() -> None:
    assert failure(proof_with(header=b"\xc0"), "seal") is Reason.HEADER_MALFORMED


def test_another_contract_code_is_invalid() -> None:
    assert failure(judge(Scenario(code_hash=keccak256(b"other"))), "account") is Reason.CODE_DIFFERS
    other = replace(TRUST, contracts=(TrustedContract(CONTRACT, bytes(32)),))
    assert failure(examine(WHOLE.data, other), "account") is Reason.CODE_DIFFERS
    assert TRUST.contracts == (TrustedContract(CONTRACT, CODE_HASH),)


def test_contract_that_is_not_in_the_state_is_invalid() -> None:
    other = bytes(20)
    trust = replace(TRUST, contracts=(TrustedContract(other, CODE_HASH),))
    report = examine(replace(WHOLE.bundle, contracts=(other,)).to_bytes(), trust)
    assert failure(report, "account") in {Reason.ACCOUNT_ABSENT, Reason.PROOF_INCOMPLETE, Reason.PROOF_SURPLUS}


@pytest.mark.parametrize(("part", "step"), [("account", "account"), ("storage", "words")])
def test_missing_surplus_or_malformed_nodes_are_invalid(part: str, step: str) -> None:
    nodes = getattr(WHOLE.bundle.proof, part)
    for at in range(len(nodes)):
        fewer = (*nodes[:at], *nodes[at + 1 :])
        missed = {one.reason for one in proof_with(**{part: fewer}).steps if one.result is Result.INVALID}
        assert missed == {Reason.PROOF_INCOMPLETE}
    assert failure(proof_with(**{part: tuple(sorted((*nodes, bytes(40))))}), step) is Reason.PROOF_SURPLUS
    assert failure(proof_with(**{part: nodes[::-1]}), "account") is Reason.PROOF_MALFORMED


def test_parties_must_be_those_of_the_history() -> None:
    parties = WHOLE.bundle.parties
    assert failure(bundle_with(parties=parties[1:]), "words") is Reason.PARTIES_DIFFER
    assert failure(bundle_with(parties=parties[::-1]), "words") is Reason.PARTIES_DIFFER


def test_identity_that_the_contract_does_not_hold_is_invalid() -> None:
    parties = WHOLE.bundle.parties
    changed = (replace(parties[0], hash=keccak256(b"x")), *parties[1:])
    assert failure(bundle_with(parties=changed), "words") is Reason.IDENTITY_DIFFERS
    changed = (replace(parties[0], text="enterprise:X"), *parties[1:])
    assert failure(bundle_with(parties=changed), "words") is Reason.IDENTITY_DIFFERS


def test_invoice_that_is_proven_absent_is_invalid() -> None:
    absent = {storage_key(Table.STATE, NUMBER): 0, storage_key(Table.HEAD, NUMBER): 0}
    assert failure(judge(Scenario(words=absent)), "words") is Reason.INVOICE_ABSENT


# --- step 6: certificates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("der", "reason"),
    [
        (party_certificate(CLERK, identity=IDENTITIES[FINANCE]), Reason.CERTIFICATE_OF_ANOTHER),
        (party_certificate(CLERK, identity=None), Reason.CERTIFICATE_OF_ANOTHER),
        (party_certificate(CLERK, may_sign=False), Reason.CERTIFICATE_NOT_FOR_SIGNING),
        (party_certificate(CLERK, is_authority=True), Reason.CERTIFICATE_NOT_FOR_SIGNING),
        (party_certificate(CLERK, end=START + timedelta(seconds=30)), Reason.CERTIFICATE_EXPIRED),
        (party_certificate(CLERK, start=START + timedelta(seconds=90)), Reason.CERTIFICATE_EXPIRED),
        (party_certificate(CLERK, algorithm=hashes.SHA512()), Reason.CERTIFICATE_UNSUPPORTED),
        (
            party_certificate(CLERK, critical=x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")),
            Reason.CERTIFICATE_UNSUPPORTED,
        ),
        (
            certificate("x", private_key(CLERK), "authority", private_key(8), identity=IDENTITIES[CLERK]),
            Reason.CERTIFICATE_UNTRUSTED,
        ),
        (
            certificate("x", private_key(CLERK), "nobody", ROOT_KEY, identity=IDENTITIES[CLERK]),
            Reason.CERTIFICATE_UNTRUSTED,
        ),
        (b"\x30\x00", Reason.CERTIFICATE_MALFORMED),
        (b"", Reason.CERTIFICATE_MALFORMED),
        (party_certificate(CLERK) + b"\0", Reason.CERTIFICATE_MALFORMED),
    ],
)
def test_certificates_that_do_not_name_the_signer_are_invalid(der: bytes, reason: Reason) -> None:
    scenario = Scenario(moves=MOVES[:1], others=4, certificates={CLERK: der} if der else {})
    if der:
        assert failure(judge(scenario), "certificates") is reason
    else:
        empty = replace(scenario.bundle, certificates=(b"",))
        assert failure(examine(empty.to_bytes(), TRUST), "certificates") is reason


def test_padding_bits_of_a_certificate_signature_cannot_change() -> None:
    der = bytearray(SHORT.bundle.certificates[0])
    at = der.rindex(b"\x03", 0, len(der) - 64)
    der[at + 2] = 1
    changed = replace(SHORT.bundle, certificates=(bytes(der),))
    assert failure(examine(changed.to_bytes(), TRUST), "certificates") is Reason.CERTIFICATE_MALFORMED


def test_surplus_or_unordered_certificates_are_invalid() -> None:
    extra = party_certificate(FRIEND, identity="person:extra")
    scenario = Scenario(moves=MOVES[:1], authorities=(extra,))
    assert failure(judge(scenario), "certificates") is Reason.CERTIFICATE_UNUSED
    turned = WHOLE.bundle.certificates[::-1]
    assert failure(bundle_with(certificates=turned), "certificates") is Reason.CERTIFICATE_UNUSED


# --- step 7: signatures ------------------------------------------------------------------------------------


def test_signature_by_another_key_is_invalid() -> None:
    scenario = Scenario(signers={EMPLOYEE: private_key(99)})
    report = judge(scenario)
    assert failure(report, "signatures") is Reason.SIGNATURE_INVALID


def test_high_s_form_of_a_signature_is_invalid() -> None:
    high = SECP256K1_ORDER - WHOLE.bundle.history[2].s
    assert failure(event_with(2, s=high), "signatures") is Reason.SIGNATURE_NOT_CANONICAL
    assert failure(event_with(2, r=0), "signatures") is Reason.SIGNATURE_NOT_CANONICAL


def test_changed_sibling_or_group_is_invalid() -> None:
    event = WHOLE.bundle.history[3]
    for changes in (
        {"before": event.before[1:]},
        {"after": (*event.after, bytes(32))},
        {"before": (*event.before, *event.after), "after": ()},
        {"valid_until": event.valid_until + 1},
    ):
        assert failure(event_with(3, **changes), "signatures") is Reason.SIGNATURE_INVALID
    assert failure(event_with(3, actor=EMPLOYER), "certificates") is Reason.CERTIFICATE_OF_ANOTHER


def test_group_that_was_not_current_is_invalid() -> None:
    assert judge(Scenario(moves=MOVES[:1], lifetime_s=86400)).verdict is Result.VALID
    for lifetime_s in (86401, -1):
        late = Scenario(moves=MOVES[:1], lifetime_s=lifetime_s)
        assert failure(judge(late), "signatures") is Reason.GROUP_EXPIRED


def test_too_large_a_group_is_invalid() -> None:
    assert judge(moves_with(0, siblings=255)).verdict is Result.VALID
    assert failure(judge(moves_with(0, siblings=256)), "signatures") is Reason.SIGNATURE_INVALID


# --- step 8: history ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len(MOVES)))
def test_no_operation_can_be_left_out(at: int) -> None:
    history = WHOLE.bundle.history[:at] + WHOLE.bundle.history[at + 1 :]
    report = bundle_with(history=history)
    assert report.verdict is Result.INVALID


def test_history_cut_at_the_end_does_not_reach_the_state_word() -> None:
    short, longer = Scenario(moves=MOVES[:8]), Scenario(moves=MOVES[:9])
    report = examine(replace(short.bundle, proof=longer.bundle.proof).to_bytes(), TRUST)
    assert failure(report, "history") is Reason.STATE_DIFFERS


def test_head_word_must_be_the_histories() -> None:
    other = Scenario(words={storage_key(Table.HEAD, NUMBER): 12345})
    assert failure(judge(other), "history") is Reason.HEAD_DIFFERS
    assert failure(event_with(1, time_s=WHOLE.events[1].time_s + 1), "history") is Reason.HEAD_DIFFERS


def test_times_run_forward() -> None:
    assert judge(moves_with(1, wait_s=0)).verdict is Result.VALID
    assert failure(judge(moves_with(1, wait_s=-1)), "history") is Reason.TIME_ORDER
    early = Scenario(header_time_s=WHOLE.events[-1].time_s - 1)
    assert failure(judge(early), "history") is Reason.TIME_ORDER


# --- the report and the trust file -------------------------------------------------------------------------


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(TEXTS) == set(Reason)
    assert all(zh and en and zh != en for zh, en in TEXTS.values())


def test_report_says_the_same_in_text_and_json() -> None:
    report = event_with(1, r=1)
    value = json.loads(report.to_json("zh"))
    assert value["verdict"] == "invalid"
    assert [step["reason"] for step in value["steps"]] == [step.reason.value for step in report.steps]
    for lang, words in (("zh", "操作签名无效"), ("en", "verdict: invalid")):
        assert words in report.to_text(lang)


def test_report_shows_no_control_characters_of_the_file() -> None:
    document = DOCUMENT | {"issued_on": "\x1b[2J2026"}
    first = replace(MOVES[0], operation=replace(issue(), ref=commit(document, SEED)))
    text = judge(Scenario(moves=(first,), document=document, others=4)).to_text("en")
    assert "\x1b" not in text
    assert "\\x1b[2J2026" in text


def test_unchecked_report_is_never_invalid() -> None:
    for name in STEP_NAMES:
        assert unchecked(name, Reason.TRUST_MISSING).verdict is Result.UNCHECKED
    assert Report(()).verdict is Result.UNCHECKED


@pytest.mark.parametrize(
    "changes",
    [
        {"genesis": bytes(31)},
        {"contracts": ()},
        {"contracts": (TrustedContract(bytes(21), bytes(32)),)},
        {"contracts": (TrustedContract(bytes(20), bytes(31)),)},
        {"contracts": TRUST.contracts * 2},
        {"contracts": tuple(TrustedContract(bytes([at]) * 20, bytes(32)) for at in range(17))},
        {"witnesses_needed": 1},
        {"witnesses_needed": -1},
        {"witnesses": (Witness("w.example").key,) * 2},
        {"witnesses": (Witness("w.example").key, replace(Witness("w.example").key, name="other.example"))},
        {"witnesses": tuple(Witness(f"w{at}.example").key for at in range(17))},
        {"sealers": ()},
        {"sealers": (bytes(64),)},
        {"sealers": (point(private_key(1)),) * 2},
        {"authority_root": b"\x30\x00"},
        {"authority_root": party_certificate(CLERK)},
    ],
)
def test_unusable_trust_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(TrustError) as caught:
        replace(TRUST, **changes)
    assert caught.value.reason is Reason.TRUST_UNREADABLE


def test_every_reason_step_and_limit_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "EVIDENCE.md").read_text()
    for reason, (zh, en) in TEXTS.items():
        assert f"| `{reason.value}` | {en} | {zh} |" in text, f"document the reason {reason.value}"
    for number, name in enumerate(STEP_NAMES, start=1):
        assert f"| {number} | `{name}` |" in text, f"document the step {name}"
    for limit in (FILE_SIZE_MAX, HISTORY_MAX, LEAVES_MAX, VALUES_MAX, TRUST_SIZE_MAX):
        assert f"{limit:,}" in text, f"document the limit {limit:,}"
