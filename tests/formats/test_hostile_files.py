"""Files made to exhaust: each is refused by name, cheaply."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from ledger.formats import FileRefusedError, FormatError, read_file
from ledger.formats.xml_tree import DEPTH_MAX, ELEMENTS_MAX, TAG_LENGTH_MAX, XML_SIZE_MAX, parse_xml

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{level} "{f"&lol{level - 1};" * 10}">' for level in range(2, 12))
    + "]><EInvoice>&lol11;</EInvoice>"
)
HOSTILE = {
    "laughs": (LAUGHS.encode(), "xml_dtd"),
    "laughs_utf16": (LAUGHS.encode("utf-16"), "xml_dtd"),
    "laughs_gb18030": (LAUGHS.replace("?>", ' encoding="gb18030"?>', 1).encode("gb18030"), "xml_dtd"),
    "laughs_utf7": (LAUGHS.replace("?>", ' encoding="utf-7"?>', 1).encode("utf-7"), "encoding_unknown"),
    "external": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><EInvoice>&x;</EInvoice>', "xml_dtd"),
    "external_dtd": (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><EInvoice/>', "xml_dtd"),
    "entity": (b"<EInvoice>&undeclared;</EInvoice>", "xml_syntax"),
    "deep": (b"<a>" * 100_000, "xml_too_deep"),
    "deep_closed": (b"<EInvoice>" + b"<a>" * DEPTH_MAX + b"</a>" * DEPTH_MAX + b"</EInvoice>", "xml_too_deep"),
    "wide": (b"<EInvoice>" + b"<a/>" * (ELEMENTS_MAX + 1) + b"</EInvoice>", "xml_too_many"),
    "brackets": (b"<" * XML_SIZE_MAX, "xml_too_many"),
    "attributes": (
        b"<EInvoice " + b" ".join(b'a%d=""' % index for index in range(300_000)) + b"/>",
        "xml_tag_too_long",
    ),
    "tag": (b"<" + b"a" * (TAG_LENGTH_MAX + 1) + b"/>", "xml_tag_too_long"),
    "declaration": (b"<?xml " + b"a" * (XML_SIZE_MAX - 100), "xml_tag_too_long"),
    "zeros": (b"<a>\0</a>", "xml_syntax"),
    "surrogate": (b"<a>\xed\xa0\x80</a>", "encoding_wrong"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_by_name(name: str) -> None:
    data, code = HOSTILE[name]
    with pytest.raises(FileRefusedError) as caught:
        read_file(data)
    assert [problem.code for problem in caught.value.problems] == [code]


def test_limits_are_just_wide_enough_for_what_they_allow() -> None:
    root = parse_xml(b"<a>" * DEPTH_MAX + b"</a>" * DEPTH_MAX)
    assert root.tag == "a"
    assert len(parse_xml(b"<a>" + b"<b/>" * (ELEMENTS_MAX - 1) + b"</a>")) == ELEMENTS_MAX - 1


def test_comments_and_instructions_are_dropped() -> None:
    root = parse_xml(b"<?xml version='1.0'?><!-- c --><?p i?><a><!-- c -->x<?p i?></a>")
    assert (root.tag, len(root)) == ("a", 0)


def test_file_at_the_size_limit_is_looked_at_and_one_byte_more_is_not() -> None:
    data = b"<EInvoice>" + b"a" * (XML_SIZE_MAX - 21) + b"</EInvoice>"
    assert len(data) == XML_SIZE_MAX
    with pytest.raises(FormatError) as caught:
        read_file(data)
    assert caught.value.problems[0].code == "element_missing"
    with pytest.raises(FileRefusedError) as caught_size:
        read_file(data + b" ")
    assert caught_size.value.problems[0].code == "file_too_large"


def bounded() -> None:
    """Limits of a process that reads a hostile file, its start included."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (4, 4))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*HOSTILE, "hundred_megabytes"])
def test_hostile_file_costs_little_time_and_memory(name: str) -> None:
    """In a process of its own, which is ended at 4 s of processor time; 100 MB above what file and program take."""
    program = (
        "import resource, sys\n"
        "from ledger.formats import FormatError, read_file\n"
        "data = sys.stdin.buffer.read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    read_file(data)\n"
        "except FormatError:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    data = b"<EInvoice>" + b"<a/>" * (25 << 20) if name == "hundred_megabytes" else HOSTILE[name][0]
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=data,
        capture_output=True,
        check=True,
        timeout=60,
        preexec_fn=bounded,
    )
    assert int(done.stdout) < 100 * 1024
