"""Hold an artifact and its files, and bring their bytes back, verified."""
