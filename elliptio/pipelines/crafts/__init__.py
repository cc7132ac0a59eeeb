"""Crafts: functions with declared inputs and outputs, and what one call of them depends on."""
