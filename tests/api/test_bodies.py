"""What may stand in a body, and in the headers beside it (api.md §1.1, §1.4, §1.6, §1.7)."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from sumac.storage.schema import metadata
from tests.api.operations import WALK
from tests.api.shop import add_ada
from tests.support.api import Api, Refused, on_sqlite, refusal

TRACK = '{"customer_id": "ada", "feature_id": "messages", "value": %s}'
PROPERTIES = '{"customer_id": "ada", "feature_id": "messages", "properties": {"x": %s}}'
NEEDS_NOTHING = {"organization.get", "organization.get_billing_settings"}
MALFORMED = {
    "an_array": b"[]",
    "a_string": b'"ada"',
    "a_number": b"1",
    "null": b"null",
    "true": b"true",
    "cut_off": b'{"customer_id": "ada"',
    "single_quotes": b"{'customer_id': 'ada'}",
    "a_form": b"customer_id=ada&feature_id=messages",
    "invalid_utf_8": b'{"customer_id": "\xff\xfe"}',
    "utf_16": '{"customer_id": "ada"}'.encode("utf-16"),
    "a_surrogate_in_utf_8": b'{"customer_id": "\xed\xa0\x80"}',
    "nothing_but_brackets": b"[" * 100_000,
    "deep_arrays": b'{"properties": ' + b"[" * 900 + b"]" * 900 + b"}",
    "deep_objects": b'{"properties": ' + b'{"a": ' * 300 + b"1" + b"}" * 300 + b"}",
    "a_long_number": b'{"value": ' + b"9" * 10_000 + b"}",
    "a_byte_order_mark": b"\xef\xbb\xbf{}",
}
NUMBERS = [
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "1e999999999", "9" * 400, "0x10", '"1"', "true",
    "null_", "[1]", "{}", "1_000", "1e41", "1000000000000001e20",
]  # fmt: skip
OTHER_VERSIONS = (
    "2", "2.2.0", "2.2", "1.2", "1.2.0", "0.1", "3.0.0", "3", "abc", "2.3.0.0", "-2.3", "v2.3.0", "2.3.0-rc",
    "2026-05-12", "2025-05-05", "2026-13-45x", "9" * 300, "²",
)  # fmt: skip
IDS = [
    "", " ", "a b", "a@b", "a.b", "a/b", "ä", "😀", "a\n", "a\x00b", "x" * 257, "x" * 100_000, "../..", "' OR 1=1 --",
    1, 1.5, True, [], {}, ["ada"],
]  # fmt: skip


async def counts(api: Api) -> dict[str, int]:
    """How many rows each table has."""
    async with api.services.database.system_reading() as system:
        return {
            table.name: await system.scalar(sa.select(sa.func.count()).select_from(table))
            for table in metadata.sorted_tables
        }


@on_sqlite
@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_body(api: Api, content: bytes) -> None:
    """400 `invalid_inputs` from every operation that needs something, as lists do not, and nothing is written."""
    before = await counts(api)
    for operation, body in WALK.items():
        answer = await api.raw(operation, content)
        if operation.endswith(".list") or operation in NEEDS_NOTHING:
            assert answer.status_code in {200, 400}, (operation, answer.text)
        else:
            assert body
            assert (operation, 400, "invalid_inputs") == (operation, answer.status_code, refusal(answer).code)

    assert before == await counts(api)


async def test_a_body_that_is_too_large(api: Api) -> None:
    """A megabyte is the most; the rest is not read (security.md §5.4 18)."""
    before = await counts(api)
    answer = await api.raw("balances.track", b'{"x": "' + b"x" * 2_000_000 + b'"}')

    assert (413, "body_too_large") == (answer.status_code, refusal(answer).code)
    assert before == await counts(api)


async def test_a_number_that_is_none(api: Api) -> None:
    """NaN, infinity, absurd sizes, texts and booleans are no numbers (security.md §5.4 6)."""
    await add_ada(api)
    before = await counts(api)
    for number in NUMBERS:
        answer = await api.raw("balances.track", (TRACK % number).encode())

        assert (number, 400, "invalid_inputs") == (number, answer.status_code, refusal(answer).code)

    assert before == await counts(api)


async def test_numbers_of_unusual_form(api: Api) -> None:
    """Exponents and many digits are read exactly; a value too small to be kept counts as nothing."""
    await add_ada(api)
    for number, written in (
        ("1e1", "10"),
        ("1E-2", "0.01"),
        ("1.50", "1.5"),
        ("0.1234567890", "0.123456789"),
        ("9007199254740.993", "9007199254740.993"),
        ("-0", "0"),
        ("-0.0", "0"),
    ):
        answer = await api.raw("balances.track", (TRACK % number).encode())

        assert 200 == answer.status_code, answer.text
        assert f'"value":{written},' in answer.text

    assert 200 == (await api.raw("balances.track", (TRACK % "1e-18").encode())).status_code


async def test_numbers_in_free_json(api: Api) -> None:
    """Properties and metadata take what JSON readers agree on, and come back as they were told."""
    await add_ada(api)
    for number in ("1e400", "9" * 30, "1e999999999", "NaN", str(2**63)):
        answer = await api.raw("balances.track", (PROPERTIES % number).encode())

        assert (number, 400) == (number, answer.status_code)

    for number in ("0.1", "1.0", "-5", "9223372036854775807", '"ü😀"', "[1, {}]", "null", "true"):
        assert 200 == (await api.raw("balances.track", (PROPERTIES % number).encode())).status_code

    events = (await api.call("events.list"))["list"]
    told = [event["properties"]["x"] for event in events]

    assert 8 == len(told)
    for expected in (0.1, 1, -5, 9223372036854775807, "ü😀", [1, {}], None, True):
        assert expected in told


async def test_an_id_that_is_none(api: Api) -> None:
    """Characters, length and type of ids (api.md §1.7): 400 wherever an id is asked for."""
    await add_ada(api)
    before = await counts(api)
    for wrong in IDS:
        for operation, field in (
            ("customers.get_or_create", "customer_id"),
            ("customers.get", "customer_id"),
            ("plans.create", "plan_id"),
            ("features.create", "feature_id"),
            ("balances.check", "feature_id"),
            ("billing.attach", "plan_id"),
        ):
            body = {**WALK[operation], "name": "X", field: wrong}
            refused = await api.refused(operation, body)

            assert (400, "invalid_inputs") == (refused.status, refused.code), (operation, field, wrong)

    assert before == await counts(api)


async def test_a_text_that_cannot_be_kept(api: Api) -> None:
    r"""Null characters and halves of surrogate pairs are refused wherever they stand, as \u escapes too."""
    await add_ada(api)
    before = await counts(api)
    for text in (b"\\u0000", b"a\\u0000b", b"\\ud800", b"\\udc00\\ud800"):
        for place in (
            b'{"customer_id": "bob", "name": "%s"}',
            b'{"customer_id": "bob", "metadata": {"%s": 1}}',
            b'{"customer_id": "bob", "metadata": {"deep": [{"x": "%s"}]}}',
            b'{"customer_id": "bob", "fingerprint": "%s"}',
        ):
            answer = await api.raw("customers.get_or_create", place % text)

            assert (400, "invalid_inputs") == (answer.status_code, refusal(answer).code), (place, text)

    assert before == await counts(api)


async def test_texts_of_every_script(api: Api) -> None:
    """Names, metadata and entity texts take any characters, as they are and escaped."""
    name = "Ada 😀 لافليس  <script>alert(1)</script> '\"; DROP TABLE customers; --"
    answer = await api.call("customers.get_or_create", {"customer_id": "ada", "name": name, "metadata": {"ключ": name}})
    escaped = await api.raw("customers.get_or_create", b'{"customer_id": "bob", "name": "\\ud83d\\ude00"}')

    assert (name, {"ключ": name}, "😀") == (answer["name"], answer["metadata"], escaped.json()["name"])
    assert ["ada"] == [each["id"] for each in (await api.call("customers.list", {"search": "drop table"}))["list"]]


@on_sqlite
async def test_every_wrong_value_is_told_with_its_place(api: Api) -> None:
    """One problem as "<path>: <problem>", several after "[Validation Errors]" (api.md §1.6)."""
    table: list[tuple[str, dict[str, Any], str]] = [
        ("customers.get", {}, "customer_id: is required"),
        ("customers.get", {"customer_id": ""}, "customer_id: cannot be empty"),
        ("customers.get", {"customer_id": 5}, "customer_id: must be a string (received number)"),
        ("customers.get", {"customer_id": None}, "customer_id: must be a string (received null)"),
        (
            "customers.get",
            {"customer_id": "a b"},
            "customer_id: must contain only letters, numbers, underscores, dashes and colons",
        ),
        ("customers.get", {"customer_id": "a", "expand": "invoices"}, "expand: must be an array (received string)"),
        (
            "features.create",
            {"feature_id": "x", "name": "X", "type": "magic"},
            "type: must be one of: boolean, metered, credit_system, ai_credit_system",
        ),
        (
            "plans.create",
            {"plan_id": "x", "name": "X", "add_on": "yes"},
            "add_on: must be a boolean (received string)",
        ),
        (
            "plans.create",
            {"plan_id": "x", "name": "X", "items": [{"feature_id": "a", "included": "1"}]},
            "items.0.included: must be a number (received string)",
        ),
        (
            "plans.create",
            {},
            "[Validation Errors] plan_id: is required; name: is required",
        ),
    ]

    assert [(body, message) for _, body, message in table] == [
        (body, (await api.refused(operation, body)).message) for operation, body, _ in table
    ]


@on_sqlite
async def test_versions(api: Api) -> None:
    """2.3.0 and every later 2.x are served, by number or by date; older ones for some operations (test_compat.py)."""
    for version in (
        "2.3.0",
        "2.3",
        "2.4.0",
        "2.5.0",
        "2.99",
        "2.10.3",
        "2026-05-13",
        "2026-09-01",
        "2026-05-13.clover",
        "",
    ):
        answer = await api.sending(x_api_version=version).send("customers.list")

        assert (version, 200) == (version, answer.status_code)

    without = {name: value for name, value in api.headers.items() if name != "x-api-version"}

    assert 200 == (await api.client.post("/v1/customers.list", headers=without)).status_code

    for version in OTHER_VERSIONS:
        headers: dict[str, Any] = {**api.headers, "x-api-version": version.encode()}
        refused = refusal(await api.client.post("/v1/customers.list", headers=headers))

        assert (version, 400, "invalid_api_version", "sandbox") == (version, refused.status, refused.code, refused.env)


@on_sqlite
async def test_what_is_not_there(api: Api) -> None:
    """An unknown route is 404, whatever the method; so is an operation that is not asked for with POST (§1.6)."""
    for path in ("customers.fly", "customers", "customers.get/ada", "", "Customers.get", "x" * 3000, "%00", "..%2f"):
        refused = refusal(await api.client.post(f"/v1/{path}", headers=api.headers))

        assert (path, 404, "not_found") == (path, refused.status, refused.code)

    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        refused = refusal(await api.client.request(method, "/v1/customers.get", headers=api.headers))

        assert (method, 404, "not_found") == (method, refused.status, refused.code)


@on_sqlite
async def test_a_fault_of_ours_says_nothing_of_us(app: FastAPI) -> None:
    """500 `internal_error` without any detail; the log has them."""

    async def faulty() -> None:
        message = "the password is hunter2"
        raise RuntimeError(message)

    app.add_api_route("/v1/faulty", faulty, methods=["POST"])
    app.router.routes.insert(0, app.router.routes.pop())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
        refused = refusal(await client.post("/v1/faulty"))

    assert (500, "internal_error") == (refused.status, refused.code)
    assert "hunter2" not in refused.message


WRONG_TYPES: list[Refused] = [
    ("customers.get_or_create", {"customer_id": "x", "metadata": []}, 400, "invalid_inputs"),
    (
        "customers.get_or_create",
        {"customer_id": "x", "metadata": {str(n): n for n in range(101)}},
        400,
        "invalid_inputs",
    ),
    ("customers.get_or_create", {"customer_id": "x", "name": "x" * 5001}, 400, "invalid_inputs"),
    ("customers.get_or_create", {"customer_id": "x", "name": 1}, 400, "invalid_inputs"),
    ("customers.get_or_create", {"customer_id": "x", "currency": "dollars"}, 400, "invalid_inputs"),
    ("customers.get_or_create", {"customer_id": "x", "clock_at": -1}, 400, "invalid_inputs"),
    ("customers.get_or_create", {"customer_id": "x", "clock_at": 1e20}, 400, "invalid_inputs"),
    ("plans.get", {"plan_id": "pro", "version": 1.5}, 400, "invalid_inputs"),
    ("plans.get", {"plan_id": "pro", "version": 2**70}, 400, "invalid_inputs"),
    ("plans.create", {"plan_id": "x", "name": "X", "items": {}}, 400, "invalid_inputs"),
    ("plans.create", {"plan_id": "x", "name": "X", "price": 30}, 400, "invalid_inputs"),
    ("customers.list", {"plans": [{"id": "pro", "versions": [2**40]}]}, 400, "invalid_inputs"),
    ("customers.list", {"search": "x" * 201}, 400, "invalid_inputs"),
    ("customers.list", {"created_at_range": {"start": "now"}}, 400, "invalid_inputs"),
]


@on_sqlite
async def test_wrong_types_and_sizes(api: Api) -> None:
    """Each is refused as an invalid input, and nothing is written."""
    await add_ada(api)
    before = await counts(api)

    assert WRONG_TYPES == await api.refusals(WRONG_TYPES)
    assert before == await counts(api)
