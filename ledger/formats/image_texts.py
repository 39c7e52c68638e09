"""Texts of the problems of PDF and picture files, English and Chinese; docs/FORMATS.md lists their codes."""

from __future__ import annotations

IMAGE_TEXTS: dict[str, tuple[str, str]] = {
    "pdf_encrypted": (
        "the PDF asks for a password; save it without one, or photograph its QR code",
        "PDF 需要密码，请另存为无密码的文件，或拍摄其二维码",
    ),
    "view_damaged": (
        "broken, or no {kind} file; get the file again",
        "文件损坏或不是 {kind} 文件，请重新获取",
    ),
    "view_too_costly": (
        "reading this {kind} file takes more time or memory than any invoice; photograph its QR code instead",
        "读取该 {kind} 文件所需的时间或内存超出发票应有的范围，请改为拍摄其二维码",
    ),
    "view_busy": (
        "many files are being read just now; try again in a minute",
        "正在读取的文件较多，请一分钟后重试",
    ),
    "image_too_large": (
        "the picture has {count} pixels, at most {limit} are read; make it smaller",
        "图片共 {count} 像素，最多读取 {limit} 像素，请缩小",
    ),
    "code_missing": (
        "no invoice QR code found in this {kind} file; take a sharper picture of the code, or type the invoice in",
        "{kind} 文件中未找到发票二维码，请拍摄更清晰的二维码，或手工录入",
    ),
    "codes_of_two": (
        "holds two invoices, {first} and {second}; upload one invoice per file",
        "含有两张发票 {first} 和 {second}，请每个文件只上传一张",
    ),
    "codes_differ": (
        "two QR codes name the invoice {first} with different amounts or dates, so one is altered; get the original",
        "两个二维码都指向发票 {first}，但金额或日期不同，其中之一被改动，请获取原件",
    ),
    "pdf_xml_differs": (
        "the XML inside the PDF and its QR code differ in number, amount or date for {first}; get the original",
        "PDF 内嵌的 XML 与二维码在号码、金额或日期上不一致（{first}），请获取原件",
    ),
    # read all the same
    "pages_unread": (
        "the PDF has {count} pages, only the first {limit} were looked at; upload other invoices separately",
        "PDF 共 {count} 页，只查看了前 {limit} 页，其他发票请分开上传",
    ),
}
