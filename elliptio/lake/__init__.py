"""Keep a store, the index over it, and all that lies in ``.elliptio/``."""
