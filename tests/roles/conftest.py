from collections.abc import Iterator

import pytest

from tests.roles.actors import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.clear()
