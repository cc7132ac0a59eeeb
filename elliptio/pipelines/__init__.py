"""Catalog, crafts, pipelines, snapshots: name data sets once, join plain functions, run only what changed."""
