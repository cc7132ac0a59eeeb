"""Check queries and make them plain, decide them exactly, put documents in order."""
