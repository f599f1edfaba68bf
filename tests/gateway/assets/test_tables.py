import pytest

from gateway.assets import tables
from gateway.assets.rules import Facts, Kept, blob_of

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request):
    return request.getfixturevalue(f"{request.param}_url")


def row(key_id="key_1", job_id=None, data=b"x"):
    facts = Facts("video/mp4", 1280, 720, 5.005, 23.976, 120, True)
    return tables.new_row(key_id, Kept(blob_of(data), facts), "output", job_id)


async def test_rows_come_back_as_they_were(database):
    given = row()
    await database.together(lambda connection: tables.insert(connection, [given]))
    assert await database.read(lambda connection: tables.find(connection, given["id"])) == given
    assert await database.read(lambda connection: tables.find(connection, "ast_none")) is None


async def test_no_rows_is_no_insert(database):
    assert await database.together(lambda connection: tables.insert(connection, [])) is None


async def test_outputs_of_a_job_come_in_the_order_they_were_made(database):
    rows = [row(job_id="job_1", data=bytes([index])) for index in range(5)]
    await database.together(lambda connection: tables.insert(connection, [*rows, row(job_id="job_2")]))
    assert await database.read(lambda connection: tables.of_job(connection, "job_1")) == rows


async def test_pages_of_one_owner_are_complete_and_newest_first(database):
    rows = [row("key_1" if index % 3 else "key_2") for index in range(12)]
    await database.together(lambda connection: tables.insert(connection, rows))
    first = await database.read(lambda connection: tables.of_key(connection, "key_1", 5))
    rest = await database.read(lambda connection: tables.of_key(connection, "key_1", 5, first[-1]["id"]))
    assert [each["id"] for each in first + rest] == [each["id"] for each in reversed(rows) if each["key_id"] == "key_1"]


async def test_uploads_are_found_among_outputs_and_what_expired_is_not(database):
    mine = row() | {"source": "upload"}
    old = row() | {"source": "upload", "expires_at": mine["created_at"]}
    await database.together(lambda connection: tables.insert(connection, [mine, old, *(row() for _ in range(5))]))
    found = await database.read(lambda connection: tables.uploads_of_key(connection, "key_1", 2))
    assert found == [mine]
    page = await database.read(lambda connection: tables.of_key(connection, "key_1", 50))
    assert len(page) == 6 and old["id"] not in {each["id"] for each in page}
