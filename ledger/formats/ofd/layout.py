"""Where the parts of an OFD are (GB/T 33190): from OFD.xml to pages, templates, signatures and the key fields."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from ledger.domain.errors import FieldProblem
from ledger.formats.errors import FieldsRefusedError, FileRefusedError, format_problem
from ledger.formats.ofd.archive import Archive
from ledger.formats.xml_fields import local_name, shown
from ledger.formats.xml_tree import parse_xml

ROOT_FILE = "OFD.xml"


@dataclass(frozen=True, slots=True)
class Layout:
    """Parts of the one document of an OFD.

    `fields` the custom data of OFD.xml, by name without blanks. `signatures_location` as OFD.xml writes it, "" when
    it names no list of signatures. `backgrounds` names of the template pages drawn below the pages.
    """

    archive: Archive
    fields: dict[str, str]
    signatures_location: str
    backgrounds: frozenset[str]


def read_layout(archive: Archive) -> Layout:
    """Layout of an unpacked OFD.

    Raises: FileRefusedError when it is no OFD or holds several documents; FieldsRefusedError when custom data of one
    name say different things.
    """
    name = archive.find(ROOT_FILE)
    if not name:
        raise FileRefusedError("ofd_unknown")
    root = parse_xml(archive.files[name])
    bodies = [element for element in root.iter() if local_name(element) == "DocBody"]
    if local_name(root) != "OFD" or len(bodies) != 1:
        raise FileRefusedError("ofd_documents", count=len(bodies))
    texts = {local_name(element): (element.text or "").strip() for element in bodies[0] if not len(element)}
    document = archive.resolve(texts.get("DocRoot", ""), name)
    return Layout(
        archive=archive,
        fields=_custom_data(bodies[0]),
        signatures_location=texts.get("Signatures", ""),
        backgrounds=_backgrounds(archive, document) if document else frozenset(),
    )


def _custom_data(body: etree._Element) -> dict[str, str]:
    fields: dict[str, str] = {}
    problems: list[FieldProblem] = []
    for element in body.iter():
        if local_name(element) != "CustomData":
            continue
        name = "".join(str(element.get("Name", "")).split())
        text = " ".join((element.text or "").split())
        if fields.get(name, text) != text:
            problems.append(format_problem("", "element_repeated", name=shown(name)))
        fields[name] = text
    if problems:
        raise FieldsRefusedError(problems)
    return fields


def _backgrounds(archive: Archive, document: str) -> frozenset[str]:
    below: set[str] = set()
    pages: set[str] = set()
    for element in parse_xml(archive.files[document]).iter():
        name = archive.resolve(str(element.get("BaseLoc", "")), document)
        if local_name(element) == "Page":
            pages.add(name)
        elif local_name(element) == "TemplatePage" and element.get("ZOrder", "Background") == "Background":
            below.add(name)
    return frozenset(below - pages - {""})  # a file that is a page as well is looked at as a page
