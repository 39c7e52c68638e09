"""What is installed is pinned by hash, and the list of it is complete and the same each time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+?)(?: ;.*?)?(?: \\)?$")


def pins(text: str) -> dict[str, str]:
    """Version by name of each requirement that has a hash. Raises: ValueError naming one that is not pinned so."""
    found = {}
    for entry in re.sub(r" \\\n +", " ", text).splitlines():
        requirement, *hashes = entry.split(" --hash=sha256:")
        match = _PIN.match(requirement.strip())
        if match is None or not hashes:
            raise ValueError(entry)
        found[match.group(1).lower().replace("_", "-")] = match.group(2)
    return found


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    assert len(pins(page(name))) > 50


@pytest.mark.parametrize("loose", ["requests==2.0\n", "requests>=2 --hash=sha256:00\n", "requests\n"])
def test_a_loose_requirement_is_noticed(loose: str) -> None:
    with pytest.raises(ValueError, match="requests"):
        pins(page("requirements.txt") + loose)


@pytest.mark.slow
def test_the_list_of_what_runs_is_complete_and_the_same_each_time(tmp_path: Path) -> None:
    recipe = re.search(r"^sbom:.*\n((?:\t.*\n)+)", page("Makefile"), re.MULTILINE)
    assert recipe is not None
    options = re.sub(r"\\\n\t*", " ", recipe.group(1)).split("-m cyclonedx_py ")[1].split()
    made = []
    for name in ("one.json", "two.json"):
        wanted = [str(tmp_path / name) if one.startswith("build/") else one for one in options]
        command = [sys.executable, "-W", "ignore::UserWarning", "-m", "cyclonedx_py", *wanted]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert str(ROOT).encode() not in made[0]
    listed = json.loads(made[0])
    assert {one["name"].lower(): one["version"] for one in listed["components"]} == pins(page("requirements.txt"))
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.6")
    assert listed["metadata"]["component"]["name"] == "einvoice-ledger"
