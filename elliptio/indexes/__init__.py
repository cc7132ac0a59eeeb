"""Hold documents and answer queries: an embedded index and MongoDB."""
