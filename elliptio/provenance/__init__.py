"""Collect who made an artifact, where, with which command, code and packages."""
