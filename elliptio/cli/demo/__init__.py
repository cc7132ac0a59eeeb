"""Tell the story that ``elliptio demo`` plays."""
