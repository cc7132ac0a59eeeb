"""Builds: decide which steps of a pipeline have to be made, and make those."""
