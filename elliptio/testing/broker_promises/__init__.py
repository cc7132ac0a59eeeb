"""Check what brokers of flows promise, one test for each promise."""
