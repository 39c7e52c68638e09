"""Command line: `python -m api [--fd FD]` serves the API as the environment's EINVOICE_ settings say.

When it answers requests it prints one line to standard output, `ready http://<host>:<port>`, and flushes it, so a
parent process can wait for it; with EINVOICE_PORT=0 the line has the port that was free. SIGTERM and SIGINT let
running requests finish first. `--fd` takes over a listening socket instead of opening one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ledger.loading import loading

with loading():
    from pydantic import ValidationError

    from api.server import serve
    from ledger.settings import Settings

EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the server until it is told to stop; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m api", description="Serve the e-invoice ledger's HTTP API.")
    parser.add_argument("--fd", type=int, help="file descriptor of a listening TCP socket to serve")
    options = parser.parse_args(arguments)
    try:
        settings = Settings()
    except ValidationError as err:
        wrong = "; ".join(f"EINVOICE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in err.errors())
        sys.stderr.write(f"api: {wrong}; docs/STORAGE.md lists the settings\n")
        return EXIT_USAGE
    return serve(settings, listening_fd=options.fd)


if __name__ == "__main__":
    sys.exit(main())
