"""Command line: `python -m verifier FILE... --trust trust.json [--offline] [--json] [--lang zh|en]`.

Exit code 0 valid, 1 invalid, 2 could not check, 5 erased: the authority erased the document, the chain's record holds.
No mode makes a network call; `--offline` makes Python itself refuse one. `--not-older-than TIME` asks for a file whose
block is that recent. `--redact OUT --keep PATH ...` writes the file with only those fields shown instead of checking
it. Of several files each gets one line; then the code is 1 when any is invalid, else 2 when any could not be checked,
else 5 when any is erased.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from verifier.batch import write_reports
from verifier.canonical import PDF_START
from verifier.errors import EvidenceError, TrustError
from verifier.offline import forbid_network
from verifier.parsing import FILE_SIZE_MAX, parse
from verifier.reasons import Reason
from verifier.report import EXIT_CODES, Report, Result
from verifier.steps import not_older_than, unchecked, verify
from verifier.trust import TRUST_SIZE_MAX, Trust, parse_trust

EXIT_CODE_WORDS = (
    "退出码：0 有效，1 无效，2 无法核对，5 票面信息已删除而链上记录有效 / "
    "exit code: 0 valid, 1 invalid, 2 could not check, 5 erased: the document was erased, the chain's record holds"
)
TIME_FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; argparse exits with 2 itself on wrong usage."""
    parser = command_parser()
    options = parser.parse_args(arguments)
    if options.more and options.redact is not None:
        parser.error("--redact: 一次只能处理一个文件 / one file at a time")
    if options.offline:
        with forbid_network():
            return _run(options)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    if options.redact is not None:
        return _redact(options.file, options.redact, options.keep)
    if options.more:
        files = (options.file, *options.more)
        reports = ((file, _report(file, options)) for file in files)
        return write_reports(reports, sys.stdout.buffer, as_json=options.json, lang=options.lang)
    report = _report(options.file, options)
    if options.json:
        sys.stdout.buffer.write(report.to_json(options.lang) + b"\n")
    else:
        sys.stdout.buffer.write(report.to_text(options.lang).encode())
    sys.stdout.buffer.flush()
    return report.exit_code


def _report(file: Path, options: argparse.Namespace) -> Report:
    report = _verified(file, options.trust)
    return report if options.not_older_than is None else not_older_than(report, options.not_older_than)


def _verified(file: Path, trust_file: Path | None) -> Report:
    try:
        data = _read(file, FILE_SIZE_MAX)
    except (OSError, ValueError) as err:  # a name with a zero byte is a ValueError
        return unchecked("file", Reason.FILE_UNREADABLE, getattr(err, "strerror", None) or "")
    if data.startswith(PDF_START):  # said before a trust file is asked for: with one it would be no different
        return unchecked("file", Reason.PDF_FILE)
    trust = read_trust(trust_file, data)
    return trust if isinstance(trust, Report) else verify(data, trust)


def read_trust(file: Path | None, data: bytes = b"") -> Trust | Report:
    """The trust file, or the report of the evidence or statement `data` for which there is none that can be used."""
    if file is None:
        return unchecked("ledger", Reason.TRUST_MISSING, "", data)
    try:
        return parse_trust(_read(file, TRUST_SIZE_MAX))
    except OSError as err:
        return unchecked("ledger", Reason.TRUST_MISSING, err.strerror or "", data)
    except TrustError as err:
        return unchecked("ledger", err.reason, err.at, data)


def _redact(file: Path, target: Path, keep: list[str]) -> int:
    """Write `file` to `target` showing only `keep`; never over an existing file."""
    try:
        redacted = parse(_read(file, FILE_SIZE_MAX)).redacted(keep).to_bytes()
        with target.open("xb") as out:
            out.write(redacted)
    except (EvidenceError, OSError) as err:
        sys.stderr.write(f"not redacted: {err}\n")
        return EXIT_CODES[Result.UNCHECKED]
    return 0


def _read(path: Path, size_max: int) -> bytes:
    """At most one byte more than `size_max`, so that a larger file is seen as such without reading it."""
    with path.open("rb") as file:
        return file.read(size_max + 1)


def _time(text: str) -> int:
    """Seconds since 1970 of a day, or of a moment, in UTC. Raises: ArgumentTypeError."""
    for form in TIME_FORMS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    raise argparse.ArgumentTypeError("时间应为 YYYY-MM-DD 或 YYYY-MM-DDTHH:MM:SSZ / neither a day nor a moment in UTC")


def command_parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m verifier", description="离线核验证据包 / verify evidence offline", epilog=EXIT_CODE_WORDS
    )
    parser.add_argument("file", type=Path, help="证据包 / evidence file")
    parser.add_argument("more", type=Path, nargs="*", help="更多文件，每个一行结果 / more files: a line each")
    parser.add_argument("--trust", type=Path, help="信任文件 / trust file of the ledger, from the authority")
    parser.add_argument("--offline", action="store_true", help="禁止一切网络调用 / refuse every network call")
    parser.add_argument("--json", action="store_true", help="输出 JSON 报告 / report as JSON")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh", help="语言 / language")
    parser.add_argument(
        "--not-older-than",
        type=_time,
        metavar="TIME",
        help="最早的区块时间（UTC）/ earliest block time, UTC: YYYY-MM-DD[THH:MM:SSZ]",
    )
    parser.add_argument("--redact", type=Path, metavar="OUT", help="写出脱敏证据包 / write a redacted file instead")
    parser.add_argument("--keep", nargs="*", default=[], metavar="PATH", help="保留的字段 / fields that stay shown")
    return parser


if __name__ == "__main__":
    sys.exit(main())
