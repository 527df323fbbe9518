"""Any projection built anew from the book beside the live one, compared with it, and swapped in (P6)."""
