"""`python -m ledger.cli` is `einvoice`."""

from ledger.cli import main

main()
