"""Figures and states as known at K: the same code over points and registry rows recorded by then (P7)."""

from processors.known.recall import recall_from

__all__ = ["recall_from"]
