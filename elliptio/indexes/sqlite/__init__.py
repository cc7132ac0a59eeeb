"""Hold documents in the embedded index."""
