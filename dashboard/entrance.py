"""The way in: the sign-in page, the cookie, and the guard before every page. The only file that sees a key typed.

The cookie holds an opaque id, HttpOnly (no script of a page can read it), SameSite=Lax (no other site sends it with a
form), and Secure behind TLS. Forms are taken from this site alone: by Sec-Fetch-Site, or by Origin where a browser does
not say. Nothing that was sent is shown again, except where to go after.
"""

import asyncio
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import file_util

from dashboard.client import Refused
from dashboard.visits import COOKIE, VISITS

SIGN_IN = "/sign-in"
FORM_BYTES = 4_096
"""A key and a path are shorter."""
OPEN = ("/_stcore/health", "/_stcore/host-config", "/_stcore/stream", "/static/", "/favicon", SIGN_IN)
"""What is had without a visit: no file of these says anything of anybody. The stream answers, without a visit, that
there is none, so that a page which was open can say so."""
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


PAGE_HEADERS = {name: HEADERS[name] for name in ("cache-control", "referrer-policy", "x-content-type-options")} | {
    "content-security-policy": "frame-ancestors 'self'; form-action 'self'; object-src 'none'"
}
STATIC = file_util.get_static_dir()


class Site(NamedTuple):
    """Where the gateway is, and under which path this dashboard is served ("" or "/podium")."""

    gateway_url: str
    base: str

    @property
    def cookie_path(self) -> str:
        return self.base or "/"


def routes(site: Site) -> list[Route]:
    async def sign_in(request: Request) -> Response:
        return await _taken(site, request) if request.method == "POST" else _page(site, _next(request, site))

    return [Route(f"{site.base}{SIGN_IN}", sign_in, methods=["GET", "POST"])]


class Guard:
    """Lets a browser that is not signed in see the sign-in page and nothing else. Pure ASGI, before all the rest."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app, self.site = app, site
        self.page = shell(site)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        path = request.url.path.removeprefix(self.site.base) or "/"
        if not path.startswith(OPEN) and not VISITS.find(request.cookies.get(COOKIE)):
            await self._turned_away(request, path)(scope, receive, send)
        elif request.method == "GET" and _is_page(path):
            await HTMLResponse(self.page, headers=PAGE_HEADERS)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _turned_away(self, request: Request, path: str) -> Response:
        """A page leads to the sign-in and comes back after; anything else (a picture, say) is just refused."""
        if request.method != "GET" or path.startswith(("/_stcore", "/media", "/component")):
            return PlainTextResponse("Sign in first.", 401, HEADERS)
        query = f"?{request.url.query}" if request.url.query else ""
        after = quote(f"{self.site.base}{path}{query}", safe="")
        return RedirectResponse(f"{self.site.base}{SIGN_IN}?next={after}", 303, HEADERS)


def shell(site: Site) -> str:
    """Streamlit's own page, told where its server is: it would ask for that under each path of the address, from the
    longest on, and be answered 404 on each page but the first (1.67, seen 2026-11-21)."""
    page = Path(STATIC, "index.html").read_text()
    told = f'<script>window.__streamlit = {{BACKEND_BASE_URL: window.location.origin + "{site.base}/"}}</script>'
    return page.replace("<title>Streamlit</title>", f"<title>Podium</title>{told}", 1)


def _is_page(path: str) -> bool:
    """Pages have one word for a path; files have a dot, and what is Streamlit's own has more words."""
    return path.count("/") == 1 and "." not in path and not path.startswith(OPEN)


async def _taken(site: Site, request: Request) -> Response:
    """A typed key: remembered and answered with a cookie, or said to be unknown."""
    if not is_from_here(request):
        return _stranger()
    form = await _form(request)
    if form is None:
        return PlainTextResponse("That is too long for a key.", 413, HEADERS)
    after = _safe(form.get("next", ""), site)
    try:
        visit = await asyncio.to_thread(VISITS.begin, site.gateway_url, form.get("key", "").strip())
    except Refused as refused:
        unknown = "That key is not known here. Keys are made with “podium keys create”, or by your admin."
        return _page(site, after, unknown if refused.status == 401 else refused.detail, 401)
    inside = RedirectResponse(after, 303, HEADERS)
    inside.set_cookie(
        COOKIE, visit, path=site.cookie_path, httponly=True, samesite="lax", secure=is_behind_tls(request)
    )
    return inside


