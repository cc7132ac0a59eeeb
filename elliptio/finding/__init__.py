"""Find: from a query or a name to rows, DataFrames and artifacts."""
