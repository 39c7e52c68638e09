"""`einvoice till`: a till's key, registering it, and signing an order without a line to the server."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.opening import new_key, open_ledger, read_settings
from ledger.cli.output import EXIT_USAGE, AsJson, fail, print_json, print_line, write_file

if TYPE_CHECKING:
    from ledger.domain.till_order import OrderLine

app = typer.Typer(
    no_args_is_help=True,
    help="""Tills: make a key, register it, sign an order for a customer's phone.

    Example: `einvoice till key till.key`
    """,
)

DIGITS_MAX = 15  # of a figure on the command line
EXPIRES_IN_S = 30 * 86_400  # a customer has a month, as receipts say

KeyFile = Annotated[Path, typer.Argument(help="File with the till's private key, kept at the till alone.")]


@app.command()
def key(file: KeyFile, as_json: AsJson = False) -> None:
    """Make a till's key; prints the public key to register.

    Example: `einvoice till key till.key`
    """
    from ledger.identity import new_till_key, till_public_key

    if file.exists():
        fail(f"{file} exists; choose another name", "文件已存在", code=EXIT_USAGE)
    private = new_till_key()
    write_file(file, private.hex().encode() + b"\n", mode=0o600)
    public = till_public_key(private).hex()
    if as_json:
        print_json({"public_key": public, "file": str(file)})
    else:
        print_line(f"public key {public}")


@app.command()
def register(
    public_key: Annotated[str, typer.Argument(help="The till's public key, 64 hex digits.")],
    as_party: Annotated[int, typer.Option("--as", help="The seller, or its clerk.")],
    name: Annotated[str, typer.Option(help="What the till is called.")] = "till",
    clerk: Annotated[int | None, typer.Option(help="Who signs its invoices; left out: yourself.")] = None,
    item: Annotated[list[str] | None, typer.Option("--item", help="Goods as NAME:RATE_BP; may be given again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register a till with its goods; prints its id.

    Example: `einvoice till register $PUBLIC_KEY --as 4 --item '*餐饮服务*餐费:600'`
    """
    from ledger.service.till_views import TillItem

    items = tuple(TillItem(*_named_rate(one)) for one in item or ())
    with open_ledger(looking=False) as ledger:
        made = ledger.tills.register(
            ledger.caller(as_party), name=name, public_key=public_key, clerk=clerk, items=items,
            idempotency_key=new_key(),
        )  # fmt: skip
    if as_json:
        print_json({"till_id": made.till_id, "seller": made.seller, "clerk": made.clerk})
    else:
        print_line(f"till {made.till_id} of party {made.seller}")


@app.command()
def order(
    file: KeyFile,
    till: Annotated[str, typer.Option(help="The till's id.")],
    number: Annotated[str, typer.Option("--id", help="The order's own id, another for each order.")],
    line: Annotated[
        list[str],
        typer.Option(
            "--line", help="ITEM:GROSS_FEN, where 1 is the first item registered, or NAME:RATE_BP:GROSS_FEN; 8 at most."
        ),
    ],
    expires_in_s: Annotated[int, typer.Option(help="Seconds in which it can be collected.")] = EXPIRES_IN_S,
    qr: Annotated[bool, typer.Option("--qr", help="Draw the code as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign an order off line; prints the address a customer opens.

    Example: `einvoice till order till.key --till 0f0f0f0f0f0f0f0f --id A-1 --line 1:10600 --qr`
    """
    from ledger.domain.till_order import SIGNING_TAG, SignedOrder, TillOrder, TillOrderError
    from ledger.identity import sign_with_till

    try:
        lines = tuple(_order_line(one) for one in line)
        gross_fen = sum(one.gross_fen for one in lines)
        private = bytes.fromhex(file.read_text(encoding="ascii").strip())
        made = TillOrder(till, number, int(time.time()) + expires_in_s, gross_fen, lines)
        unsigned = made.unsigned()
        text = SignedOrder(made, unsigned, sign_with_till(private, SIGNING_TAG + unsigned)).text
    except TillOrderError as err:
        fail(str(err), "订单内容有误", code=EXIT_USAGE)
    except (OSError, ValueError) as err:
        fail(
            f"{file} holds no till key ({err}); make one with `einvoice till key`", "密钥文件无法读取", code=EXIT_USAGE
        )
    address = f"{read_settings().public_url.rstrip('/')}/collect?o={text}"
    if as_json:
        print_json({"order": text, "address": address, "gross_fen": gross_fen})
        return
    print_line(address)
    if qr:
        print_line(_drawn(address))


def _order_line(text: str) -> OrderLine:
    from ledger.domain.till_order import OrderLine, TillOrderError

    *name, one, other = ["", *text.rsplit(":", 2)]
    if not all(part.isascii() and part.isdigit() and len(part) <= DIGITS_MAX for part in (one, other)):
        raise TillOrderError(f"{text}: write ITEM:GROSS_FEN or NAME:RATE_BP:GROSS_FEN")
    if len(name) == 1:
        return OrderLine(int(other), item=int(one))
    return OrderLine(int(other), name=name[1], rate_bp=int(one))


def _named_rate(text: str) -> tuple[str, int]:
    name, _, rate = text.rpartition(":")
    if not name or not (rate.isascii() and rate.isdigit()):
        fail(f"{text}: write NAME:RATE_BP, as 餐费:600", "商品格式为 名称:税率基点", code=EXIT_USAGE)
    return name, int(rate)


def _drawn(address: str) -> str:
    import segno

    out = io.StringIO()
    segno.make_qr(address, error="m").terminal(out=out, compact=True)
    return out.getvalue()