def is_from_here(request: Request) -> bool:
    """Whether a form was sent by a page of this site: the browser says so, and no script can make it say so."""
    fetched_from = request.headers.get("sec-fetch-site")
    if fetched_from is not None:
        return fetched_from == "same-origin"
    origin = urlsplit(request.headers.get("origin", "")).netloc
    hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
    return bool(origin) and origin in hosts


def is_behind_tls(request: Request) -> bool:
    """Also where a proxy speaks TLS and says so. Whoever lies makes a cookie stricter, and only their own."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", "").partition(",")[0].strip())


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a form, or None for one that is too long. The first value of each counts."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            return None
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def _next(request: Request, site: Site) -> str:
    return _safe(request.query_params.get("next", ""), site)


def _safe(after: str, site: Site) -> str:
    """A path of ours, or the first page: never another site (`//…`, `\\`), never the way in itself."""
    is_path = after.startswith("/") and not after.startswith("//") and "\\" not in after and after.isprintable()
    is_ours = after.startswith(f"{site.base}/") and not after.startswith(f"{site.base}{SIGN_IN}")
    return after if is_path and is_ours else f"{site.base}/"


def _stranger() -> Response:
    return PlainTextResponse("This form was sent from another site. Open the dashboard itself.", 403, HEADERS)


def _page(site: Site, after: str, fault: str = "", status: int = 200) -> Response:
    told = f'<p class="fault" role="alert">{escape(fault)}</p>' if fault else ""
    page = _PAGE.format(base=escape(site.base), after=escape(after), fault=told, gateway=escape(site.gateway_url))
    return HTMLResponse(page, status, HEADERS)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Podium · sign in</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --back: #f6f8fa; --card: #fff; --line: #d0d7de;
  --accent: #1f6fa8; --fault: #b3261e; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e8eaed; --soft: #9aa3ad; --back: #0e1117; --card: #171b22;
  --line: #343b45; --accent: #2684c7; --fault: #ff8a80; }} }}
* {{ box-sizing: border-box }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--ink);
  font: 16px/1.5 "Source Sans", system-ui, sans-serif }}
main {{ width: min(26rem, 92vw); background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 2rem }}
.steps {{ display: flex; gap: 4px; align-items: flex-end; height: 34px }} .steps i {{ width: 11px; border-radius: 2px }}
h1 {{ margin: .6rem 0 0; font-size: 1.6rem }} p {{ margin: .2rem 0 1.2rem; color: var(--soft) }}
label {{ display: block; font-weight: 600; margin-bottom: .3rem }}
input {{ width: 100%; padding: .6rem .7rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 8px }}
button {{ width: 100%; margin-top: 1rem; padding: .65rem; font: inherit; font-weight: 600; color: #fff;
  background: var(--accent); border: 0; border-radius: 8px; cursor: pointer }}
:focus-visible {{ outline: 3px solid var(--accent); outline-offset: 2px }}
.fault {{ color: var(--fault); margin: 0 0 1rem; font-weight: 600 }} small {{ color: var(--soft) }}
</style></head><body><main>
<div class="steps" aria-hidden="true"><i style="height:50%;background:#56b4e9"></i><i
 style="height:100%;background:#2684c7"></i><i style="height:36%;background:#e69f00"></i></div>
<h1>Podium</h1><p>Which model to use, what it costs, what changed, and why it was chosen.</p>
{fault}<form method="post" action="{base}/sign-in"><input type="hidden" name="next" value="{after}">
<label for="key">Podium key</label>
<input id="key" name="key" type="password" placeholder="pk_…" autocomplete="off" required autofocus>
<button type="submit">Sign in</button></form>
<p></p><small>Gateway: {gateway}. The key stays in the dashboard’s memory for twelve hours, or until you
sign out.</small>
</main></body></html>
"""
