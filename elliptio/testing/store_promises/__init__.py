"""Hold a store to its promises, subject by subject."""
