"""Evidence without its document: the verdict is erased, never valid, and invalid where something to check is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.bundle_factory import (
    MOVES,
    NUMBER,
    SUCCESSOR,
    Scenario,
    default_key,
    erasure_of,
    private_key,
)
from tests.verifier.judging import SHORT, TRUST, WHOLE, failure
from tests.verifier.tales import DISPLACED, OUTSIDE_NUMBER, RED_MOVES, RED_NUMBER, tale_of
from tests.verifier.test_hostile_bytes import damaged, keeps_back_more, mutated, quick, thorough
from verifier.__main__ import main
from verifier.canonical import dumps
from verifier.erasure import Erasure
from verifier.operations import SECP256K1_ORDER
from verifier.parsing import parse
from verifier.reasons import Reason
from verifier.report import Report, Result
from verifier.steps import examine, not_older_than

ISSUED_S = WHOLE.events[0].time_s
ERASED_S = WHOLE.events[-1].time_s + 1_000


def erased(scenario: Scenario, erasure: Erasure) -> bytes:
    """The scenario's evidence as it is served once the document is gone."""
    return replace(scenario.bundle, document=None, erasure=erasure).to_bytes()


RED, OUTSIDE = tale_of(RED_MOVES), tale_of(DISPLACED[:3])
DATA = erased(WHOLE, erasure_of(NUMBER, ERASED_S))


def judged(erasure: Erasure, scenario: Scenario = WHOLE) -> Report:
    return examine(erased(scenario, erasure), scenario.trust)


def test_erased_file_holds_but_for_its_document() -> None:
    report = examine(DATA, TRUST)
    assert report.verdict is Result.ERASED, report.to_text("en")
    assert {step.name: step.result for step in report.steps if step.result is not Result.VALID} == {
        "document": Result.ERASED,
        "fields": Result.ERASED,
    }
    assert report.exit_code == 5
    assert report.reasons == (Reason.DOCUMENT_ERASED, Reason.DOCUMENT_ERASED)
    said = next(step for step in report.steps if step.name == "document").compared
    assert (said["erased"], said["signed_by"]) == (f"{NUMBER:020d}", "authority:bureau")
    assert said["commitment"] == WHOLE.events[0].operation.ref.hex()


def test_report_says_that_no_content_was_shown() -> None:
    report = examine(DATA, TRUST)
    assert "结论: 已删除" in report.to_text("zh")
    assert "不能证明任何票面内容" in report.to_text("zh")
    assert "nothing is proven of what the invoice said" in report.to_text("en")
    assert json.loads(report.to_json("en"))["verdict"] == "erased"
    assert "nothing is proven" not in examine(WHOLE.data, TRUST).to_text("en")


def test_evidence_with_its_document_stays_valid_after_the_erasure() -> None:
    assert examine(WHOLE.data, TRUST).verdict is Result.VALID


def test_file_that_says_erased_and_carries_a_document_is_no_evidence() -> None:
    value = json.loads(DATA)
    value["document"] |= json.loads(WHOLE.data)["document"]
    report = examine(dumps(value), TRUST)
    assert (report.verdict, report.reasons[0]) == (Result.UNCHECKED, Reason.NOT_EVIDENCE)


@pytest.mark.parametrize("instead", [None, {}, [], {"erasure": None}, {"erasure": {}}])
def test_document_stripped_without_the_authoritys_word_is_no_evidence(instead: object) -> None:
    report = examine(dumps(json.loads(WHOLE.data) | {"document": instead}), TRUST)
    assert (report.verdict, report.reasons[0]) == (Result.UNCHECKED, Reason.NOT_EVIDENCE)


@pytest.mark.parametrize("signer", [private_key(2000), private_key(77), default_key(2)])
def test_nobody_but_the_authority_says_erased(signer: object) -> None:
    report = judged(erasure_of(NUMBER, ERASED_S, signer))
    assert failure(report, "document") is Reason.ERASURE_INVALID
    assert report.exit_code == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"chainId": 1},
        {"verifyingContract": "0x" + SUCCESSOR.hex()},
        {"name": "another"},
    ],
)
def test_erasure_of_another_ledger_is_none_here(changes: dict[str, object]) -> None:
    report = judged(erasure_of(NUMBER, ERASED_S, **changes))
    assert failure(report, "document") is Reason.ERASURE_INVALID


