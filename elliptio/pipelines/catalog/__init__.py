"""Entries of a catalog: where they lie, what they are, and which version of them is the current one."""
