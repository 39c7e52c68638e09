"""OFD files of our own making: packed, changed, and sealed by a key and certificate made here."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import gmalg
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from ledger.formats.ofd.sm2 import DEFAULT_SIGNER_ID, SM2_CURVE, SM2_WITH_SM3, SM3, sm3

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"
INTACT = SAMPLES / "ofd" / "cq-test-intact.ofd"
LEFT_OUT = SAMPLES / "ofd" / "bj-ukey-test-100lines.ofd"

FOLDER = "Doc_0/Signs/Sign_0/"
INVOICE = "Doc_0/Attachs/original_invoice.xml"
PAGE = "Doc_0/Pages/Page_0/Content.xml"
TEMPLATE = "Doc_0/Tpls/Tpl_0/Content.xml"
OFD = 'xmlns:ofd="http://www.ofdspec.org/2016"'

KEY_FIELDS = {
    "发票号码": "26442000000000000001",
    "开票日期": "2026年11月05日",
    "销售方名称": "深圳示例软件有限公司",
    "销售方统一社会信用代码/纳税人识别号": "91310117759596321B",
    "购买方名称": "上海示例科技有限公司",
    "购买方统一社会信用代码/纳税人识别号": "91310112703255042R",
    "合计金额": "301.00",
    "合计税额": "18.06",
    "价税合计": "319.06",
    "发票类型": "电子发票（普通发票）",
}
EINVOICE = (
    '<eInvoice xmlns:fp="http://www.edrm.org.cn/schema/e-invoice/2019" Version="1.0"><fp:InvoiceCode>044002600111'
    "</fp:InvoiceCode><fp:InvoiceNo>00000017</fp:InvoiceNo><fp:IssueDate>2026年11月05日</fp:IssueDate><fp:Buyer>"
    "<fp:BuyerName>上海示例科技有限公司</fp:BuyerName><fp:BuyerTaxID>91310112703255042R</fp:BuyerTaxID></fp:Buyer>"
    "<fp:Seller><fp:SellerName>深圳示例软件有限公司</fp:SellerName><fp:SellerTaxID>91310117759596321B</fp:SellerTaxID>"
    "</fp:Seller><fp:TaxInclusiveTotalAmount>319.06</fp:TaxInclusiveTotalAmount><fp:TaxExclusiveTotalAmount>301.00"
    "</fp:TaxExclusiveTotalAmount><fp:TaxTotalAmount>18.06</fp:TaxTotalAmount><fp:InvoiceClerk>张三</fp:InvoiceClerk>"
    "<fp:GoodsInfos><fp:GoodsInfo><fp:Item>*信息技术服务*软件维护</fp:Item><fp:MeasurementDimension>月"
    "</fp:MeasurementDimension><fp:Price>100.3333333333333</fp:Price><fp:Quantity>3</fp:Quantity><fp:Amount>301.00"
    "</fp:Amount><fp:TaxScheme>6%</fp:TaxScheme><fp:TaxAmount>18.06</fp:TaxAmount></fp:GoodsInfo></fp:GoodsInfos>"
    "</eInvoice>"
)


def pack(files: Mapping[str, bytes]) -> bytes:
    """A ZIP archive of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of a ZIP archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def replaced(data: bytes, name: str, old: str, new: str) -> bytes:
    """The archive with a text of one file replaced, which must be there."""
    files = unpack(data)
    assert old.encode() in files[name]
    files[name] = files[name].replace(old.encode(), new.encode())
    return pack(files)


def page(*texts: str, extra: str = "") -> bytes:
    """A page that draws texts."""
    codes = "".join(f"<ofd:TextObject><ofd:TextCode>{text}</ofd:TextCode></ofd:TextObject>" for text in texts)
    return f"<ofd:Page {OFD}><ofd:Content><ofd:Layer>{codes}{extra}</ofd:Layer></ofd:Content></ofd:Page>".encode()


