"""Times elliptio side by side with its floors and its peers: ``python -m benchmarks``."""
