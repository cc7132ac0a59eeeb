"""What is timed: a module for each side, and in it a generator function for each job it does.

A job takes a `Place` and yields actions, each to be called and timed once; what it does between them is not timed.
Heavy imports stay inside the jobs, so that each side's own environment needs nothing but that side.
"""
