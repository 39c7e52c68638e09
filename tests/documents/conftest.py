"""Property tests assert results, not speed: on shared cores a single example may take any time."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
