"""Nodes: what groups models, and is a run."""
