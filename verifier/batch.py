"""Many files in one run: a line for each as soon as it is judged, and one exit code for all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from verifier.canonical import dumps
from verifier.reasons import reason_text
from verifier.report import EXIT_CODES, RESULT_WORDS, SAYS_WORDS, Report, Result, printable, words, worst
from verifier.shape import utc_text


def write_reports(reports: Iterable[tuple[Path, Report]], out: BinaryIO, *, as_json: bool, lang: str) -> int:
    """Writes a line a file to `out`; 1 when any file is invalid, else 2 when any could not be checked, else 5 when
    any is erased, else 0."""
    found = set()
    for file, report in reports:
        found.add(report.verdict)
        line = json_line(file, report, lang) if as_json else text_line(file, report, lang)
        out.write(line + b"\n")
        out.flush()
    return EXIT_CODES[worst(found)]


def json_line(file: Path, report: Report, lang: str) -> bytes:
    """The report as canonical JSON in one line, with the file's name as `file`."""
    return dumps({**report.to_value(lang), "file": str(file).encode("utf-8", "replace").decode()})


def text_line(file: Path, report: Report, lang: str) -> bytes:
    """Verdict, file, number and block; of a file that is not valid the first reason."""
    parts = [f"[{words(RESULT_WORDS[report.verdict], lang)}]", str(file), report.number or "-"]
    if report.says:
        parts.append(words(SAYS_WORDS[report.says], lang))
    if report.block:
        when = utc_text(report.block_time_s)
        parts.append(f"截至区块 {report.block}（{when}）" if lang == "zh" else f"as of block {report.block} ({when})")
    for step in report.steps:
        if step.result is report.verdict and step.result is not Result.VALID:
            place = f" ({step.at})" if step.at else ""
            parts.append(f"{step.name}: {step.reason.value}: {reason_text(step.reason, lang)}{place}")
            break
    return printable(" ".join(parts)).encode("utf-8", "replace")
