"""Hostile XML made safe: decoded and bounded before the parser sees it, then parsed with everything off.

An invoice needs no document type, no entities, no network and no deep nesting. Each is refused by name, in the
order of what it costs to find out, so that the worst input costs no more than reading it once.
"""

from __future__ import annotations

import codecs
import re

from lxml import etree

from ledger.formats.errors import FileRefusedError

XML_SIZE_MAX = 4 << 20  # bytes; 2,000 lines with every element filled take about 2 MB
ELEMENTS_MAX = 60_000  # 2,000 lines of 20 elements and the head, with room
DEPTH_MAX = 16  # real files nest 5 deep
TAG_LENGTH_MAX = 8_192  # characters from < to >; bounds attributes, comments and instructions
READ_SIZE = 512  # bytes fed at a time: 170 of the shortest tags, so that DEPTH_MAX speaks before libxml2's own 256

_DECLARATION = re.compile(r"\s*<\?xml[^>]*?\?>")
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
# A tag to its end: a > within quotes is none. Possessive, and a value ends at <, so that it costs one pass.
_TAG = re.compile(r"""<(?![!?])(?:[^"'<>]++|"[^"<]*+"|'[^'<]*+')*+>""")
_DOCTYPE = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8", 3),
    (codecs.BOM_UTF32_LE, "", 4),
    (codecs.BOM_UTF32_BE, "", 4),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (b"\x84\x31\x95\x33", "gb18030", 4),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
    (b"<\0", "utf-16-le", 0),
    (b"\0<", "utf-16-be", 0),
)
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-8",  # reached only by bytes that are no UTF-16: a program wrote its own text into the declaration
    "gb2312": "gb18030",  # GB 18030 contains GBK, which contains GB 2312; files called the smaller use the larger
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
}


def parse_xml(data: bytes) -> etree._Element:
    """Root element of XML bytes in UTF-8, UTF-16, GB 18030, GBK or GB 2312, without comments and instructions.

    Raises: FileRefusedError beyond the limits above, for a document type or entity, another encoding, broken XML.
    """
    if len(data) > XML_SIZE_MAX:
        raise FileRefusedError("file_too_large", count=len(data), limit=XML_SIZE_MAX)
    text = decode_xml(data)
    if _DOCTYPE.search(text):
        raise FileRefusedError("xml_dtd")
    _check_tags(text)
    declaration = _DECLARATION.match(text)
    body = text[declaration.end() :] if declaration else text
    return _parse_bounded(body.encode("utf-8", "surrogatepass"))


def decode_xml(data: bytes) -> str:
    """Text of XML bytes by byte order mark or declared encoding; without either UTF-8 or, where it is none, GB 18030.

    Raises: FileRefusedError for an unknown encoding, or bytes that are not in it.
    """
    encoding, start = _encoding_of(data)
    if encoding == "gb18030" and not start and not data.isascii() and _is_utf_8(data):
        raise FileRefusedError("encoding_differs", encoding=encoding)  # its names would be read as other names
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as err:
        if not start and not _DECLARED.match(data) and _is_rather_gb_18030(data):
            return data.decode("gb18030")
        raise FileRefusedError("encoding_wrong", position=start + err.start, encoding=encoding) from err


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_rather_gb_18030(data: bytes) -> bool:
    """Whether undeclared bytes are GB 18030. Damaged UTF-8 often is too, but most of it is still good UTF-8."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(not char.isascii() for char in text) - bad
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return bad > good


def _encoding_of(data: bytes) -> tuple[str, int]:
    for mark, encoding, size in _MARKS:
        if data.startswith(mark):
            if not encoding:
                raise FileRefusedError("encoding_unknown", encoding="UTF-32")
            return encoding, size
    declared = _DECLARED.match(data)
    name = declared.group(1).decode() if declared else "utf-8"
    known = _ENCODINGS.get(name.lower())
    if known is None:
        raise FileRefusedError("encoding_unknown", encoding=name)
    return known, 0


def _check_tags(text: str) -> None:
    """Bound number and length of tags before parsing: one tag of a million attributes is a megabyte of work."""
    if text.count("<") > 2 * ELEMENTS_MAX:
        raise FileRefusedError("xml_too_many", limit=ELEMENTS_MAX)
    start = text.find("<")
    while start >= 0:
        tag = _TAG.match(text, start)
        # What is no element, or broken: up to the next sign of an end, and the parser says what is wrong.
        end = tag.end() if tag else text.find(">", start)
        if (end if end >= 0 else len(text)) - start > TAG_LENGTH_MAX:
            raise FileRefusedError("xml_tag_too_long", limit=TAG_LENGTH_MAX)
        start = text.find("<", end) if end >= 0 else -1


def _parse_bounded(body: bytes) -> etree._Element:
    parser = etree.XMLPullParser(
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    depth = count = 0
    root: etree._Element | None = None
    try:
        for start in range(0, len(body), READ_SIZE):
            parser.feed(body[start : start + READ_SIZE])
            for event, element in parser.read_events():
                depth += 1 if event == "start" else -1
                count += event == "start"
                if root is None and isinstance(element, etree._Element):
                    root = element
                if depth > DEPTH_MAX:
                    raise FileRefusedError("xml_too_deep", limit=DEPTH_MAX)
                if count > ELEMENTS_MAX:
                    raise FileRefusedError("xml_too_many", limit=ELEMENTS_MAX)
        parser.close()
    except etree.XMLSyntaxError as err:
        line, column = err.position
        raise FileRefusedError("xml_syntax", line=line, column=column) from err
    if root is None:
        raise FileRefusedError("xml_syntax", line=1, column=1)
    return root
