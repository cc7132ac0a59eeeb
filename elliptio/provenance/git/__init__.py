"""Ask git for commit, remote and uncommitted changes."""
