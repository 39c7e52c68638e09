"""One invoice as text, picture, PDF and by hand: one number, one claim, whichever came first."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from ledger.service import Caller, ClaimWritten
from ledger.service.outside_facts import OutsideItem, item_of_fields, item_of_file, item_of_qr
from tests.formats.test_pdf import pdf
from tests.formats.test_qr_image import encoded, picture, with_figures
from tests.service.conftest import Cast
from tests.service.world import World, must, refused

SERIALS = itertools.count(1)
FORMS: dict[str, Callable[[str, str], OutsideItem]] = {
    "qr": lambda _, text: item_of_qr(text, "qr"),
    "text": lambda _, text: item_of_file(text.encode(), "code.txt", "file"),
    "png": lambda _, text: item_of_file(encoded(picture(text), "PNG"), "a.png", "file"),
    "jpeg": lambda _, text: item_of_file(encoded(picture(text), "JPEG"), "IMG_0001.jpg", "file"),
    "pdf": lambda _, text: item_of_file(pdf([text]), "invoice.pdf", "file"),
    "typed": lambda number, _: item_of_fields({"number": number, "gross": "57.00", "issued_on": "2026-10-05"}, "typed"),
}


@pytest.mark.slow
@pytest.mark.parametrize("first", ["text", "jpeg", "pdf"])
def test_whatever_came_first_no_other_form_is_claimed_beside_it(world: World, cast: Cast, first: str) -> None:
    number = f"264420000000{next(SERIALS):08d}"
    text = with_figures(f"01,32,,{number},57.00,20261005,,")
    items = {form: made(number, text) for form, made in FORMS.items()}

    def claim(form: str, employer: Caller) -> ClaimWritten:
        return world.ledger.open_claim(
            cast.claimant, [], employer=employer.party, outside=[items[form]], idempotency_key=world.key()
        )

    claim_id = must(claim(first, cast.employer)).claim_id
    for form in FORMS:
        answer = claim(form, cast.other_employer)
        refused(answer, "locked")
        assert answer.lines[0].refusal is not None
        assert answer.lines[0].refusal.hold is not None
        assert answer.lines[0].refusal.hold.claim_id == claim_id
    refused(claim(first, cast.employer), "locked")
    view = world.ledger.invoice(cast.claimant, number)
    assert (view.gross_fen, view.strength) == (5_700, "qr")
    assert world.ledger.papers.original(cast.claimant, number).data == items[first].original


def test_another_number_is_another_invoice(world: World, cast: Cast) -> None:
    for _ in range(2):
        number = f"264420000000{next(SERIALS):08d}"
        item = FORMS["png"](number, with_figures(f"01,32,,{number},57.00,20261005,,"))
        must(
            world.ledger.open_claim(
                cast.claimant, [], employer=cast.employer.party, outside=[item], idempotency_key=world.key()
            )
        )
