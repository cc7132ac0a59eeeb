"""Seal streams as artifacts while they flow, and give their values back."""
