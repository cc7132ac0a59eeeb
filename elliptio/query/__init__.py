"""What queries mean: checked and made plain (`checking`), decided exactly (`predicate`), put in order (`ordering`)."""

from __future__ import annotations

from elliptio.query.checking import check_query, check_sort, normalize_query, split_environment

__all__ = ["check_query", "check_sort", "normalize_query", "split_environment"]
