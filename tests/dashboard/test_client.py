"""The dashboard's client against a real gateway."""

import pytest

from dashboard.client import Podium, Refused


def test_documents_come_as_they_are(lived):
    assert lived.podium.get(f"/v1/jobs/{lived.picture['id']}")["status"] == "succeeded"
    assert lived.podium.content(lived.picture["outputs"][0]["asset"]).startswith(b"\x89PNG")


def test_a_list_is_read_page_after_page(lived):
    offers = lived.podium.rows("/v1/offers", limit=200)
    assert len(offers) > 200
    assert len({each["id"] for each in offers}) == len(offers)


def test_an_admin_is_told_from_a_caller(lived):
    assert lived.admin.is_admin()
    assert not lived.podium.is_admin()


def test_the_gateways_own_words_come_through_when_it_refuses(lived):
    with pytest.raises(Refused, match="there is no job job_nowhere") as caught:
        lived.podium.get("/v1/jobs/job_nowhere")
    assert (caught.value.status, caught.value.code) == (404, "not_found")


def test_an_unknown_key_is_refused_as_such(lived):
    with pytest.raises(Refused) as caught:
        Podium(lived.gateway.url, "pk_of-nobody").is_admin()
    assert caught.value.status == 401


def test_nobody_at_the_address_is_said_with_what_to_do():
    with pytest.raises(Refused, match="podium up") as caught:
        Podium("http://127.0.0.1:9", "pk_any").get("/v1/jobs")
    assert caught.value.status == 0


def test_the_secret_is_not_in_what_is_printed_of_a_client():
    assert "pk_secret" not in repr(Podium("http://127.0.0.1:9", "pk_secret"))
