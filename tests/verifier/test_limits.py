"""What bytes can cost at most: memory of the process that verifies them, and work counted in calls, at every limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifier.worst_cases import CASES, measured
from verifier.parsing import CERTIFICATES_MAX, FILE_SIZE_MAX, HISTORY_MAX
from verifier.trust import SEALERS_MAX, WITNESSES_MAX

MEMORY_MAX = 200_000_000  # bytes of the whole process; an interpreter with the two packages has 33 MB
CALLS_MAX = 8_000_000  # of functions, an eighth of a microsecond each: about a second
SIGNATURE_CHECKS_MAX = HISTORY_MAX + 3 * CERTIFICATES_MAX + SEALERS_MAX + WITNESSES_MAX  # 0.3 ms each

VERDICTS = {"longest history": ("valid", [])}


@pytest.mark.slow
@pytest.mark.timeout(120)  # a guard against a blow-up; what it takes is measured in docs/PERFORMANCE.md
@pytest.mark.parametrize("name", CASES)
def test_no_file_costs_more_than_the_limits(name: str, tmp_path: Path) -> None:
    data = CASES[name]()
    assert len(data) <= FILE_SIZE_MAX
    cost = measured(tmp_path, data, counting=True)
    assert cost.memory_size < MEMORY_MAX
    assert cost.calls < CALLS_MAX
    assert cost.signature_checks <= SIGNATURE_CHECKS_MAX
    if name in VERDICTS:
        assert (cost.verdict, cost.reasons) == VERDICTS[name]
    else:
        assert cost.verdict != "valid"


def test_what_is_measured_is_the_verifier_itself(tmp_path: Path) -> None:
    small = measured(tmp_path, b"{}", counting=True)
    assert (small.verdict, small.reasons) == ("could_not_check", ["not_evidence"])
    assert 10_000_000 < small.memory_size < 60_000_000
    assert 0 < small.calls < 1_000
    assert small.signature_checks == 0