def test_erasure_has_one_form() -> None:
    signed = erasure_of(NUMBER, ERASED_S)
    for other in (
        replace(signed, s=SECP256K1_ORDER - signed.s),
        replace(signed, at_s=signed.at_s + 1),
        replace(signed, r=0),
        replace(signed, r=signed.s, s=signed.r % (SECP256K1_ORDER // 2)),
    ):
        assert failure(judged(other), "document") is Reason.ERASURE_INVALID


def test_erasure_of_another_invoice_is_none_of_this_one() -> None:
    assert failure(judged(erasure_of(NUMBER + 1, ERASED_S)), "document") is Reason.ERASURE_OF_ANOTHER


def test_erasure_is_not_older_than_the_document() -> None:
    assert judged(erasure_of(NUMBER, ISSUED_S)).verdict is Result.ERASED
    assert failure(judged(erasure_of(NUMBER, ISSUED_S - 1)), "document") is Reason.ERASURE_TOO_EARLY


def test_erasure_after_the_root_certificate_ended_is_none() -> None:
    assert failure(judged(erasure_of(NUMBER, 2**47)), "document") is Reason.ERASURE_INVALID


@pytest.mark.parametrize(
    ("change", "step", "reason"),
    [
        ({"state": 1}, "history", Reason.STATE_DIFFERS),
        ({"r": 1}, "signatures", Reason.SIGNATURE_INVALID),
    ],
)
def test_erased_file_with_an_altered_history_is_invalid(change: dict[str, int], step: str, reason: Reason) -> None:
    bundle = replace(WHOLE.bundle, document=None, erasure=erasure_of(NUMBER, ERASED_S))
    last = replace(bundle.history[-1], **change)
    report = examine(replace(bundle, history=(*bundle.history[:-1], last)).to_bytes(), TRUST)
    assert failure(report, step) is reason


def test_erased_file_that_leaves_an_operation_out_is_invalid() -> None:
    bundle = replace(WHOLE.bundle, document=None, erasure=erasure_of(NUMBER, ERASED_S))
    assert examine(replace(bundle, history=bundle.history[:-1]).to_bytes(), TRUST).verdict is Result.INVALID


def test_a_red_is_erased_with_its_blue_or_alone() -> None:
    for number in (NUMBER, RED_NUMBER):
        report = judged(erasure_of(number, ERASED_S), RED)
        assert report.verdict is Result.ERASED, report.to_text("en")
    assert examine(RED.data, RED.trust).verdict is Result.VALID


def test_a_red_is_not_erased_with_another_blue_nor_before_it_was_issued() -> None:
    assert failure(judged(erasure_of(NUMBER + 1, ERASED_S), RED), "document") is Reason.ERASURE_OF_ANOTHER
    early = erasure_of(NUMBER, RED.events[0].time_s - 1)
    assert failure(judged(early, RED), "document") is Reason.ERASURE_TOO_EARLY


def test_a_blue_is_not_erased_with_its_red() -> None:
    assert failure(judged(erasure_of(RED_NUMBER, ERASED_S)), "document") is Reason.ERASURE_OF_ANOTHER


def test_an_outside_invoice_is_erased_as_of_the_registration_that_counts() -> None:
    report = judged(erasure_of(OUTSIDE_NUMBER, OUTSIDE.events[-1].time_s), OUTSIDE)
    assert report.verdict is Result.ERASED, report.to_text("en")
    early = erasure_of(OUTSIDE_NUMBER, OUTSIDE.events[0].time_s - 1)
    assert failure(judged(early, OUTSIDE), "document") is Reason.ERASURE_TOO_EARLY


def test_erased_file_older_than_asked_for_cannot_be_checked() -> None:
    report = examine(DATA, TRUST)
    assert not_older_than(report, report.block_time_s).verdict is Result.ERASED
    assert not_older_than(report, report.block_time_s + 1).verdict is Result.UNCHECKED


def test_erased_file_of_an_unknown_ledger_cannot_be_checked() -> None:
    report = examine(DATA, replace(TRUST, genesis=bytes(32)))
    assert report.verdict is Result.UNCHECKED
    assert {step.name: step.result for step in report.steps}["fields"] is Result.UNCHECKED


def test_redacting_an_erased_file_keeps_the_identity_texts_back_alone() -> None:
    redacted = parse(DATA).redacted(["number"])
    assert {party.text for party in redacted.parties} == {None}
    assert examine(redacted.to_bytes(), TRUST).verdict is Result.ERASED


def test_a_batch_ends_with_the_worst_of_its_files(
    tmp_path_factory: pytest.TempPathFactory, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("batch")
    files = {"erased": DATA, "valid": SHORT.data, "cut": DATA[:-1], "invalid": erased(WHOLE, erasure_of(NUMBER, 1))}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "trust").write_bytes(TRUST.to_bytes())

    def run(*names: str) -> int:
        return main([*(str(folder / name) for name in names), "--trust", str(folder / "trust"), "--lang", "en"])

    assert run("erased") == run("erased", "valid") == run("valid", "erased") == 5
    assert b"[erased]" in capsysbinary.readouterr().out
    assert run("erased", "cut") == 2
    assert run("erased", "cut", "invalid") == 1


def test_help_tells_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "5 erased" in " ".join(capsys.readouterr().out.split())


def refused(data: bytes) -> None:
    report = examine(data, TRUST)
    assert report.verdict is not Result.VALID
    assert (report.verdict is Result.ERASED) == (data == DATA or keeps_back_more(data, DATA))
    report.to_text("zh")
    report.to_json("en")


@quick
@given(st.integers(0, 8 * len(DATA) - 1))
def test_no_bit_of_an_erased_file_can_flip(bit: int) -> None:
    flipped = bytearray(DATA)
    flipped[bit // 8] ^= 1 << bit % 8
    refused(bytes(flipped))


@quick
@given(damaged(DATA) | mutated(json.loads(DATA)))
def test_changed_erased_files_are_never_erased_or_valid(data: bytes) -> None:
    refused(data)


@pytest.mark.slow
@thorough
@given(damaged(DATA) | mutated(json.loads(DATA)))
def test_thousands_of_changes_of_erased_files_are_refused(data: bytes) -> None:
    refused(data)


@pytest.mark.parametrize("name", ["number", "at", "r", "s"])
def test_every_character_of_the_erasure_counts(name: str) -> None:
    value = json.loads(DATA)
    said = value["document"]["erasure"]
    whole = str(said[name])
    for place in range(len(whole)):
        swapped = whole[:place] + ("1" if whole[place] != "1" else "2") + whole[place + 1 :]
        said[name] = int(swapped) if name == "at" else swapped
        refused(dumps(value))


def test_erased_histories_of_every_length_hold() -> None:
    for count in range(1, len(MOVES) + 1, 3):
        scenario = Scenario(moves=MOVES[:count], others=4)
        assert judged(erasure_of(NUMBER, ERASED_S), scenario).verdict is Result.ERASED
