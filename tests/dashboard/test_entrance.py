"""The way in, by HTTP: a cookie that says nothing, forms from here alone, and no page without a visit."""

import asyncio
import re
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dashboard.entrance import COOKIE, Guard, Site, routes
from dashboard.visits import LASTS_S, VISITS, Visits

HERE = {"sec-fetch-site": "same-origin"}


async def behind(request):
    return PlainTextResponse("inside")


class Visitor:
    """A browser: it keeps its cookies, and follows no redirect by itself."""

    def __init__(self, app):
        self.app, self.cookies = app, httpx.Cookies()

    def get(self, path):
        return asyncio.run(self._sent("GET", path))

    def post(self, path, **more):
        return asyncio.run(self._sent("POST", path, **more))

    async def _sent(self, method, path, **more):
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8701", cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, **more)
            self.cookies.update(client.cookies)
        return answer


def visitor(gateway_url, base=""):
    """A browser before the guard, with something of Streamlit's behind it."""
    site = Site(gateway_url, base)
    app = Starlette(
        routes=[*routes(site), Route("/{path:path}", behind)], middleware=[Middleware(Guard, site=site)]
    )  # fmt: skip
    return Visitor(app)


def sign_in(client, secret, after="/jobs", base="", **headers):
    form = f"key={quote(secret)}&next={quote(after, safe='')}"
    sent = {"content-type": "application/x-www-form-urlencoded"} | (headers or HERE)
    return client.post(f"{base}/sign-in", content=form, headers=sent)


def test_a_key_becomes_an_opaque_cookie_that_no_script_reads(lived):
    client = visitor(lived.gateway.url)
    came = sign_in(client, lived.caller.secret, "/jobs?status=failed")
    assert (came.status_code, came.headers["location"]) == (303, "/jobs?status=failed")
    cookie = came.headers["set-cookie"]
    assert re.match(rf"{COOKIE}=[\w-]{{40,}}; HttpOnly; Path=/; SameSite=lax$", cookie), cookie
    assert lived.caller.secret not in cookie
    assert "Podium" in client.get("/jobs").text


@pytest.mark.parametrize("path", ["/", "/frontier?task=text", "/jobs"])
def test_a_stranger_is_led_to_the_way_in_and_back(lived, path):
    led = visitor(lived.gateway.url).get(path)
    assert (led.status_code, led.headers["location"]) == (303, f"/sign-in?next={quote(path, safe='')}")


@pytest.mark.parametrize("path", ["/media/abc.png", "/_stcore/upload_file/a/b", "/component/x", "/_stcore/metrics"])
def test_what_is_no_page_is_refused_to_a_stranger(lived, path):
    assert visitor(lived.gateway.url).get(path).status_code == 401


def test_an_unknown_key_is_refused_and_told_what_to_do_and_not_repeated(lived):
    client = visitor(lived.gateway.url)
    refused = sign_in(client, "pk_of-nobody")
    assert refused.status_code == 401
    assert "podium keys create" in refused.text
    assert "pk_of-nobody" not in refused.text
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"},
     {"origin": "http://elsewhere"}, {"origin": "null"}, {"x-nothing": "1"}],
)  # fmt: skip
def test_a_form_of_another_site_is_refused(lived, headers):
    assert sign_in(visitor(lived.gateway.url), lived.caller.secret, **headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://127.0.0.1:8701"}, {"origin": "https://p.example", "x-forwarded-host": "p.example"}],
)
def test_a_browser_that_says_only_the_origin_is_believed_when_it_is_ours(lived, headers):
    assert sign_in(visitor(lived.gateway.url), lived.caller.secret, **headers).status_code == 303


def test_the_cookie_is_secure_behind_a_proxy_that_speaks_tls(lived):
    came = sign_in(visitor(lived.gateway.url), lived.caller.secret, **HERE, **{"x-forwarded-proto": "https"})
    assert came.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    "after", ["//elsewhere", "https://elsewhere", "/\\elsewhere", "elsewhere", "/sign-in", "/a\r\nx: y", ""]
)
def test_nobody_is_led_elsewhere_after_signing_in(lived, after):
    assert sign_in(visitor(lived.gateway.url), lived.caller.secret, after).headers["location"] == "/"


def test_what_was_sent_is_escaped_in_the_form(lived):
    page = visitor(lived.gateway.url).get("/sign-in?next=" + quote('/"><script>alert(1)</script>', safe=""))
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_form_that_is_too_long_is_refused(lived):
    assert sign_in(visitor(lived.gateway.url), "k" * 10_000).status_code == 413


def test_under_a_path_of_a_proxy_everything_begins_with_it(lived):
    client = visitor(lived.gateway.url, "/podium")
    assert client.get("/podium/jobs").headers["location"] == "/podium/sign-in?next=%2Fpodium%2Fjobs"
    came = sign_in(client, lived.caller.secret, "/podium/jobs", "/podium")
    assert came.headers["location"] == "/podium/jobs"
    assert "Path=/podium" in came.headers["set-cookie"]
    assert 'window.location.origin + "/podium/"' in client.get("/podium/jobs").text


def test_a_visit_ends_when_it_is_ended_and_when_its_time_is_over(lived):
    now_s = [0.0]
    visits = Visits(lambda: now_s[0])
    first, second = (visits.begin(lived.gateway.url, lived.caller.secret) for _ in range(2))
    assert first != second
    visits.end(first)
    assert visits.find(first) is None
    assert visits.find(second) is not None
    now_s[0] = LASTS_S
    assert visits.find(second) is None
    assert visits.held == {}


def test_a_visit_says_whether_its_key_is_an_admins(lived):
    caller = VISITS.begin(lived.gateway.url, lived.caller.secret)
    admin = VISITS.begin(lived.gateway.url, lived.admin.secret)
    assert [VISITS.find(each).is_admin for each in (caller, admin)] == [False, True]
    assert lived.caller.secret not in repr(VISITS.find(caller))
    assert VISITS.find(None) is VISITS.find("") is None
