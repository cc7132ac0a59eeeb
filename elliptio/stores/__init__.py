"""Hold bytes under keys: in a folder, on S3."""
