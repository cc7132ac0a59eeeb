"""The verbs of the command that work on projects."""
