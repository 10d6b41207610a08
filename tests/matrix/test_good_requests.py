"""Every route has a good request, which is good."""

import pytest

from tests.contract.endpoints import endpoints
from tests.matrix.good_requests import GOOD, Good, name_of
from tests.matrix.world import World


def test_every_route_has_a_good_request() -> None:
    assert set(GOOD) == set(endpoints())


@pytest.mark.parametrize("good", GOOD.values(), ids=name_of)
def test_a_good_request_succeeds(good: Good, world: World) -> None:
    good.do(world)
