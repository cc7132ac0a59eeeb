"""Draw a lineage: as a tree, as a picture, in other programs' notations."""
