"""Names of the schemas that a domain's tables stand in: the live one has the domain's own name."""

from __future__ import annotations


def next_of(domain: str) -> str:
    """Where the domain is built a second time; changes of the registry make stretches stale there by this name."""
    return f"{domain}_next"


def old_of(domain: str) -> str:
    """Where the tables stand that a swap took out of use, until they are dropped."""
    return f"{domain}_old"
