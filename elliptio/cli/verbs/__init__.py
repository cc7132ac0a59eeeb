"""Run a verb of the command: one file each."""
