"""Snapshots: a graph plus the exact artifacts of its inputs and outputs, and the backends that keep them."""
