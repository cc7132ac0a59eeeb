"""The application: which page a path leads to, in a thread of its own and not for ever, behind the guard."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any, TypeAlias

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from elliptio.errors import (
    DocumentNotFoundError,
    ElliptioError,
    IndexUnavailableError,
    MetadataError,
    MissingExtraError,
    QueryError,
    StoreError,
    TagTakenError,
)
from elliptio.masking import hide_password
from elliptio.system.collector import uncollected
from elliptio.ui.asked import Answer, Asked, ForeignFormError, NotThereError, TakenError, WrongError, text_of
from elliptio.ui.assets import ASSETS
from elliptio.ui.entrance import EVENTS, Entrance, kind_of
from elliptio.ui.guard import REFUSED, WRONG_METHOD, Kind
from elliptio.ui.pages import ROUTES
from elliptio.ui.sending import respond
from elliptio.ui.streaming import Stream
from elliptio.ui.view import View

log = logging.getLogger(__name__)

Page: TypeAlias = Callable[[View, Asked], Answer]

SECONDS = 30.0
"""So long a page may take."""

THREADS = 8
"""Pages that are made at once."""

LONGEST_FORM = 64 << 10


def application(view: View) -> Entrance:
    """Make the application of a view, guarded."""
    limiter: list[anyio.CapacityLimiter] = []

    async def answered(page: Page, asked: Asked) -> Answer:
        if not limiter:  # it belongs to a loop
            limiter.append(anyio.CapacityLimiter(THREADS))
        with anyio.move_on_after(SECONDS):
            return await anyio.to_thread.run_sync(
                lambda: guarded(view, page, asked), limiter=limiter[0], abandon_on_cancel=True
            )
        says = f"This took more than {SECONDS:.0f} seconds, so it was given up: ask for less."
        return said(view, asked, 503, "It took too long", says)

    def endpoint(page: Page, kind: Kind) -> Callable[[Request], Awaitable[Response]]:
        async def ask(request: Request) -> Response:
            asked = await asked_by(request)
            return respond(view.policy, kind, request.method, await answered(page, asked))

        return ask

    routes = [
        Route(path, endpoint(page, kind), methods=[method, "HEAD"] if method == "GET" else [method])
        for method, path, page, kind in [*ROUTES, ("GET", "/static/{name}", static, Kind.STATIC)]
    ]
    routes.append(Route(EVENTS, Stream(view).answer, methods=["GET"]))

    router = Router(routes, redirect_slashes=False)

    async def inside(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        try:
            if scope["path"].endswith("\n"):  # which the end of a pattern leaves out
                raise HTTPException(404)
            await router({**scope, "app": router}, receive, send)  # so it raises what it would say in a way of its own
        except HTTPException as error:
            answer = _unknown(view, Asked(scope["path"]), scope["method"], error)
            await respond(view.policy, Kind.PAGE, scope["method"], answer)(scope, receive, send)

    return Entrance(inside, view.policy)


def _unknown(view: View, asked: Asked, method: str, error: HTTPException) -> Answer:
    """Say that there is no such page, or that it has no such method."""
    if error.status_code != WRONG_METHOD:
        return said(view, asked, 404, "There is nothing here", "No page has this address.")
    methods = (error.headers or {}).get("Allow", "")
    answer = said(view, asked, WRONG_METHOD, "That cannot be done here", f"{method} is not for this page: {methods}.")
    return replace(answer, headers={"allow": methods})


async def asked_by(request: Request) -> Asked:
    """Take out of a request what a page may know of it."""
    query = tuple((key, value) for key, value in request.query_params.multi_items() if key != "token")
    form: dict[str, str] = {}
    if request.method == "POST":
        form = await form_of(request)
    headers = {key: value for key, value in request.headers.items() if key in ("range", "if-range", "if-none-match")}
    path = request.scope["path"]
    parts = {key: text_of(str(part)) for key, part in request.path_params.items()}
    return Asked(path, parts, query, form, headers, request.method)


async def form_of(request: Request) -> dict[str, str]:
    """Read a form of ours, which is short and plain."""
    from urllib.parse import parse_qsl

    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return {}
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        return {}


def static(view: View, asked: Asked) -> Answer:
    """Answer with a file of the package, if it is one of those."""
    asset = ASSETS.get(asked.parts["name"])
    if asset is None:
        raise NotThereError("There is no such file.")
    return Answer(asset.content, media=asset.media)


def guarded(view: View, page: Page, asked: Asked) -> Answer:
    """Answer with a page, or with what went wrong."""
    try:
        with uncollected():  # what a page is made of is forgotten as soon as it is written
            return page(view, asked)
    except (NotThereError, DocumentNotFoundError) as error:
        return said(view, asked, 404, "There is nothing here", str(error))
    except (QueryError, WrongError, MetadataError) as error:
        return said(view, asked, 400, "That cannot be answered", str(error))
    except ForeignFormError as error:
        return said(view, asked, REFUSED, "That is refused", str(error))
    except (TagTakenError, TakenError) as error:
        return said(view, asked, 409, "Somebody was quicker", str(error))
    except MissingExtraError as error:
        return said(view, asked, 501, "Something is not installed", str(error))
    except (IndexUnavailableError, StoreError) as error:
        return said(view, asked, 503, "The lake cannot be reached", str(error))
    except ElliptioError as error:
        return said(view, asked, 500, "Something is wrong", str(error))
    except Exception as error:
        log.exception("A page failed: %s", asked.path)
        return said(
            view, asked, 500, "Something went wrong", f"{type(error).__name__}; the log of the server says more."
        )


def said(view: View, asked: Asked, status: int, title: str, says: str) -> Answer:
    """Say what is wrong: in a page of its own, or plainly to who asked for data."""
    if kind_of(asked.path) is Kind.DATA:
        from elliptio.ui.answers import told

        return told(asked.path, hide_password(says), status)
    return view.page("said.html", asked, status=status, title=title, says=hide_password(says))
