"""A national XML of our own making, in parts, for tests that change one thing about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

# Property tests assert results, not speed: on shared cores a single example may take any time.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

LINE = (
    "<IssuItemInformation><ItemName>*信息技术服务*软件维护</ItemName><SpecMod>V1</SpecMod><MeaUnits>月</MeaUnits>"
    "<Quantity>3</Quantity><UnPrice>100.3333333333333</UnPrice><Amount>301.00</Amount><TaxRate>0.06</TaxRate>"
    "<ComTaxAm>18.06</ComTaxAm><TaxClassificationCode>3040203000000000000</TaxClassificationCode></IssuItemInformation>"
)
XML = (
    '<?xml version="1.0" encoding="utf-8"?><EInvoice><Header><EIid>26442000000000000001</EIid><InherentLabel>'
    "<InIssuType><LabelCode>Y</LabelCode></InIssuType><GeneralOrSpecialVAT><LabelCode>01</LabelCode>"
    "</GeneralOrSpecialVAT></InherentLabel></Header><EInvoiceData><SellerInformation>"
    "<SellerIdNum>91310117759596321B</SellerIdNum><SellerName>深圳示例软件有限公司</SellerName>"
    "<SellerAddr>示例路 1 号</SellerAddr></SellerInformation><BuyerInformation>"
    "<BuyerIdNum>91310112703255042R</BuyerIdNum><BuyerName>上海示例科技有限公司</BuyerName></BuyerInformation>"
    "<BasicInformation><TotalAmWithoutTax>301.00</TotalAmWithoutTax><TotalTaxAm>18.06</TotalTaxAm>"
    "<TotalTax-includedAmount>319.06</TotalTax-includedAmount><TotalTax-includedAmountInChinese>叁佰壹拾玖圆零陆分"
    "</TotalTax-includedAmountInChinese><Drawer>张三</Drawer><RequestTime>2026-11-04 23:59:00</RequestTime>"
    f"</BasicInformation>{LINE}<AdditionalInformation><Remark>合同 7</Remark></AdditionalInformation></EInvoiceData>"
    "<TaxSupervisionInfo><InvoiceNumber>26442000000000000001</InvoiceNumber><IssueTime>2026-11-05 00:01:00</IssueTime>"
    "</TaxSupervisionInfo></EInvoice>"
)


@pytest.fixture
def xml_with() -> Callable[..., bytes]:
    """`xml_with((old, new), ...)`: the XML with texts replaced, each of which must be there."""

    def build(*changes: tuple[str, str], encoding: str = "utf-8") -> bytes:
        text = XML
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return text.encode(encoding)

    return build


@pytest.fixture
def line_xml() -> str:
    """The XML's one line, to be replaced or repeated."""
    return LINE
