"""A receiver for every test that asks for one."""

from collections.abc import Iterator

import pytest

from tests.stories.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
