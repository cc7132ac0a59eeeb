"""How a lineage shows itself: a tree, a picture, other programs' notations. Values in, text out."""
