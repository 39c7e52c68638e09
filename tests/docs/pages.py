"""The project's pages as text, and checks over them that work on any text, so that each can be seen to fail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md")
SOURCE_SUFFIXES = frozenset({".py", ".md", ".vy", ".toml", ".html", ".css", ".txt", ".json", ".mako", ""})
NOT_OURS = frozenset({"data", "demo-data", "__pycache__", "dist", "build"})  # made by running, in no commit

_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*(einvoice|make|(?:\.venv/bin/)?python -m) +(.*)$")
_WORD = re.compile(r"[a-z][a-z0-9_.-]*", re.ASCII)


def page(name: str) -> str:
    """Text of the page at `name`, relative to the project's folder."""
    return (ROOT / name).read_text(encoding="utf-8")


def documents() -> list[Path]:
    """Every page: those beside the README and all below docs/."""
    return [ROOT / name for name in PAGES] + sorted((ROOT / "docs").rglob("*.md"))


def missing(names: Iterable[object], text: str, form: str) -> list[str]:
    """Those of `names` that `text` does not hold in the given form, such as "| `{}` |"."""
    return [str(name) for name in names if form.format(name) not in text]


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its rank or a higher one; "" without that heading."""
    rank, inside, found = 0, False, []
    for line in _FENCE.sub("", text).splitlines():
        if line.startswith("#"):
            depth = len(line) - len(line.lstrip("#"))
            if inside and depth <= rank:
                break
            if line.lstrip("# ").strip() == heading:
                rank, inside = depth, True
                continue
        if inside:
            found.append(line)
    return "\n".join(found)


def headings(text: str) -> list[str]:
    """Every heading, in order."""
    return [found.strip() for found in _HEADING.findall(_FENCE.sub("", text))]


def table_rows(text: str) -> dict[str, list[str]]:
    """Rows of the tables in `text` by their first cell, backticks taken off; several names in it are one row each."""
    rows: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.startswith("| ") or set(line) <= set("|- "):
            continue
        first, *rest = [cell.strip() for cell in line.strip("|").split(" | ")]
        names = _INLINE.findall(first) or [first]
        for name in names:
            rows[name] = rest
    return rows


def broken_links(path: Path, text: str) -> list[str]:
    """Relative links of the page at `path` that lead to no file, or to no heading of one."""
    broken = []
    for target in _LINK.findall(_FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        if not found.exists() or (anchor and anchor not in map(_anchor, headings(found.read_text(encoding="utf-8")))):
            broken.append(target)
    return broken


def named_paths(text: str) -> list[str]:
    """Paths of this project in backticks or prose: `docs/STORAGE.md`, `ledger/projection`, `tests/docs/pages.py`."""
    found = re.findall(r"(?<![\w/.<-])((?:docs|ledger|api|verifier|contracts|bench|tests)/[\w./-]*\w)", text)
    return sorted(set(found))


def commands(text: str) -> Iterator[str]:
    """Commands of this project that a page names: code blocks line by line, and inline code."""
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    lines += [line for block in _FENCE.findall(text) for line in block.splitlines()[1:-1]]
    joined = re.sub(r" *\\\n *", " ", "\n".join(lines)).splitlines()
    for line in joined + _INLINE.findall(_FENCE.sub("", text)):
        found = _COMMAND.match(line.strip())
        if found:
            yield f"{found.group(1).removeprefix('.venv/bin/')} {found.group(2).partition('  # ')[0].strip()}"


def command_tree(command: click.Command, name: str = "") -> dict[str, frozenset[str]]:
    """Every command below `command` by its words ("party enrol"), with its options; groups have none of their own."""
    below = getattr(command, "commands", None)
    if below is None:
        options = frozenset(option for one in command.params for option in (*one.opts, *one.secondary_opts))
        return {name: options | {"--help"}}
    tree: dict[str, frozenset[str]] = {}
    for word, one in below.items():
        tree.update(command_tree(one, f"{name} {word}".strip()))
    return tree


def wrong_einvoice(words: str, tree: Mapping[str, frozenset[str]], free: Mapping[str, frozenset[str]]) -> str | None:
    """What is wrong with `einvoice WORDS`: an unknown command or option; None when nothing is.

    `free` are options of commands that pass all they get on, by command.
    """
    parts = words.split()
    if not _WORD.fullmatch(parts[0]) or words in _groups(tree):
        return None  # "einvoice ...", "einvoice --help" and a group's own name
    name = " ".join(parts[:2]) if parts[0] in _groups(tree) else parts[0]
    if name not in tree:
        return f"no command {name}"
    known = tree[name] | free.get(name, frozenset())
    return _wrong_option(parts, known)


def wrong_module(words: str, sources: Mapping[str, str]) -> str | None:
    """What is wrong with `python -m WORDS`; `sources` are the texts of the modules that can be run so."""
    name, *parts = words.split()
    if name not in sources:
        return f"no module {name}"
    return _wrong_option(parts, frozenset(re.findall(r'"(--[a-z-]+)"', sources[name])) | {"--help"})


def wrong_target(words: str, makefile: str) -> str | None:
    """What is wrong with `make WORDS`; assignments such as KEEP=1 must be used by the Makefile."""
    for part in words.split():
        name, assigned, _ = part.partition("=")
        if assigned and f"$({name})" not in makefile and f"$({name}," not in makefile:
            return f"no variable {name}"
        if not assigned and _WORD.fullmatch(name) and name not in targets(makefile):
            return f"no target {name}"
    return None


def targets(makefile: str) -> list[str]:
    """Targets a Makefile offers."""
    found = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    return found.group(1).split() if found else []


def lacking_sections(text: str, wanted: Sequence[str]) -> list[str]:
    """Sections of `wanted` that are absent or have nothing below them."""
    return [heading for heading in wanted if not section(text, heading).strip()]


def sources() -> Iterator[tuple[str, str]]:
    """(path, text) of every file of the project, what running it makes and requirement locks left out."""
    for path in sorted(_walk(ROOT)):
        if path.suffix in SOURCE_SUFFIXES and not path.name.startswith("requirements"):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="replace")


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in NOT_OURS:
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _wrong_option(parts: Sequence[str], known: frozenset[str]) -> str | None:
    for part in parts:
        option = part.partition("=")[0]
        if option.startswith("-") and option not in known and option != "-":
            return f"no option {option}"
    return None


def _groups(tree: Mapping[str, object]) -> set[str]:
    return {name.partition(" ")[0] for name in tree if " " in name}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
