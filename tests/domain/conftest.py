"""Plain JSON of a sound invoice, for tests that change one thing about it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import settings

# Property tests assert results, not speed: on shared cores a single example may take any time.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

_INVOICE: dict[str, Any] = {
    "kind": "special",
    "seller": {
        "name": "深圳示例软件有限公司",
        "tax_id": "91310117759596321B",
        "address": "示例路 1 号",
        "phone": "0755-00000000",
        "bank": "示例银行",
        "account": "0000 1111",
    },
    "buyer": {"name": "上海示例科技有限公司", "tax_id": "91310112703255042R"},
    "lines": [
        {
            "name": "*信息技术服务*软件维护",
            "tax_code": "3040203000000000000",
            "specification": "V1",
            "unit": "月",
            "quantity": "3",
            "price": "100.3333333333333",
            "net_fen": 30100,
            "rate_bp": 600,
            "tax_fen": 1806,
        },
        {"name": "*计算机外部设备*键盘", "net_fen": 20000, "rate_bp": 1300, "tax_fen": 2600, "nature": 2},
        {"name": "*计算机外部设备*键盘", "net_fen": -5000, "rate_bp": 1300, "tax_fen": -650, "nature": 1},
    ],
    "net_fen": 45100,
    "tax_fen": 3756,
    "gross_fen": 48856,
    "gross_in_words": "肆佰捌拾捌圆伍角陆分",
    "note": "第一行\n第二行",
    "drawer": "张三",
}


@pytest.fixture
def plain() -> dict[str, Any]:
    """A sound draft: three lines, one of them a discount."""
    return copy.deepcopy(_INVOICE)


@pytest.fixture
def one_line() -> dict[str, Any]:
    """A sound draft of one line: 100.00 at 13 %."""
    value = copy.deepcopy(_INVOICE)
    value["lines"] = [{"name": "*纸制品*打印纸", "net_fen": 10000, "rate_bp": 1300, "tax_fen": 1300}]
    value |= {"net_fen": 10000, "tax_fen": 1300, "gross_fen": 11300, "gross_in_words": "壹佰壹拾叁圆整"}
    return value


@pytest.fixture
def red(one_line: dict[str, Any]) -> dict[str, Any]:
    """A sound red document crediting all of `one_line`."""
    line = one_line["lines"][0]
    line |= {"net_fen": -10000, "tax_fen": -1300, "quantity": "-2", "price": "50"}
    one_line |= {
        "colour": "red",
        "net_fen": -10000,
        "tax_fen": -1300,
        "gross_fen": -11300,
        "gross_in_words": "（负数）壹佰壹拾叁圆整",
        "number": "26442000000000000001",
        "issued_on": "2026-11-05",
        "original": {"number": "26442000000000000000"},
    }
    return one_line
