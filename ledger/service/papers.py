"""What leaves the ledger as a file: an invoice as JSON, XML and PDF, lists, and the archive of a booked claim.

Everything is made when it is asked for, from what the caller may see; nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.documents import (
    EVIDENCE_NAME,
    ArchiveEntry,
    DocumentsError,
    InvoiceRow,
    write_archive,
    write_invoice_list_csv,
    write_invoice_list_xlsx,
    write_pdf,
    write_xml,
)
from ledger.domain.errors import FieldProblem
from ledger.domain.invoice import InvoiceDocument
from ledger.domain.numbers import format_number
from ledger.projection import Connection, invoices, keystore, parties
from ledger.projection.invoices import InvoiceRecord
from ledger.service import claim_archive, reading
from ledger.service.absent import absent
from ledger.service.bulk_texts import LANGUAGES
from ledger.service.claims import need_claim
from ledger.service.context import Context
from ledger.service.errors import Erased, InvalidRequest, NotPermitted, NotReady
from ledger.service.file_checks import CheckedFile, check_file
from ledger.service.forms import checked_number
from ledger.service.outside_papers import opened_outside
from ledger.service.people import acts_for, oversees, seen_invoice
from ledger.service.problems import invalid
from ledger.service.proofs import evidence, opened_document, trust
from ledger.service.views import Caller, InvoiceView
from verifier.canonical import dumps
from verifier.words import Grant

FORMATS = ("json", "xml", "pdf")
LIST_ROWS_MAX = 20_000  # invoices of one list: four seconds of reading; a larger one is asked for month by month
LISTS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MEDIA_TYPES = {"json": "application/json", "xml": "application/xml", "pdf": "application/pdf"}


@dataclass(frozen=True)
class Paper:
    """A file to hand out. `digest` is an archive's, "" for others."""

    name: str
    media_type: str
    data: bytes
    digest: str = ""


@dataclass(frozen=True)
class ListFilter:
    """Which invoices a list holds; as `Ledger.search`."""

    number: str | None = None
    party: int | None = None
    month: str | None = None
    state: str | None = None
    gross_min_fen: int | None = None
    gross_max_fen: int | None = None


