"""People's names as lists show them to who oversees: enough to tell rows apart, not to know who it is."""

from __future__ import annotations

NAME_MASK = "*"


def masked_name(name: str) -> str:
    """First letter of each word, the rest as asterisks: 张三 is 张*, John Smith is J*** S****."""
    return " ".join(word[:1] + NAME_MASK * (len(word) - 1) if len(word) > 1 else NAME_MASK for word in name.split(" "))
