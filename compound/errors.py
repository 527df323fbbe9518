"""What people can mend."""

from __future__ import annotations


class Mendable(Exception):
    """Something that who runs the compound can mend; its text says in one sentence what, and what to do.

    A command that ends with it prints the sentence and leaves with exit code 2.
    """
