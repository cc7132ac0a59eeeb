"""Tests of data models and nodes."""
