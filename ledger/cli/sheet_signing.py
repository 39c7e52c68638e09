"""Signing a sheet's drafts with a key of one's own: what waits is read, said in numbers, signed and submitted.

What is said comes from the bytes that are signed. A draft that is anything but invoices of this sheet's seller, for the
ledger opened here, is not signed, whatever the ledger's rows call it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ledger.cli.output import bar, complain, err, fail

if TYPE_CHECKING:
    from ledger.service import Caller, Ledger
    from ledger.service.bulk_views import BulkJobView


@dataclass(frozen=True)
class SheetGroup:
    """A group of invoices as its bytes say it: digest, whose they are, count, sum in fen, first and last number."""

    digest: bytes
    seller: int
    count: int
    gross_fen: int
    first_number: int
    last_number: int


class SheetSigner:
    """A key file that signs drafts of sheets; its password is asked for once, when there is something to sign."""

    def __init__(self, file: Path, password_file: Path | None, *, yes: bool) -> None:
        self._file, self._password_file, self._yes = file, password_file, yes
        self._key: bytes | None = None

    def sign(self, ledger: Ledger, caller: Caller, view: BulkJobView) -> int:
        """Shows the sheet's drafts, signs and submits them one after the other; how many were accepted.

        A draft that ended meanwhile is said and left out: its rows are ready again.
        """
        from ledger.identity import sign_digest
        from ledger.identity.signing import signature_text
        from ledger.service import DraftExpired, DraftStale, NotFound

        groups = [_read(ledger, caller, view, one.digest) for one in view.drafts if one.signer == caller.party]
        if not groups:
            return 0
        _show(groups)
        if not self._yes and sys.stdin.isatty():
            typer.confirm("Sign these? 是否签名", abort=True, err=True)
        key = self._opened(ledger, caller)
        accepted, rows = 0, sum(group.count for group in groups)
        with bar("sign") as moved:
            for at, group in enumerate(groups):
                moved(sum(one.count for one in groups[:at]), rows)
                signature = signature_text(sign_digest(key, group.digest))
                try:
                    written = ledger.drafts.sign(caller, group.digest.hex(), signature)
                except (DraftExpired, DraftStale, NotFound) as error:
                    complain(error.message, error.message_zh)
                    continue
                if written.refusal is not None:
                    break  # the sheet says why; the other drafts wait on
                accepted += 1
            moved(rows, rows)
        return accepted

    def _opened(self, ledger: Ledger, caller: Caller) -> bytes:
        from ledger.cli.own_keys import password_of
        from ledger.identity import address_of
        from ledger.identity.key_files import read_key_file

        if self._key is None:
            self._key = read_key_file(self._file, password_of(self._password_file))
        with ledger.context.reading() as connection:
            expected = ledger.context.signer_of(connection, caller.party)
        if address_of(self._key) != expected:
            fail(
                f"{self._file} is not the key of party {caller.party}: its address is 0x{expected.hex()}",
                f"密钥文件不是参与方 {caller.party} 的密钥，其地址为 0x{expected.hex()}",
            )
        return self._key


def _read(ledger: Ledger, caller: Caller, view: BulkJobView, digest: str) -> SheetGroup:
    """What a draft's bytes say. Ends the command when they are not what the sheet asks for."""
    from ledger.domain.typed_data import TypedDataError, read_group
    from verifier.operations import AMOUNT_TERMS_LAYOUT, Code, unpack_bits

    try:
        group, domain = read_group(ledger.drafts.draft(caller, digest).typed_data)
    except TypedDataError as error:
        fail(f"draft {digest} is not signed: {error}", f"草稿 {digest} 未签名：不是本系统的 typed data")
    found = group.digest(domain)
    fits = (
        found.hex() == digest
        and domain == ledger.context.domain
        and group.actor == caller.party
        and all(one.code == Code.ISSUE and one.subject == view.subject for one in group.operations)
    )
    if not fits:
        fail(  # `view.subject` is sealed with the sheet: what the column beside says does not count
            f"draft {digest} is not of invoices of party {view.subject} alone; not signed",
            f"草稿 {digest} 不只是参与方 {view.subject} 的开票，未签名",
        )
    numbers = [one.number for one in group.operations]
    gross_fen = sum(unpack_bits(AMOUNT_TERMS_LAYOUT, one.terms)["gross"] for one in group.operations)
    return SheetGroup(found, view.subject, len(numbers), gross_fen, min(numbers), max(numbers))


def _show(groups: list[SheetGroup]) -> None:
    for group in groups:
        _say(f"{group.digest.hex()[:16]}  ", group)
    whole = SheetGroup(
        b"", groups[0].seller, sum(one.count for one in groups), sum(one.gross_fen for one in groups),
        min(one.first_number for one in groups), max(one.last_number for one in groups),
    )  # fmt: skip
    _say(f"{len(groups)} signatures: ", whole)


def _say(lead: str, group: SheetGroup) -> None:
    yuan, numbers = f"{group.gross_fen // 100}.{group.gross_fen % 100:02d}", (group.first_number, group.last_number)
    text = f"{lead}issue {group.count} invoices, gross {yuan} yuan, {numbers[0]:020d} to {numbers[1]:020d}"
    text += f", as party {group.seller}"
    err.print(text, highlight=False, markup=False)
