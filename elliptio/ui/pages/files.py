"""``/artifacts/{id}/files/{n}``: look into a file, and get its bytes, verified.

A request never holds a path: an artifact is looked up, then its n-th file.
"""

from __future__ import annotations

from urllib.parse import quote

from elliptio.artifacts.artifact import Artifact
from elliptio.artifacts.file import RemoteFile
from elliptio.ui import wording
from elliptio.ui.asked import Answer, Asked, NotThereError
from elliptio.ui.checks import AT_ONCE, VERIFIED
from elliptio.ui.guard import Kind
from elliptio.ui.pages import previewing
from elliptio.ui.pages.artifact import loaded
from elliptio.ui.ranges import range_of
from elliptio.ui.view import View

MOST_FRAME = 16 << 20
"""Bytes of a page that is shown in a frame."""

IMAGES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
          "bmp": "image/bmp"}  # fmt: skip
FRAMES = {"html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "svg": "image/svg+xml"}


def place_of(asked: Asked, most: int) -> int:
    """Return the number of a file.

    Raises
    ------
    NotThereError
        If there is none of that number.

    """
    text = asked.parts["n"]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and str(int(text)) == text and int(text) < most):
        raise NotThereError(f"There is no file {text[:40]!r}: files are numbered from 0.")
    return int(text)


def _file(view: View, asked: Asked) -> tuple[Artifact, int, RemoteFile]:
    artifact = loaded(view, asked.parts["id"])
    names = artifact.metadata.file_relpaths
    place = place_of(asked, len(names))
    return artifact, place, artifact.files[names[place]]


def show(view: View, asked: Asked) -> Answer:
    """Show a file."""
    artifact, place, file = _file(view, asked)
    names = artifact.metadata.file_relpaths
    return view.page(
        "file.html",
        asked,
        id=artifact.artifact_id,
        title=wording.files_of(vars(artifact.metadata)),
        name=wording.plain(file.relpath),
        n=place,
        # A filter that writes JSON would call it safe, which it is not in an attribute.
        code=f"h.get({artifact.artifact_id!r}).files[{file.relpath!r}]",
        file=file,
        preview=previewing.of_file(view, artifact, place, rows=100),
        before=place - 1 if place else None,
        after=place + 1 if place + 1 < len(names) else None,
        count=len(names),
    )


def raw(view: View, asked: Asked) -> Answer:
    """Send the bytes of a file, verified, to be kept."""
    artifact, _, file = _file(view, asked)
    return sent(view, asked, artifact.artifact_id, file)


def raw_log(view: View, asked: Asked) -> Answer:
    """Send the bytes of a log."""
    artifact = loaded(view, asked.parts["id"])
    names = list(artifact.metadata.log_relpaths)
    return sent(view, asked, artifact.artifact_id, artifact.logs[names[place_of(asked, len(names))]])


def sent(view: View, asked: Asked, identifier: str, file: RemoteFile) -> Answer:
    """Answer with a file, or a range of it, of which every byte was compared before the last one is sent."""
    size = file.size or 0
    tag = f'"{file.sha256}"' if file.sha256 else ""
    headers = {
        "content-disposition": attachment(file.relpath),
        "accept-ranges": "bytes",
        **({"etag": tag} if tag else {"cache-control": "no-store"}),
    }
    media = "application/octet-stream"
    if tag and is_kept(asked.headers.get("if-none-match", ""), tag):
        return Answer(b"", status=304, headers=headers)
    wanted = range_of(asked.headers.get("range", ""), size)
    if asked.headers.get("if-range", tag) != tag:
        wanted = None
    # Of a part no hash was recorded. So all is compared first; of what is too large for that, all is sent instead.
    if wanted is not None and view.checks.look(identifier, file, AT_ONCE).state == VERIFIED:
        if not wanted:
            unfit = {**headers, "content-range": f"bytes */{size}"}
            return Answer(
                b"The range is beyond the end.\n", media="text/plain; charset=utf-8", status=416, headers=unfit
            )
        first, last = wanted.start, wanted.stop - 1
        headers |= {"content-range": f"bytes {first}-{last}/{size}", "content-length": str(len(wanted))}
        return Answer(previewing.pieces(file, wanted), media=media, status=206, headers=headers)
    headers["content-length"] = str(size)
    return Answer(view.checks.read(identifier, file), media=media, headers=headers)


def is_kept(header: str, tag: str) -> bool:
    """Tell whether a browser has these bytes already; a proxy that packs them calls their tag a weak one."""
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in header.split(","))


def attachment(relpath: str) -> str:
    """Tell a browser to keep a file, by its own name without folders."""
    name = relpath.rpartition("/")[2]
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    whole = quote(name.encode("utf-8", "replace")[:240], safe="")
    return f"attachment; filename=\"{plain[:150]}\"; filename*=UTF-8''{whole}"


def image(view: View, asked: Asked) -> Answer:
    """Send a picture that is safe to decode, all of it compared before."""
    artifact, _, file = _file(view, asked)
    media = IMAGES.get(wording.suffix_of(file.relpath))
    if media is None or (file.size or 0) > AT_ONCE or not previewing.is_safe_image(view, artifact, file):
        raise NotThereError("This is no picture that is shown.")
    return _whole(view, artifact, file, media, Kind.BYTES)


def frame(view: View, asked: Asked) -> Answer:
    """Send a page of others into a frame that has an origin of its own and runs nothing."""
    artifact, _, file = _file(view, asked)
    media = FRAMES.get(wording.suffix_of(file.relpath))
    if media is None or (file.size or 0) > MOST_FRAME:
        raise NotThereError("This is no page that is shown.")
    return _whole(view, artifact, file, media, Kind.FRAME)


def _whole(view: View, artifact: Artifact, file: RemoteFile, media: str, kind: Kind) -> Answer:
    body = b"".join(view.checks.read(artifact.artifact_id, file))
    if len(body) != (file.size or 0):
        raise NotThereError(f"It is not what was saved: {view.checks.known(file).says}")
    cache = {"etag": f'"{file.sha256}"'} if file.sha256 else {"cache-control": "no-store"}
    return Answer(body, media=media, headers=cache, kind=kind)
