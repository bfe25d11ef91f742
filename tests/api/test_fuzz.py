"""Whatever a body says, no operation answers with a fault of ours (security.md §5.4 6)."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.operations import ALIASES, WALK, registered
from tests.api.shop import subscribe_ada
from tests.support.api import Api, refusal
from tests.support.requests import bodies

EXAMPLES = 300
KEPT_BETWEEN_EXAMPLES = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)


@pytest.fixture
async def shop(api: Api) -> Api:
    """A tenant with a customer who has subscribed."""
    await subscribe_ada(api)
    return api


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # the database is not the same when an example is tried again
    suppress_health_check=KEPT_BETWEEN_EXAMPLES,
)
@given(data=st.data())
async def test_no_body_makes_the_server_fail(shop: Api, app: FastAPI, data: st.DataObject) -> None:
    """Every operation, with bodies drawn from our own document and wrong values among them.

    The database is kept from one to the next, so that what they make is found by those that follow. An exception in
    the server is raised here, with its stack.
    """
    operation = data.draw(st.sampled_from(sorted(registered(app))))
    drawn = data.draw(bodies(app.openapi(), f"/v1/{operation}"))
    body = data.draw(st.sampled_from([drawn, _right_but_for_one(operation, drawn, data)]))
    answer = await shop.raw(operation, json.dumps(body).encode(), **{"x-client-type": "dashboard"})

    assert answer.status_code < 500
    if answer.status_code not in {200, 202}:
        refusal(answer)


def _right_but_for_one(operation: str, drawn: Any, data: st.DataObject) -> Any:  # noqa: ANN401  # any JSON value
    """The body of the walk, with one or two keys of what was drawn; those get past the first look at the body."""
    deletes = operation.endswith(".delete")  # without the right ids: what others name shall stay
    right = {} if deletes else WALK.get(ALIASES.get(operation, operation), {})
    if not isinstance(drawn, dict) or not drawn:
        return right
    names = data.draw(st.sets(st.sampled_from(sorted(drawn)), max_size=2))
    return {**right, **{name: drawn[name] for name in names}}
