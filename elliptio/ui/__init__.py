"""Show a lake in the browser: what the team made, from what, how it goes, and whether it can be trusted."""
