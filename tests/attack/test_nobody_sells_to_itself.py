"""An enterprise makes out a special invoice to itself, to deduct the tax of its own sale or to swell its turnover."""

from __future__ import annotations

import pytest

from ledger.service import Caller, InvalidRequest
from ledger.service.till_views import OrderLineView, Title
from tests.attack.conftest import Cast
from tests.service.test_bulk import sheet
from tests.service.world import World, must

HEAD = ["单据编号", "购买方名称", "购买方税号", "项目名称", "金额", "税率", "税额"]


def codes(caught: pytest.ExceptionInfo[InvalidRequest]) -> set[tuple[str, str]]:
    return {(one.path, one.code) for one in caught.value.problems}


@pytest.mark.parametrize("kind", ["ordinary", "special"])
def test_an_invoice_to_the_seller_itself_is_not_issued(world: World, cast: Cast, kind: str) -> None:
    own = {"name": "换个名字", "tax_id": world.tax_ids[cast.front.party]}
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.front, world.draft(own, kind=kind), idempotency_key=world.key())
    assert codes(caught) == {("buyer.tax_id", "buyer_is_seller")}


@pytest.mark.parametrize("kind", ["ordinary", "special"])
def test_an_invoice_to_another_enterprise_is(world: World, cast: Cast, kind: str) -> None:
    must(world.ledger.issue(cast.front, world.draft(cast.employer, kind=kind), idempotency_key=world.key()))


def test_nor_from_a_sheet(world: World, cast: Cast) -> None:
    own = world.tax_ids[cast.front.party]
    data = sheet(["R1", "门面公司", own, "*餐饮服务*餐费", "100.00", "6%", "6.00"], head=HEAD)
    job = world.ledger.bulk.upload(cast.front, data, idempotency_key=world.key())
    page = world.ledger.bulk.rows(cast.front, job.job, limit=10)
    assert [(one.status, one.problems[0]["code"]) for one in page.items] == [("invalid", "buyer_is_seller")]


def test_nor_from_a_payment(world: World, cast: Cast) -> None:
    def pay(buyer: Caller) -> None:
        title = Title(world.names[buyer.party], world.tax_ids[buyer.party])
        must(
            world.ledger.collecting.pay(
                cast.front, order_id=f"p-{buyer.party}", gross_fen=106, lines=(OrderLineView("停车费", 600, 106),),
                title=title, idempotency_key=world.key(),
            ).written
        )  # fmt: skip

    pay(cast.employer)
    with pytest.raises(InvalidRequest) as caught:
        pay(cast.front)
    assert codes(caught) == {("tax_id", "buyer_is_seller")}
