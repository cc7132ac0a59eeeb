"""Kedro's spaceflights story as a project, and the test that plays it."""
