"""Record units of work, find and show them."""
