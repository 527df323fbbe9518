"""The archiver: with Kafka as the log, every record is copied into the book, under its address, before Kafka drops it."""

from compound.errors import Mendable


class ArchiveStopped(Mendable):
    """The book can't be continued without a gap; the text says why. It won't pass by itself."""