class Papers:
    """Files written out of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def document(self, caller: Caller, number: str, *, kind: str = "pdf") -> Paper:
        """An invoice as json, xml or pdf; the PDF carries its evidence. An outside invoice is json only.

        Raises: NotFound; Erased; InvalidRequest at `format`; Busy; NotReady.
        """
        if kind not in FORMATS:
            raise invalid("format", "format_unknown", given=kind[:40], choices=", ".join(FORMATS))
        key = checked_number(number)
        with self._context.reading() as connection:
            record = seen_invoice(connection, caller, key)
            if record.is_outside:
                return self._outside(connection, record, kind)
            document = opened_document(self._context, connection, record)
        if document is None:
            raise absent(self._context, key)
        return Paper(f"invoice-{number}.{kind}", MEDIA_TYPES[kind], self._written(caller, record, document, kind))

    def original(self, caller: Caller, number: str) -> Paper:
        """The file an outside invoice was registered from, as it came. Raises: NotFound, also where there is none."""
        key = checked_number(number)
        with self._context.reading() as connection:
            record = seen_invoice(connection, caller, key)
            outside = opened_outside(self._context, connection, record) if record.is_outside else None
        if outside is None or outside.original is None:
            raise absent(self._context, key, "original of invoice")
        return Paper(f"original-{number}.{outside.extension}", "application/octet-stream", outside.original)

    def invoice_list(self, caller: Caller, wanted: ListFilter, *, kind: str = "csv", language: str = "zh") -> Paper:
        """Invoices that match and the caller may see, newest first, as csv or xlsx.

        Raises: InvalidRequest at the wrong field, or at `limit` when more than LIST_ROWS_MAX match.
        """
        if kind not in LISTS:
            raise invalid("format", "format_unknown", given=kind[:40], choices=", ".join(LISTS))
        if language not in LANGUAGES:
            raise invalid("lang", "format_unknown", given=language[:40], choices=", ".join(LANGUAGES))
        rows = self._rows(caller, wanted)
        if kind == "csv":
            data = b"".join(write_invoice_list_csv(rows, language=language))
        else:
            data = write_invoice_list_xlsx(rows, language=language)
        month = f"-{wanted.month}" if wanted.month is not None else ""
        return Paper(f"invoices{month}.{kind}", LISTS[kind], data)

    def archive(self, caller: Caller, claim_id: str) -> Paper:
        """One ZIP of a settled and booked claim: originals, documents, evidence, index. `digest` is to be kept apart.

        Raises: NotFound; NotPermitted but for the employer's finance and officers; NotBooked naming an invoice;
        InvalidRequest at `claim_id` beyond the limits of an archive.
        """
        with self._context.reading() as connection:
            record = need_claim(caller, connection, claim_id)
            if not oversees(connection, caller, record.employer) and not acts_for(
                caller, record.employer, Grant.FINANCE
            ):
                raise NotPermitted(
                    "only the employer's finance and officers take a claim's archive",
                    "仅报销单位财务和税务人员可下载归档包",
                )
            booked = claim_archive.booked_lines(connection, record)
            about = claim_archive.about(self._context, connection, record, booked)
            summary = claim_archive.summary(about, booked)
        entries = [
            ArchiveEntry("claim.json", dumps(summary), "claim"),
            ArchiveEntry("trust.json", dumps(trust(self._context)), "trust"),
        ]
        size = 0
        for line in booked:
            for entry in self._line_files(caller, line.record):
                size += len(entry.data)
                claim_archive.check_size(size)
                entries.append(entry)
        try:
            written = write_archive(entries, about=about)
        except DocumentsError as err:
            raise _refused("claim_id", err) from err
        return Paper(f"claim-{claim_id}.zip", "application/zip", written.data, written.digest)

    def check(self, data: bytes) -> CheckedFile:
        """What a stranger's evidence file or PDF proves, judged with this ledger's own trust file. Raises: Busy."""
        return check_file(self._context, data)

    # -- inside ------------------------------------------------------------------------------

    def _written(self, caller: Caller, record: InvoiceRecord, document: InvoiceDocument, kind: str) -> bytes:
        if kind == "json":
            return document.canonical()
        red_slip = document.red_slip  # as committed to, so that evidence proves what is printed
        try:
            xml = write_xml(document, red_slip=red_slip)
            if kind == "xml":
                return xml
            proof = evidence(self._context, caller, format_number(record.number))
            return write_pdf(
                document,
                commitment=record.commitment,
                check_address=self._context.settings.public_url,
                red_slip=red_slip,
                attachments=((EVIDENCE_NAME, "application/json", proof), ("invoice.xml", "application/xml", xml)),
            )
        except DocumentsError as err:
            if err.code == "check_address":
                raise NotReady(
                    f"EINVOICE_PUBLIC_URL: {err.message_en}", f"EINVOICE_PUBLIC_URL：{err.message_zh}"
                ) from err
            raise _refused("format", err) from err

    def _outside(self, connection: Connection, record: InvoiceRecord, kind: str) -> Paper:
        number = format_number(record.number)
        if kind != "json":
            raise invalid("format", "outside_is_json", number=number)
        outside = opened_outside(self._context, connection, record)
        if outside is None or outside.document is None:
            raise absent(self._context, record.number)
        return Paper(f"invoice-{number}.json", MEDIA_TYPES["json"], dumps(outside.document))

    def _rows(self, caller: Caller, wanted: ListFilter) -> Iterator[InvoiceRow]:
        cursor: str | None = None
        left = LIST_ROWS_MAX
        size = self._context.settings.page_size_max
        tax_ids: dict[int, str] = {}
        while True:
            page = reading.search(
                self._context, caller, number=wanted.number, party=wanted.party, month=wanted.month,
                state=wanted.state, gross_min_fen=wanted.gross_min_fen, gross_max_fen=wanted.gross_max_fen,
                cursor=cursor, limit=size,
            )  # fmt: skip
            left -= len(page.items)
            if left < 0:
                raise invalid("limit", "list_too_long", high=LIST_ROWS_MAX)
            self._learn_tax_ids(page.items, tax_ids)
            yield from (_row(view, tax_ids) for view in page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    def _learn_tax_ids(self, views: tuple[InvoiceView, ...], known: dict[int, str]) -> None:
        wanted = frozenset({party for view in views for party in (view.seller, view.buyer)} - known.keys() - {0})
        if not wanted:
            return
        with self._context.reading() as connection:
            records = parties.parties_by_id(connection, wanted)
            names = keystore.party_names(connection, [record.identity for record in records.values()])
        for party, record in records.items():
            name = names.get(record.identity)
            known[party] = (name.tax_id or "") if name is not None else ""

    def _line_files(self, caller: Caller, record: InvoiceRecord) -> Iterator[ArchiveEntry]:
        """Files of one invoice of a claim, and of its reds."""
        number = format_number(record.number)
        yield ArchiveEntry(f"{number}/{EVIDENCE_NAME}", evidence(self._context, caller, number), "evidence", number)
        if record.is_outside:
            with self._context.reading() as connection:
                outside = opened_outside(self._context, connection, record)
            if outside is not None and outside.document is not None:
                yield ArchiveEntry(f"{number}/invoice.json", dumps(outside.document), "document", number)
            if outside is not None and outside.original is not None:
                path = f"original/{number}.{outside.extension}"
                yield ArchiveEntry(path, outside.original, "original", number)
            return
        with self._context.reading() as connection:
            reds = invoices.reds_of(connection, record.number)
        for one in (record, *reds):
            folder = number if one is record else f"{number}/red-{format_number(one.number)}"
            for kind in FORMATS:
                try:
                    paper = self.document(caller, format_number(one.number), kind=kind)
                except Erased:
                    break  # its evidence says so
                yield ArchiveEntry(f"{folder}/invoice.{kind}", paper.data, "document", format_number(one.number))


def _row(view: InvoiceView, tax_ids: dict[int, str]) -> InvoiceRow:
    sign = -1 if view.kind == "red" else 1
    return InvoiceRow(
        number=view.number,
        issued_on=view.issued_on,
        kind=view.kind,
        colour="red" if view.kind == "red" else view.colour,
        seller_name=view.seller_name,
        seller_tax_id=tax_ids.get(view.seller, ""),
        buyer_name=view.buyer_name,
        buyer_tax_id=tax_ids.get(view.buyer, ""),
        net_fen=sign * (view.gross_fen - view.tax_fen),
        tax_fen=sign * view.tax_fen,
        gross_fen=sign * view.gross_fen,
        holder_name=view.holder_name,
        claim_state=view.claim_state,
        claim_id=view.hold.claim_id if view.hold is not None else "",
        entry=view.entry,
        original_number=view.blue or "",
        strength=view.strength,
    )


def _refused(path: str, err: DocumentsError) -> InvalidRequest:
    """What cannot be written, in the words of a request."""
    return InvalidRequest((FieldProblem(path, err.code, err.message_en, err.message_zh),))
