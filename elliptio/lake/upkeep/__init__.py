"""Keep a lake whole: verify, rebuild, collect, delete, relocate."""