def ofd_files(
    fields: Mapping[str, str] = KEY_FIELDS, *, einvoice: str = "", signatures: bool = False
) -> dict[str, bytes]:
    """The files of an unsigned OFD with key fields, one page and one template; `einvoice` XML attached when given."""
    data = "".join(f'<ofd:CustomData Name="{name}">{text}</ofd:CustomData>' for name, text in fields.items())
    listed = "<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>" if signatures else ""
    files = {
        "OFD.xml": (
            f'<?xml version="1.0" encoding="UTF-8"?><ofd:OFD {OFD}><ofd:DocBody><ofd:DocInfo><ofd:CustomDatas>{data}'
            "</ofd:CustomDatas></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>"
            f"{listed}</ofd:DocBody></ofd:OFD>"
        ).encode(),
        "Doc_0/Document.xml": (
            f'<ofd:Document {OFD}><ofd:CommonData><ofd:TemplatePage ID="2" BaseLoc="Tpls/Tpl_0/Content.xml"/>'
            '</ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages>'
            "</ofd:Document>"
        ).encode(),
        PAGE: page("26442000000000000001", "319.06"),
        TEMPLATE: page("发票号码：", "价税合计（小写）"),
    }
    if einvoice:
        files[INVOICE] = einvoice.encode()
    return files


@asn1.sequence
class _Attribute:
    kind: ObjectIdentifier
    value: str


@asn1.sequence
class _KeyAlgorithm:
    kind: ObjectIdentifier
    curve: ObjectIdentifier


@asn1.sequence
class _Algorithm:
    kind: ObjectIdentifier


@asn1.sequence
class _Key:
    algorithm: _KeyAlgorithm
    key: asn1.BitString


@asn1.sequence
class _Validity:
    start: asn1.GeneralizedTime
    end: asn1.GeneralizedTime


@asn1.sequence
class _CertificateBody:
    version: Annotated[int, asn1.Explicit(0)]
    serial: int
    algorithm: _Algorithm
    issuer: list[asn1.SetOf[_Attribute]]
    validity: _Validity
    subject: list[asn1.SetOf[_Attribute]]
    public_key: _Key
    extensions: Annotated[list[_Algorithm], asn1.Explicit(3)]


@asn1.sequence
class _Certificate:
    body: _CertificateBody
    algorithm: _Algorithm
    signature: asn1.BitString


@asn1.sequence
class _SealInformation:
    name: str
    certificates: list[bytes]


@asn1.sequence
class _Maker:
    certificate: bytes
    algorithm: ObjectIdentifier
    signature: asn1.BitString


@asn1.sequence
class _Seal:
    information: _SealInformation
    certificate: bytes
    algorithm: ObjectIdentifier
    signature: asn1.BitString


@asn1.sequence
class _OldSeal:
    information: _SealInformation
    maker: _Maker


@asn1.sequence
class _Body:
    version: int
    seal: _Seal
    signed_at: asn1.GeneralizedTime
    data_hash: asn1.BitString
    property: asn1.IA5String


@asn1.sequence
class _OddBody:
    """As some programs write it: another kind of time, another kind of text."""

    version: int
    seal: _Seal
    signed_at: asn1.UTCTime
    data_hash: asn1.BitString
    property: str


@asn1.sequence
class _OldBody:
    version: int
    seal: _OldSeal
    signed_at: asn1.BitString
    data_hash: asn1.BitString
    property: asn1.IA5String
    certificate: bytes
    algorithm: ObjectIdentifier


@asn1.sequence
class _SealSignature:
    body: _Body
    certificate: bytes
    algorithm: ObjectIdentifier
    signature: asn1.BitString


@asn1.sequence
class _OddSealSignature:
    body: _OddBody
    certificate: bytes
    algorithm: ObjectIdentifier
    signature: asn1.BitString


@asn1.sequence
class _OldSealSignature:
    body: _OldBody
    signature: asn1.BitString


@asn1.sequence
class _Numbers:
    r: int
    s: int


