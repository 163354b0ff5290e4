"""Data sets, by name or from tables of one's own."""
