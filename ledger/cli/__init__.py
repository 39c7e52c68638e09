"""The command line `einvoice`."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `einvoice` command."""
    from ledger.cli.app import app

    app()