class Signer:
    """An SM2 key with a certificate of its own issuing, who also makes its own seal."""

    def __init__(self, name: str = "自制税务局", curve: str = SM2_CURVE) -> None:
        keys = gmalg.SM2()
        self.secret, self.point = keys.generate_keypair()
        self.name = name
        day = asn1.GeneralizedTime(datetime(2026, 1, 1, tzinfo=UTC))
        names = [asn1.SetOf([_Attribute(kind=ObjectIdentifier("2.5.4.3"), value=name)])]
        algorithm = _Algorithm(kind=ObjectIdentifier(SM2_WITH_SM3))
        body = _CertificateBody(
            version=2,
            serial=7,
            algorithm=algorithm,
            issuer=names,
            validity=_Validity(start=day, end=day),
            subject=names,
            public_key=_Key(
                algorithm=_KeyAlgorithm(kind=ObjectIdentifier("1.2.840.10045.2.1"), curve=ObjectIdentifier(curve)),
                key=asn1.BitString(self.point, 0),
            ),
            extensions=[],
        )
        signature = self.sign(asn1.encode_der(body))
        self.certificate = asn1.encode_der(_Certificate(body=body, algorithm=algorithm, signature=signature))

    def sign(self, message: bytes, signer_id: bytes = DEFAULT_SIGNER_ID) -> asn1.BitString:
        r, s = gmalg.SM2(sk=self.secret, uid=signer_id, pk=self.point).sign(message)
        return asn1.BitString(asn1.encode_der(_Numbers(r=int.from_bytes(r, "big"), s=int.from_bytes(s, "big"))), 0)

    def signed_value(
        self,
        signature_xml: bytes,
        *,
        old: bool = False,
        odd: bool = False,
        listed: bytes | None = None,
        writer: Signer | None = None,
        signer_id: bytes = DEFAULT_SIGNER_ID,
    ) -> bytes:
        """SignedValue.dat over Signature.xml.

        `listed` is the certificate the seal names instead of the signer's, `writer` who signs instead of the signer.
        """
        algorithm = ObjectIdentifier(SM2_WITH_SM3)
        information = _SealInformation(name=self.name, certificates=[listed or self.certificate])
        maker_signature = self.sign(asn1.encode_der(information))
        data_hash = asn1.BitString(sm3(signature_xml), 0)
        place = asn1.IA5String(f"/{FOLDER}Signature.xml")
        if old:
            maker = _Maker(certificate=self.certificate, algorithm=algorithm, signature=maker_signature)
            old_body = _OldBody(
                version=1,
                seal=_OldSeal(information=information, maker=maker),
                signed_at=asn1.BitString(b"2026", 0),
                data_hash=data_hash,
                property=place,
                certificate=self.certificate,
                algorithm=algorithm,
            )
            return asn1.encode_der(_OldSealSignature(body=old_body, signature=self.sign(asn1.encode_der(old_body))))
        seal = _Seal(
            information=information, certificate=self.certificate, algorithm=algorithm, signature=maker_signature
        )
        day = datetime(2026, 11, 5, 8, tzinfo=UTC)
        if odd:
            odd_body = _OddBody(version=4, seal=seal, signed_at=asn1.UTCTime(day), data_hash=data_hash, property="签章")
            signature = self.sign(asn1.encode_der(odd_body))
            return asn1.encode_der(
                _OddSealSignature(body=odd_body, certificate=self.certificate, algorithm=algorithm, signature=signature)
            )
        body = _Body(version=4, seal=seal, signed_at=asn1.GeneralizedTime(day), data_hash=data_hash, property=place)
        return asn1.encode_der(
            _SealSignature(
                body=body,
                certificate=self.certificate,
                algorithm=algorithm,
                signature=(writer or self).sign(asn1.encode_der(body), signer_id),
            )
        )


def signature_xml(files: Mapping[str, bytes], method: str = SM3) -> bytes:
    """Signature.xml over files, with SM3 digests whatever `method` it names."""
    references = "".join(
        f'<ofd:Reference FileRef="/{name}"><ofd:CheckValue>{base64.b64encode(sm3(content)).decode()}</ofd:CheckValue>'
        "</ofd:Reference>"
        for name, content in files.items()
    )
    return (
        f'<ofd:Signature {OFD}><ofd:SignedInfo><ofd:References CheckMethod="{method}">{references}</ofd:References>'
        f"</ofd:SignedInfo><ofd:SignedValue>/{FOLDER}SignedValue.dat</ofd:SignedValue></ofd:Signature>"
    ).encode()


def sealed(
    files: Mapping[str, bytes],
    signer: Signer,
    *,
    leave_out: Collection[str] = (),
    old: bool = False,
    listed: bytes | None = None,
    method: str = SM3,
) -> dict[str, bytes]:
    """Files with a signature over all of them but `leave_out`."""
    xml = signature_xml({name: content for name, content in files.items() if name not in leave_out}, method)
    return {
        **files,
        "Doc_0/Signs/Signatures.xml": (
            f'<ofd:Signatures {OFD}><ofd:Signature ID="1" BaseLoc="/{FOLDER}Signature.xml"/></ofd:Signatures>'
        ).encode(),
        FOLDER + "Signature.xml": xml,
        FOLDER + "SignedValue.dat": signer.signed_value(xml, old=old, listed=listed),
    }
