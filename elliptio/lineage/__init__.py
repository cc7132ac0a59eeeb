"""Follow what was made from what: show it, compare it, make it again."""
