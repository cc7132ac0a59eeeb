"""Hold bytes in a folder."""
