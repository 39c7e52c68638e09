"""Errors of writing documents out and of looking into what was written.

DocumentsError
|-- NotWritableError      the invoice, list or archive cannot be written: a draft, a limit, an unsafe name
|-- PdfRefusedError       the bytes are no PDF that is looked into
|-- EvidenceMissingError  the PDF carries no evidence file, or more than one
|-- ArchiveRefusedError   the bytes are no archive of ours: kind, size, names, index
`-- ArchiveAlteredError   a file of the archive is not what the index says; `path` is the first one

Every error carries `code`, `values` and its text in English and Chinese (docs/DOCUMENTS.md).
"""

from __future__ import annotations

DOCUMENT_TEXTS: dict[str, tuple[str, str]] = {
    # writing
    "draft": ("the invoice has no number yet; issue it first", "发票尚无号码，请先开具"),
    "xml_too_large": (
        "the XML would have {count} bytes, at most {limit} are read back; issue fewer lines on one invoice",
        "XML 将有 {count} 字节，最多可读回 {limit} 字节，请减少每张发票的行数",
    ),
    "commitment_size": ("the commitment has {count} bytes instead of 32", "承诺哈希为 {count} 字节，应为 32 字节"),
    "check_address": (
        "{address!r} is no address of a public check: https://host or http://host, at most {limit} characters",
        "{address!r} 不是公开查验网址：应为 https://主机 或 http://主机，最多 {limit} 个字符",
    ),
    "too_many_attachments": (
        "{count} attachments, at most {limit} go into one PDF",
        "附件 {count} 个，最多 {limit} 个",
    ),
    "attachment_name": (
        "the attachment's name {name!r} is not plain: 1 to {limit} letters, digits, dots, dashes and underscores",
        "附件名 {name!r} 不规范：限 1 至 {limit} 个字母、数字、点、短横线、下划线",
    ),
    "attachment_twice": ("two attachments are called {name!r}; rename one", "两个附件同名 {name!r}，请改名"),
    "attachment_kind": (
        "{kind!r} is no media type such as application/json",
        "{kind!r} 不是媒体类型，应如 application/json",
    ),
    "attachment_size": (
        "the attachment {name!r} has {count} bytes; 1 to {limit} are taken",
        "附件 {name!r} 为 {count} 字节，应为 1 至 {limit} 字节",
    ),
    "too_many_rows": (
        "a list has more than {limit} rows; ask for a shorter time, or page by page",
        "列表超过 {limit} 行，请缩短期间或分页导出",
    ),
    "cell_length": (
        "a cell has {count} characters, at most {limit} fit a workbook",
        "单元格有 {count} 个字符，最多 {limit} 个",
    ),
    "language": ("{name!r} is no language of lists; use zh or en", "{name!r} 不是列表语言，请用 zh 或 en"),
    # archives, writing
    "archive_empty": ("an archive holds at least one file", "归档包至少应有一个文件"),
    "too_many_files": (
        "{count} files, at most {limit} go into one archive; split the claim",
        "文件 {count} 个，一个归档包最多 {limit} 个，请拆分",
    ),
    "file_name": (
        "the name {path!r} is not safe in an archive: relative, up to {limit} bytes, no dots at ends or reserved signs",
        "文件名 {path!r} 在归档包中不安全：须为相对路径，最多 {limit} 字节，段首尾无点，不含保留字符",
    ),
    "file_twice": ("two files would be called {path!r}; rename one", "两个文件同名 {path!r}，请改名"),
    "entry_words": (
        "{path!r} needs a role of 1 to {limit} letters a-z, and an invoice number of at most {limit} digits",
        "{path!r} 的类别应为 1 至 {limit} 个小写字母，发票号码最多 {limit} 位数字",
    ),
    "file_size": ("{path!r} has {count} bytes, at most {limit}", "{path!r} 为 {count} 字节，最多 {limit} 字节"),
    "archive_size": (
        "the files add up to {count} bytes, at most {limit} go into one archive; split the claim",
        "文件合计 {count} 字节，一个归档包最多 {limit} 字节，请拆分",
    ),
    "about_text": (
        "{name!r} of the archive is 1 to {limit} printable characters, with at most {count} such entries",
        "归档包说明 {name!r} 应为 1 至 {limit} 个可打印字符，说明最多 {count} 条",
    ),
    # PDF, reading
    "pdf_size": ("has {count} bytes, at most {limit} are looked into", "共 {count} 字节，最多查看 {limit} 字节"),
    "pdf_unknown": ("not a PDF; choose the file that was downloaded", "不是 PDF 文件，请选择原下载文件"),
    "pdf_broken": ("the PDF is damaged; download it again", "PDF 已损坏，请重新下载"),
    "pdf_costly": (
        "reading the PDF takes more time or memory than any invoice; download the original again",
        "读取该 PDF 所需的时间或内存超出发票应有的范围，请重新下载原件",
    ),
    "pdf_busy": ("many files are being read just now; try again in a minute", "正在读取的文件较多，请一分钟后重试"),
    "pdf_attachments": (
        "more than {limit} attachments are inside; download the original again",
        "PDF 内附件超过 {limit} 个，请重新下载原件",
    ),
    "pdf_locked": ("the PDF is encrypted; download the original again", "PDF 已加密，请重新下载原件"),
    "evidence_missing": (
        "the PDF carries no evidence.json; download it with evidence, or the evidence file alone",
        "PDF 未附 evidence.json，请下载带证据的 PDF 或单独下载证据文件",
    ),
    "evidence_twice": ("the PDF carries several evidence.json; none is taken", "PDF 附有多个 evidence.json，均不采用"),
    "evidence_size": (
        "the evidence file is larger than {limit} bytes; it is none of ours",
        "证据文件超过 {limit} 字节，并非本系统生成",
    ),
    # archives, reading
    "zip_unknown": ("not a ZIP archive; choose the file that was downloaded", "不是 ZIP 归档包，请选择原下载文件"),
    "zip_size": ("has {count} bytes, at most {limit} are checked", "共 {count} 字节，最多检查 {limit} 字节"),
    "content_size": (
        "unpacks to {count} bytes, at most {limit} are checked; it is no archive of ours",
        "解压后 {count} 字节，最多检查 {limit} 字节，并非本系统的归档包",
    ),
    "zip_broken": (
        "the ZIP structure is damaged at {path!r}; download it again",
        "ZIP 结构在 {path!r} 处损坏，请重新下载",
    ),
    "zip_form": (
        "{path!r} is stored in a way an archive never is: encrypted, a link, a folder or another compression",
        "{path!r} 的存储方式不合归档包规范：加密、链接、目录或其他压缩方式",
    ),
    "index_broken": ("{path!r} is no index of an archive; it was changed", "{path!r} 不是归档包索引，已被改动"),
    "file_missing": ("{path!r} is in the index and not in the archive", "索引中有 {path!r}，归档包中没有"),
    "file_extra": ("{path!r} is in the archive and not in the index", "归档包中有 {path!r}，索引中没有"),
    "digest_differs": (
        "{path!r} has SHA-256 {found}, the index says {expected}: the file was changed",
        "{path!r} 的 SHA-256 为 {found}，索引为 {expected}：文件已被改动",
    ),
    "root_differs": (
        "the whole archive has digest {found}, expected was {expected}: index and files were made anew",
        "归档包整体摘要为 {found}，应为 {expected}：索引和文件被重新制作",
    ),
}


class DocumentsError(Exception):
    """Root of this package's errors; `message_en` and `message_zh` say what to do next."""

    def __init__(self, code: str, **values: object) -> None:
        english, chinese = DOCUMENT_TEXTS[code]
        self.code = code
        self.values = values
        self.message_en = english.format(**values)
        self.message_zh = chinese.format(**values)
        super().__init__(self.message_en)


class NotWritableError(DocumentsError):
    """The invoice, list or archive cannot be written."""


class PdfRefusedError(DocumentsError):
    """The bytes are no PDF that is looked into."""


class EvidenceMissingError(DocumentsError):
    """The PDF carries no evidence file, or more than one."""


class ArchiveRefusedError(DocumentsError):
    """The bytes are no archive of ours."""


class ArchiveAlteredError(DocumentsError):
    """A file of the archive is not what the index says: `path` is the first, "" when it is the archive as a whole."""

    def __init__(self, code: str, *, path: str, **values: object) -> None:
        self.path = path
        super().__init__(code, path=path, **values)
