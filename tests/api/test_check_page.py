"""The public page: a verdict in words, the same wording for every mismatch, and never a verdict out of a failure."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.words import TERMS, WORDS, choose_language
from api.web.yuan import format_yuan, parse_yuan
from ledger.domain.invoice import AMOUNT_FEN_MAX
from ledger.service import errors
from tests.api.recording import COMMITMENT, GROSS_FEN, NUMBER
from tests.api.test_problem_shapes import assert_problem

VOID = {"meta", "link", "input"}


class Outline(HTMLParser):
    """Checks that elements nest, and collects what an accessible page must have."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.labels: set[str] = set()
        self.named_inputs: set[str] = set()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        assert not any(name.startswith("on") or name == "style" for name in values)
        if "id" in values:
            assert values["id"] not in self.ids
            self.ids.add(values["id"] or "")
        if tag == "label":
            self.labels.add(values["for"] or "")
        if tag == "input" and values.get("type") != "hidden":
            self.named_inputs.add(values["id"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    assert found.open == []
    assert "script" not in found.tags
    assert found.tags.count("h1") == 1
    assert "main" in found.tags
    assert found.labels == found.named_inputs
    return found


def link(**changes: object) -> str:
    return "/check?" + urlencode({"number": NUMBER, "total_amount": GROSS_FEN, "hash": COMMITMENT, **changes})


@pytest.mark.parametrize(("language", "tag"), [("zh", "zh-CN"), ("en", "en")])
def test_form_is_accessible_in_both_languages(anyone, language, tag):
    answer = anyone.get(f"/check?lang={language}")
    assert answer.status == 200
    assert f'<html lang="{tag}">' in answer.text
    assert WORDS[language]["title"] in answer.text
    outline(answer.text)


def test_qr_link_shows_the_invoice_its_timeline_and_how_to_verify_offline(anyone):
    answer = anyone.get(link(lang="zh"))
    assert answer.status == 200
    outline(answer.text)
    for shown in (WORDS["zh"]["match"], NUMBER, "¥106.00", "2026-11-05 10:30:00", TERMS["zh"]["lock"],
                  f"python -m verifier invoice-{NUMBER}.evidence.json --trust trust.json --offline"):  # fmt: skip
        assert shown in answer.text
    assert "卖方 &lt;b&gt;" in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        link(),
        link(hash="01" + COMMITMENT),
        link(hash="0x" + COMMITMENT.upper()),
        link(number=f" {NUMBER[:12]} {NUMBER[12:]} "),
        f"/check?bill_num={NUMBER}&total_amount={GROSS_FEN}&hash={COMMITMENT}",
        "/check?" + urlencode({"number": NUMBER, "amount": "106", "hash": COMMITMENT, "lang": "zh"}),
        "/check?" + urlencode({"number": NUMBER, "amount": " ¥106.00 ", "hash": COMMITMENT, "lang": "zh"}),
    ],
)
def test_every_way_of_asking_reaches_the_same_check(anyone, recording, address):
    assert WORDS["zh"]["match"] in anyone.get(address).text
    assert recording.calls == [("public_check", (NUMBER, GROSS_FEN, COMMITMENT), {})]


@pytest.mark.parametrize("change", [{"number": "9" * 20}, {"total_amount": GROSS_FEN + 1}, {"hash": "d4" * 32}])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_mismatch_has_one_wording_and_nothing_else(anyone, change, language):
    answer = anyone.get(link(lang=language, **change))
    assert answer.status == 200
    outline(answer.text)
    verdicts = re.findall(r'<p class="verdict[^"]*" role="status">(.*?)</p>', answer.text)
    assert verdicts == [WORDS[language]["no_match"]]
    assert "卖方" not in answer.text
    assert "evidence" not in answer.text
    assert not re.search("fake|forged|invalid|假|伪", answer.text)


@pytest.mark.parametrize("failure", [errors.Busy(), errors.NotReady("x", "x"), RuntimeError("x")])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_outage_is_not_a_verdict(anyone, recording, failure, language):
    recording.failure = failure
    answer = anyone.get(link(lang=language))
    assert answer.status == 503
    assert WORDS[language]["outage"] in answer.text
    assert WORDS[language]["no_match"] not in answer.text
    outline(answer.text)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [({"number": "1"}, "number"), ({"number": "９" * 20}, "number"), ({"total_amount": "1.5"}, "amount"),
     ({"total_amount": "-5"}, "amount"), ({"total_amount": "１"}, "amount"), ({"hash": "zz"}, "hash"),
     ({"hash": COMMITMENT[:-1]}, "hash"), ({"number": '"><script>alert(1)</script>'}, "number")],
)  # fmt: skip
def test_wrong_entry_is_explained_at_its_field(anyone, recording, change, wrong):
    answer = anyone.get(link(lang="en", **change))
    assert answer.status == 400
    assert WORDS["en"][f"{wrong}_error"] in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert "<script" not in answer.text
    outline(answer.text)
    assert recording.calls == []


def test_public_evidence_is_a_download_for_who_knows_all_three(anyone):
    answer = anyone.get(link().replace("/check?", "/check/evidence?"))
    assert answer.status == 200
    assert answer.body == b'{"format":"redacted"}'
    assert answer.headers["content-disposition"] == f'attachment; filename="invoice-{NUMBER}.evidence.json"'
    mismatch = assert_problem(anyone.get(link(hash="d4" * 32).replace("/check?", "/check/evidence?")), "no-match")
    assert mismatch["detail"] == WORDS["en"]["no_match"]
    assert_problem(anyone.get("/check/evidence?number=1"), "invalid-parameter")


def test_style_sheet_is_served_and_cacheable(anyone):
    answer = anyone.get("/static/check.css")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert "max-age" in answer.headers["cache-control"]


def test_both_languages_have_the_same_words():
    assert WORDS["zh"].keys() == WORDS["en"].keys()
    assert TERMS["zh"].keys() == TERMS["en"].keys()


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [(None, "", "zh"), (None, "en-US,en;q=0.9", "en"), (None, "fr, en;q=0.5, zh-CN;q=0.8", "zh"), ("en", "zh", "en"),
     ("fr", "en", "en"), (None, "en;q=0.1,zh;q=0.10", "en"), (None, "q=,;;*", "zh"), (None, "en;q=0", "en")],
)  # fmt: skip
def test_language_is_the_asked_or_the_preferred(asked, accepted, language):
    assert choose_language(asked, accepted) == language


@given(st.integers(0, AMOUNT_FEN_MAX))
def test_yuan_are_exact_both_ways(fen):
    assert parse_yuan(format_yuan(fen)) == fen
    assert parse_yuan(f"{fen // 100}.{fen % 100:02d}") == fen


@pytest.mark.parametrize("text", ["", ".", "1.", ".5", "1.234", "1e3", "-1", "+1", "１２", "1,23", "1,2345",
                                  "0x1", "1 2", "NaN",
                                  "1.5.0", "9" * 16, "99999999999999.99"])  # fmt: skip
def test_other_amounts_are_refused(text):
    assert parse_yuan(text) is None


@pytest.mark.parametrize(
    ("text", "fen"), [("0.1", 10), ("0.29", 29), ("1,234.5", 123450), ("￥ 8", 800), ("4.35元", 435)]
)
def test_amounts_as_people_write_them(text, fen):
    assert parse_yuan(text) == fen


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_not(text):
    fen = parse_yuan(text)
    assert fen is None or 0 <= fen <= AMOUNT_FEN_MAX
