"""Chaos: random kills and pauses of every process while the faulty demo compound sends, then nothing may differ from the truth."""
