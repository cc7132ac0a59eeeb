"""Keep the state of flows: what their streams hold, how they ended, and who works at which step."""
