"""Hold bytes in a bucket."""
