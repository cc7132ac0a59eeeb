"""What JupyterLab leaves of html in a notebook that it does not trust: our elements and styles, by its rules."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

_TAGS = {"div", "table", "tr", "th", "td", "code", "pre", "details", "summary", "span", "br"}
_WITHOUT_TEXT = {"style", "script"}
_LENGTH = r"(0|[+-]?([0-9]*[.])?[0-9]+(px|em|%))"
_COLOR = r"#[0-9a-f]+"
_STYLES = {
    "border": rf"(({_LENGTH}|none|solid|dashed|{_COLOR})\s*){{1,3}}",
    "border-collapse": "collapse|separate",
    "border-radius": rf"({_LENGTH}\s*){{1,4}}",
    "background": rf"none|{_COLOR}",
    "cursor": "pointer",
    "display": "none|block|table",
    "font-family": r"([a-z-]+)(,\s*[a-z-]+)*",
    "font-size": _LENGTH,
    "font-weight": "normal|bold|[1-9]00",
    "line-height": rf"[0-9.]+|{_LENGTH}",
    "margin": rf"(({_LENGTH}|auto)\s*){{1,4}}",
    "max-height": _LENGTH,
    "max-width": _LENGTH,
    "opacity": r"[+]?(1([.][0]+)?|0([.][0-9]+)?)",
    "overflow": "visible|hidden|scroll|auto",
    "overflow-wrap": "normal|break-word",
    "padding": rf"({_LENGTH}\s*){{1,4}}",
    "table-layout": "auto|fixed",
    "text-align": "left|right|center|justify",
    "vertical-align": "top|middle|bottom|baseline",
    "white-space": "normal|pre|nowrap|pre-wrap|pre-line",
}


class Untrusted(HTMLParser):
    """What is left, what of styles was taken away, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = ""
        self.seen = ""
        self.lost: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        style = self._style(dict(attrs).get("style") or "") if tag in _TAGS else ""
        hidden = tag in _WITHOUT_TEXT or "display:none" in style
        self._open.append((tag, hidden))
        if tag in _TAGS:
            self.html += f'<{tag} style="{style}">'

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()
        if tag in _TAGS:
            self.html += f"</{tag}>"

    def handle_data(self, data: str) -> None:
        if not any(tag in _WITHOUT_TEXT for tag, _ in self._open):
            self.html += escape(data)
        if not any(hidden for _, hidden in self._open):
            self.seen += data

    def _style(self, text: str) -> str:
        kept = []
        for rule in filter(None, text.split(";")):
            name, _, value = rule.partition(":")
            if re.fullmatch(_STYLES.get(name, "(?!)"), value, re.IGNORECASE):
                kept.append(rule)
            else:
                self.lost.append(rule)
        return ";".join(kept)
