"""Texts of the problems of OFD files and their signatures, English and Chinese; docs/FORMATS.md lists their codes."""

from __future__ import annotations

OFD_TEXTS: dict[str, tuple[str, str]] = {
    # the archive
    "zip_broken": ("the archive is damaged; get the original file again", "压缩包已损坏，请重新获取原件"),
    "zip_too_many": ("holds more than {limit} files; this is no invoice", "包内文件超过 {limit} 个，不是发票"),
    "zip_entry_too_large": (
        "{name} unpacks to more than {limit} bytes; this is no invoice",
        "{name} 解压后超过 {limit} 字节，不是发票",
    ),
    "zip_too_large": (
        "unpacks to more than {limit} bytes; this is no invoice",
        "解压后总计超过 {limit} 字节，不是发票",
    ),
    "zip_ratio": (
        "{name} is packed more than {limit} times smaller, as files made to exhaust are; it is not read",
        "{name} 压缩比超过 {limit} 倍，疑似压缩炸弹，拒绝读取",
    ),
    "zip_name": (
        "{name} is a name that leads out of the archive or cannot be printed; it is not read",
        "{name} 的路径越出压缩包或含非法字符，拒绝读取",
    ),
    "zip_link": (
        "{name} is a link or a device, which no invoice has; it is not read",
        "{name} 是链接或设备文件，发票不应有，拒绝读取",
    ),
    "zip_repeated": (
        "{name} is in the archive more than once, so it is unclear which holds; get the original",
        "{name} 在包内重复出现，无法确定以哪个为准，请获取原件",
    ),
    "zip_encrypted": ("{name} is encrypted; save the file without a password", "{name} 已加密，请另存为无密码的文件"),
    "zip_method": (
        "{name} is packed in a way that is not read; get the original file again",
        "{name} 的压缩方式不支持，请重新获取原件",
    ),
    "zip_nested": (
        "{name} is an archive itself; unpack the outer one and upload the invoice",
        "{name} 本身是压缩包，请先解压外层再上传发票",
    ),
    # the document
    "ofd_unknown": (
        "an archive without OFD.xml is no OFD; upload the invoice's OFD, XML or PDF",
        "压缩包内没有 OFD.xml，不是 OFD 文件，请上传发票的 OFD、XML 或 PDF",
    ),
    "ofd_documents": (
        "OFD.xml describes {count} documents, an invoice is one; upload each by itself",
        "OFD.xml 描述了 {count} 个文档，发票应为一个，请分别上传",
    ),
    "ofd_invoices": (
        "holds {count} invoices; upload each by itself",
        "含 {count} 张发票，请分别上传",
    ),
    "ofd_no_invoice": (
        "an OFD without invoice XML and key fields; upload the invoice's XML, or scan its QR code",
        "OFD 内没有发票 XML 和关键字段，请上传发票 XML 或扫描二维码",
    ),
    "ofd_fields_differ": (
        "{name} in OFD.xml differs from the invoice XML beside it; get the original file again",
        "OFD.xml 中的 {name} 与发票 XML 不一致，请重新获取原件",
    ),
    # its signature
    "signature_none": ("the file has no national signature", "文件没有国家电子签章"),
    "signature_intact": (
        "every file that was signed is unchanged; the signer's certificate is not followed to a root",
        "签章涵盖的文件均未改动；未核验签章证书的根证书",
    ),
    "signature_file_altered": (
        "{name} was changed after signing; get the original file again",
        "{name} 在签章后被改动，请重新获取原件",
    ),
    "signature_file_missing": (
        "{name} belongs to the signature and is missing; get the original file again",
        "签章所含的 {name} 缺失，请重新获取原件",
    ),
    "signature_list_altered": (
        "the list of signed files was changed after signing; get the original file again",
        "签章的文件清单在签章后被改动，请重新获取原件",
    ),
    "signature_damaged": (
        "{name}, the signed value, is damaged; get the original file again",
        "签名值 {name} 已损坏，请重新获取原件",
    ),
    "signature_wrong": (
        "the SM2 signature does not fit what it signs; get the original file again",
        "SM2 签名与所签内容不符，请重新获取原件",
    ),
    "signature_seal_foreign": (
        "the seal does not name the certificate it was used with; get the original file again",
        "印章未包含所用的签章证书，请重新获取原件",
    ),
    "signature_removed": (
        "the file's list of signatures was taken out, the signature is still there; get the original file again",
        "文件的签章列表被移除而签名值仍在，请重新获取原件",
    ),
    "signature_not_covering": (
        "{name} repeats invoice data and is not signed; get the original file again",
        "{name} 含发票内容但不在签章范围内，请重新获取原件",
    ),
    "signature_kind": (
        "signed without a seal, which is not checked here; check the invoice on the tax platform",
        "采用无印章的签名方式，此处无法核验，请在税务平台查验发票",
    ),
    "signature_algorithm": (
        "signed with {name}, not SM2 with SM3; check the invoice on the tax platform",
        "签名算法为 {name}，不是 SM2-with-SM3，请在税务平台查验发票",
    ),
    "signature_digest_method": (
        "digests by {name}, which is unknown or too weak; check the invoice on the tax platform",
        "摘要算法 {name} 未知或强度不足，请在税务平台查验发票",
    ),
    "signature_count": (
        "has {count} signatures, at most {limit} are checked; check the invoice on the tax platform",
        "共 {count} 个签章，最多核验 {limit} 个，请在税务平台查验发票",
    ),
}
