"""Make an artifact again: its code, its packages, its inputs, its command; and tell whether the result is the same."""
