"""Pipelines: crafts joined by what they need, their order, their definition as a value."""
