"""Say where the bytes of a field lie: `Storage`, `FileSystemStorage`, and `elliptio.models.storage.aws.S3Storage`."""

from __future__ import annotations

from elliptio.models.storage.defining import Storage
from elliptio.models.storage.file import FileSystemStorage
from elliptio.models.storage.values import delete, fetch, place_of, put

__all__ = ["FileSystemStorage", "Storage", "delete", "fetch", "place_of", "put"]
