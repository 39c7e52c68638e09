"""The command line `einvoice`."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `einvoice` command."""
    import sys

    from ledger.loading import loading

    with loading():
        from ledger.cli.app import app
        from ledger.cli.output import EXIT_FAILED, complain

    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last net: whoever runs a command gets a line, never a traceback
        complain(
            f"a fault in einvoice itself, please report it: {type(error).__name__}: {error}", "程序内部错误，请反馈"
        )
        sys.exit(EXIT_FAILED)
