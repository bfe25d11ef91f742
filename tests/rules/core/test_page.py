"""Cursors and pages (api.md §1.8)."""

import base64
import json
from datetime import UTC, datetime

import pytest

from sumac.core.errors import BadRequest
from sumac.core.page import Cursor, Page, page_of

CREATED = datetime(2026, 1, 31, 10, 0, 0, 123_000, tzinfo=UTC)


def encoded(value: object) -> str:
    """Any JSON value in the outer form of a cursor."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("item_id", ["cus_1", "a", "ab", "abc", "?~?~"])
def test_there_and_back(item_id: str) -> None:
    """A cursor read back says the same, whatever its length."""
    cursor = Cursor(item_id, CREATED)

    assert cursor == Cursor.decode(cursor.encoded())


def test_form_of_a_cursor() -> None:
    """base64url without padding of version, id and creation in milliseconds."""
    text = Cursor("cus_1", CREATED).encoded()
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    assert {"v": 0, "id": "cus_1", "t": 1_769_853_600_123} == fields
    assert "=" not in text


def test_no_cursor_is_the_first_page() -> None:
    """Empty text starts at the top."""
    assert Cursor.decode("") is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("not a cursor", id="not-base64"),
        pytest.param("%%%%", id="not-the-alphabet"),
        pytest.param("é", id="not-ascii"),
        pytest.param("abcde", id="impossible-length"),
        pytest.param(base64.urlsafe_b64encode(b"\xff\xfe").decode(), id="not-text"),
        pytest.param(base64.urlsafe_b64encode(b"{").decode(), id="not-json"),
        pytest.param(base64.urlsafe_b64encode(b"[" * 100_000).decode(), id="nested-without-end"),
        pytest.param(
            base64.urlsafe_b64encode(b'{"v":0,"id":"a","t":' + b"9" * 5000 + b"}").decode(), id="endless-number"
        ),
        pytest.param(encoded(None), id="null"),
        pytest.param(encoded(5), id="number"),
        pytest.param(encoded([0, "cus_1", 1]), id="list"),
        pytest.param(encoded({}), id="no-fields"),
        pytest.param(encoded({"v": 0, "id": "cus_1"}), id="no-time"),
        pytest.param(encoded({"v": 0, "t": 1}), id="no-id"),
        pytest.param(encoded({"id": "cus_1", "t": 1}), id="no-version"),
        pytest.param(encoded({"v": 1, "id": "cus_1", "t": 1}), id="unknown-version"),
        pytest.param(encoded({"v": 0, "id": 5, "t": 1}), id="id-not-text"),
        pytest.param(encoded({"v": 0, "id": "cus\u0000", "t": 1}), id="id-no-database-can-hold"),
        pytest.param(encoded({"v": 0, "id": "\ud800", "t": 1}), id="half-a-character"),
        pytest.param(encoded({"v": 0, "id": "cus_1", "t": 1.5}), id="time-not-whole"),
        pytest.param(encoded({"v": 0, "id": "cus_1", "t": "1"}), id="time-as-text"),
        pytest.param(encoded({"v": 0, "id": "cus_1", "t": True}), id="time-as-truth"),
        pytest.param(encoded({"v": 0, "id": "cus_1", "t": 10**18}), id="time-beyond-the-calendar"),
        pytest.param(encoded({"v": 0, "id": "cus_1", "t": -(10**18)}), id="time-before-the-calendar"),
    ],
)
def test_bad_cursors(text: str) -> None:
    """Whatever is not one of our cursors is refused by name, never a failure of ours."""
    with pytest.raises(BadRequest, match="leave it empty for the first page") as caught:
        Cursor.decode(text)

    assert "invalid_cursor" == caught.value.code


def test_the_surplus_row_says_that_there_is_more() -> None:
    """A page shows `limit` rows; the cursor is that of the last row shown."""

    def cursor_of(row: str) -> Cursor:
        return Cursor(row, CREATED)

    assert Page(["a", "b"], Cursor("b", CREATED).encoded()) == page_of(["a", "b", "c"], 2, cursor_of)
    assert Page(["a", "b"], None) == page_of(["a", "b"], 2, cursor_of)
    assert Page([], None) == page_of([], 2, cursor_of)
