"""Save: from local paths to a published artifact."""
