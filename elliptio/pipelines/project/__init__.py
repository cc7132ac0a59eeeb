"""Read the files of a project: where they lie, YAML, templates, settings, definitions, configurations, notebooks.

Nothing in here knows of lakes, crafts or values; what is read comes out as plain data that can say where it stands.
"""
