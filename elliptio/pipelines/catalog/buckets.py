"""Reach windows in buckets: of S3, and of lakeFS through its S3 gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from elliptio.pipelines.catalog.keys import Keys
from elliptio.pipelines.catalog.patterns import Pattern
from elliptio.pipelines.errors import EntryError
from elliptio.stores.s3.failures import code_of, explain

ONE_REQUEST = 64 << 20
"""Bytes up to which an object is put with one request; more are put in parts, which become visible at once."""

MISSING = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket", "NoSuchVersion"})
"""Codes of servers for what is not there."""


class Bucket:
    """Objects of S3: ``s3://bucket/key``. Their stamp is the ETag, so that a change is seen by one small request.

    Parameters
    ----------
    client
        Makes a client of boto3, when it is first needed.

    """

    tells = True
    scheme = "s3"

    def __init__(self, client: Callable[[], Any]) -> None:
        self._make_client = client
        self._made: Any = None

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = self._make_client()
        return self._made

    def address(self, path: str) -> str:
        """Return the path itself."""
        self._split(path)
        return path

    def stamp(self, address: str) -> str | None:
        """Ask for the ETag."""
        bucket, key = self._split(address)
        try:
            found = self._client.head_object(Bucket=bucket, Key=key)
        except Exception as error:
            if self._is_missing(error):
                return None
            raise self._explained(error, address, "look at") from error
        return str(found.get("ETag") or found.get("LastModified") or "")

    def local(self, address: str) -> Path | None:
        """Tell that it is no file of this machine."""
        return None

    def fetch(self, address: str, to: Path, keys: Mapping[str, Any]) -> bool:
        """Download an object."""
        bucket, key = self._split(address)
        try:
            with open(to, "wb") as file:
                self._client.download_fileobj(bucket, key, file)
        except Exception as error:
            if self._is_missing(error):
                return False
            raise self._explained(error, address, "read") from error
        return True

    def put(self, address: str, source: Path, keys: Mapping[str, Any]) -> str:
        """Upload a file; make the bucket if it is missing. Return its stamp."""
        bucket, key = self._split(address)
        try:
            return self._upload(bucket, key, source)
        except Exception as error:
            if not self._is_missing(error) or not self._make_room(bucket):
                raise self._explained(error, address, "write") from error
        try:
            return self._upload(bucket, key, source)
        except Exception as error:
            raise self._explained(error, address, "write") from error

    def remove(self, address: str) -> None:
        """Delete an object."""
        bucket, key = self._split(address)
        try:
            self._client.delete_object(Bucket=bucket, Key=key)
        except Exception as error:
            if not self._is_missing(error):
                raise self._explained(error, address, "remove") from error

    def matching(self, pattern: Pattern) -> Iterator[tuple[str, Keys]]:
        """List objects by what their keys begin with; hidden ones are none."""
        head, folder = pattern.head, pattern.head.rpartition("/")[0]
        bucket, slash, prefix = head.removeprefix(f"{self.scheme}://").partition("/")
        if not slash:
            return  # the name of the bucket is a key itself: nobody lists all buckets
        below = pattern.text.count("/") > head.count("/")
        for key in self._list(bucket, prefix, below):
            path = f"{self.scheme}://{bucket}/{key}"
            keys = pattern.match(path)
            if keys is not None and not any(part.startswith(".") for part in path[len(folder) :].split("/")):
                yield path, keys

    def _list(self, bucket: str, prefix: str, below: bool) -> Iterator[str]:
        """List keys; unless what lies `below` counts, only down to the next slash."""
        more: dict[str, Any] = {} if below else {"Delimiter": "/"}
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **more):
                yield from (each["Key"] for each in page.get("Contents", ()))
        except Exception as error:
            if not self._is_missing(error):
                raise self._explained(error, f"{self.scheme}://{bucket}/{prefix}", "list") from error

    def _split(self, address: str) -> tuple[str, str]:
        bucket, _, key = address.removeprefix(f"{self.scheme}://").partition("/")
        if not bucket or not key:
            raise EntryError(f"{address!r} is no place of a file: write {self.scheme}://bucket/key.")
        return bucket, key

    def _upload(self, bucket: str, key: str, source: Path) -> str:
        with open(source, "rb") as file:
            if source.stat().st_size <= ONE_REQUEST:
                return str(self._client.put_object(Bucket=bucket, Key=key, Body=file).get("ETag") or "")
            self._client.upload_fileobj(file, bucket, key)
        return str(self._client.head_object(Bucket=bucket, Key=key).get("ETag") or "")

    def _make_room(self, bucket: str) -> bool:
        """Make the bucket; False where that cannot help."""
        region = self._client.meta.region_name
        own = {} if region in (None, "us-east-1", "aws-global") else {"LocationConstraint": region}
        more = {"CreateBucketConfiguration": own} if own else {}
        try:
            self._client.create_bucket(Bucket=bucket, **more)
        except Exception as error:
            # Another process made it meanwhile.
            if code_of(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise self._explained(error, f"{self.scheme}://{bucket}", "make the bucket") from error
        return True

    def _is_missing(self, error: BaseException) -> bool:
        response = getattr(error, "response", None) or {}
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status == 404 or response.get("Error", {}).get("Code") in MISSING

    def _explained(self, error: BaseException, address: str, action: str) -> Exception:
        if isinstance(error, EntryError):
            return error
        return explain(error, address, action)


class LakeFS(Bucket):
    """Objects of lakeFS: ``lakefs://repository/key``, on the branch that is that of the project's repository.

    Parameters
    ----------
    client
        Makes a client of boto3 for the gateway.
    branch
        Tells the branch.
    make_branch
        Makes a branch of a repository; False where that cannot help.

    """

    scheme = "lakefs"

    def __init__(
        self, client: Callable[[], Any], branch: Callable[[], str], make_branch: Callable[[str, str], bool]
    ) -> None:
        super().__init__(client)
        self._branch = branch
        self._make_branch = make_branch
        self._tried: set[tuple[str, str]] = set()

    def address(self, path: str) -> str:
        """Put the branch into the path."""
        repository, key = self._split(path)
        return f"lakefs://{repository}/{self._branch()}/{key}"

    def stamp(self, address: str) -> str | None:
        """Ask for the ETag; a branch that is missing is made first, so that it holds what it begins with."""
        found = super().stamp(address)
        if found is None and self._make_room(self._split(address)[0]):
            found = super().stamp(address)
        return found

    def _list(self, bucket: str, prefix: str, below: bool) -> Iterator[str]:
        begin = f"{self._branch()}/"
        found = list(super()._list(bucket, begin + prefix, below))
        if not found and self._make_room(bucket):
            found = list(super()._list(bucket, begin + prefix, below))
        return (key.removeprefix(begin) for key in found)

    def _make_room(self, bucket: str) -> bool:
        """Make the branch, unless that was tried; repositories are made by people."""
        branch = self._branch()
        if (bucket, branch) in self._tried:
            return False
        self._tried.add((bucket, branch))
        return self._make_branch(bucket, branch)
