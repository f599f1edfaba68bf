"""The whole API as one application: who is let in, how faults are told, what is counted, what is documented."""

import asyncio
import base64
import contextlib

import httpx
import pytest
from structlog.testing import capture_logs

from gateway import migrations, telemetry
from gateway.main import create_app
from gateway.settings import Settings
from tests.supplies import forget_environment

ADMIN = "pk_of_the_admin_of_these_tests_0123456789"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""One pixel."""
BEARER = {"authorization": f"Bearer {ADMIN}"}


@pytest.fixture
async def house(database_url, tmp_path, monkeypatch):
    """A gateway without a worker: its application, its parts, and a client that keeps no key of its own."""
    forget_environment(monkeypatch, tmp_path)
    await asyncio.to_thread(migrations.upgrade, database_url)
    settings = Settings(
        database_url=database_url, store_url=f"file://{tmp_path}/assets", admin_key=ADMIN, log_level="error"
    )
    parts = []
    app = create_app(settings, with_worker=False, on_start=parts.append)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test"))
        client.parts = parts[0]
        yield client


def counted(route, status):
    value = telemetry.REGISTRY.get_sample_value("podium_requests_total", {"route": route, "status": str(status)})
    return value or 0.0


def assert_problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document.keys() >= {"type", "title", "status", "detail", "code"}
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:podium:problem:{code}" and len(document["detail"]) > 10
    return document


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"authorization": f"bearer {ADMIN}"},
        {"authorization": f"BEARER   {ADMIN} "},
        {"x-api-key": ADMIN},
        {"authorization": "Basic YTpi", "x-api-key": ADMIN},
    ],
)
async def test_a_key_is_taken_from_either_header(house, headers):
    assert (await house.get("/v1/keys", headers=headers)).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": ADMIN},
        {"authorization": f"Basic {ADMIN}"},
        {"authorization": "Bearer pk_wrong"},
        {"x-api-key": "pk_wrong"},
        {"x-api-key": f"{ADMIN}x"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/models", "/v1/nothing", "/v1/keys"])
async def test_without_a_good_key_nothing_under_v1_is_told(house, headers, path):
    answer = await house.get(path, headers=headers)
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert_problem(await house.post("/v1/jobs", headers=headers, json={}), 401, "unauthorized")


@pytest.mark.anyio
async def test_the_content_of_an_asset_is_had_with_a_key_or_a_signed_link(house):
    kept = await house.post("/v1/assets", headers=BEARER | {"content-type": "image/png"}, content=PICTURE)
    assert kept.status_code in (200, 201), kept.text
    asset = kept.json()
    assert_problem(await house.get(f"/v1/assets/{asset['id']}"), 401, "unauthorized")
    content = f"/v1/assets/{asset['id']}/content"
    assert (await house.get(content, headers=BEARER)).content == PICTURE
    assert (await house.get(asset["url"])).content == PICTURE
    assert (await house.get(content)).status_code in (401, 403, 404)
    assert (await house.get(content, headers={"x-api-key": "pk_wrong"})).status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/jobs/job_none", 404, "not_found"),
        ("GET", "/v1/decisions/dec_none", 404, "not_found"),
        ("GET", "/v1/models/nobody/nothing", 404, "not_found"),
        ("GET", "/v1/assets/ast_none", 404, "not_found"),
        ("DELETE", "/v1/jobs", 405, "invalid"),
        ("POST", "/healthz", 405, "invalid"),
        ("GET", "/v1/jobs?limit=0", 422, "invalid"),
        ("GET", "/v1/jobs?status=lost", 422, "invalid"),
        ("GET", "/v1/jobs?after=%00", 422, "invalid"),
        ("GET", "/v1/offers?task=smell", 422, "invalid"),
        ("POST", "/v1/route", 422, "invalid"),
        ("POST", "/v1/jobs", 422, "invalid"),
    ],
)
async def test_every_refusal_is_a_problem(house, method, path, status, code):
    assert_problem(await house.request(method, path, headers=BEARER), status, code)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    ["/v1/jobs/%00", "/v1/decisions/%00", "/v1/assets/%00", "/v1/assets/%00/content", "/v1/models/%00", "/v1/keys/%00"],
)
async def test_a_nul_in_a_path_breaks_nothing(house, path):
    assert (await house.get(path, headers=BEARER)).status_code in (404, 405, 422)


@pytest.mark.anyio
@pytest.mark.parametrize("query", ["task=%00", "status=%00", "after=%00"])
async def test_a_nul_in_a_question_breaks_nothing(house, query):
    assert (await house.get(f"/v1/jobs?{query}", headers=BEARER)).status_code in (200, 422)


@pytest.mark.anyio
async def test_a_refused_body_names_the_path_of_each_fault_and_repeats_no_value(house):
    body = {"task": "text-to-image", "prompt": "a fox", "count": 0, "inputs": [{"role": "smell"}], "secret": "x9"}
    document = assert_problem(await house.post("/v1/route", headers=BEARER, json=body), 422, "invalid")
    assert {each["path"] for each in document["errors"]} == {"count", "inputs.0.role", "secret"}
    assert "x9" not in str(document) and "(and 2 more)" in document["detail"]


@pytest.mark.anyio
async def test_a_fault_of_ours_is_told_without_its_details_and_logged_with_them(house):
    async def broken(*_):
        raise RuntimeError("the secret is x9")

    house.parts.jobs.listing = broken
    with capture_logs() as logged:
        document = assert_problem(await house.get("/v1/jobs", headers=BEARER), 500, "internal")
    assert "x9" not in str(document) and "RuntimeError" not in str(document)
    (line,) = [each for each in logged if each.get("incident") == document["incident"]]
    assert line["log_level"] == "error" and isinstance(line["exc_info"], RuntimeError)


@pytest.mark.anyio
async def test_answers_are_counted_by_their_route_and_status(house):
    before = counted("/v1/jobs/{job_id}", 404)
    for name in ("job_1", "job_2"):
        await house.get(f"/v1/jobs/{name}", headers=BEARER)
    assert counted("/v1/jobs/{job_id}", 404) == before + 2
    before = counted("none", 404)
    await house.get("/nobody/knows/this", headers=BEARER)
    assert counted("none", 404) == before + 1
    before = counted("/healthz", 200)
    await house.get("/healthz")
    assert counted("/healthz", 200) == before + 1
    before = counted("/v1/jobs", 422)
    await house.post("/v1/jobs", headers=BEARER)
    assert counted("/v1/jobs", 422) == before + 1


@pytest.mark.anyio
async def test_no_id_becomes_a_metric(house):
    await house.get("/v1/jobs/job_7f3a", headers=BEARER)
    await house.get("/v1/models/nobody/job_7f3a", headers=BEARER)
    assert "job_7f3a" not in (await house.get("/metrics")).text


@pytest.mark.anyio
async def test_the_probes_and_the_metrics_need_no_key(house):
    assert (await house.get("/healthz")).json() == {"status": "ok"}
    assert (await house.get("/readyz")).json() == {"status": "ready"}
    metrics = await house.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "podium_evidence_age_seconds" in metrics.text


@pytest.mark.anyio
async def test_a_gateway_on_another_schema_is_not_ready(house):
    await house.parts.db.together(
        lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'") and None
    )
    document = assert_problem(await house.get("/readyz"), 503, "unavailable")
    assert "podium migrate" in document["detail"]
    assert (await house.get("/healthz")).status_code == 200


@pytest.mark.anyio
async def test_an_application_that_was_not_started_is_not_ready(tmp_path, monkeypatch):
    forget_environment(monkeypatch, tmp_path)
    app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/none.db"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert_problem(await client.get("/readyz"), 503, "unavailable")
        assert (await client.get("/healthz")).status_code == 200


PATHS = {
    "/v1/jobs": {"get", "post"},
    "/v1/jobs/{job_id}": {"get"},
    "/v1/jobs/{job_id}/cancel": {"post"},
    "/v1/jobs/{job_id}/events": {"get"},
    "/v1/route": {"post"},
    "/v1/decisions/{decision_id}": {"get"},
    "/v1/models": {"get"},
    "/v1/models/{name}": {"get"},
    "/v1/offers": {"get"},
    "/v1/assets": {"post"},
    "/v1/assets/{asset}": {"get"},
    "/v1/assets/{asset}/content": {"get"},
    "/v1/ledger/fund": {"post"},
    "/v1/ledger/entries": {"get"},
    "/v1/ledger/balances": {"get"},
    "/v1/webhooks": {"get", "post"},
    "/v1/webhooks/{webhook_id}": {"get", "patch", "delete"},
    "/v1/webhooks/{webhook_id}/rotate": {"post"},
    "/v1/webhooks/{webhook_id}/test": {"post"},
    "/v1/webhooks/{webhook_id}/deliveries": {"get"},
    "/v1/webhooks/deliveries": {"get"},
    "/v1/webhooks/deliveries/{delivery_id}/redeliver": {"post"},
    "/v1/webhooks/secret": {"get"},
    "/v1/webhooks/secret/rotate": {"post"},
    "/v1/keys": {"get", "post"},
    "/v1/keys/{key_id}": {"patch", "delete"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


@pytest.mark.anyio
async def test_every_path_is_documented(house):
    document = (await house.get("/openapi.json")).json()
    documented = {path: set(methods) for path, methods in document["paths"].items()}
    missing = {path: methods - documented.get(path, set()) for path, methods in PATHS.items()}
    assert not {path: methods for path, methods in missing.items() if methods}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert told.get("summary") and told["responses"], f"{method} {path}"
    body = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"task", "model", "prompt", "routing"} <= body["properties"].keys()


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_pages_that_show_it_answer(house, path):
    answer = await house.get(path)
    assert answer.status_code == 200 and "openapi.json" in answer.text


@pytest.mark.anyio
async def test_a_route_costs_nothing_and_its_decision_is_found_again_by_its_owner(house):
    made = await house.post("/v1/keys", headers=BEARER, json={"name": "ann"})
    ann = {"x-api-key": made.json()["secret"]}
    answer = await house.post("/v1/route", headers=ann, json={"task": "text-to-image", "prompt": "a fox"})
    decision = answer.json()["decision"]
    assert decision["ranked"][0]["offer"].startswith("sandbox/") and decision["key"] == made.json()["id"]
    path = f"/v1/decisions/{decision['id']}"
    again = (await house.get(path, headers=ann)).json()
    assert again | {"created_at": None} == decision | {"created_at": None}
    assert (await house.get(path, headers=BEARER)).status_code == 200, "an admin sees everyone's"
    other = await house.post("/v1/keys", headers=BEARER, json={"name": "bob"})
    assert_problem(await house.get(path, headers={"x-api-key": other.json()["secret"]}), 404, "not_found")
