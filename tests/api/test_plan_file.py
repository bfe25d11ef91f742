"""The file of `sumac plan`: how it is read and written, what is wrong with it, and a change in words."""

from decimal import Decimal
from typing import Any

import pytest

from sumac.cli.plan.checked import find_problems
from sumac.cli.plan.document import feature_document, plan_document, to_document, to_request
from sumac.cli.plan.words import describe
from sumac.cli.plan.yaml_text import UnreadableError, read_yaml, write_yaml
from tests.api.shop import FEATURES, FREE, PACK, PRO, SUPPORT
from tests.support.api import Api, on_sqlite

HEAD = """\
features:
  messages:
    name: Messages
    type: metered
    consumable: true
plans:
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("0.10", Decimal("0.10")),
        ("1.5e3", Decimal("1.5e3")),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("012", "012"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2026-01-01", "2026-01-01"),
        (".inf", ".inf"),
        ("inf", "inf"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n    two\n    lines", "two\nlines\n"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    """Numbers are exact; what JSON would not read as a number, a truth or null is a text."""
    read = read_yaml(f"a: {text}\n").value["a"]

    assert value == read
    assert type(value) is type(read)


def test_what_is_written_is_read() -> None:
    """Texts that look like something else, exact numbers and shared values come back as they were."""
    shared = {"interval": "month"}
    texts = [
        "1",
        "1.5",
        "true",
        "null",
        "no",
        "",
        "~",
        "2026-01-01",
        "- x",
        "a: b",
        "# x",
        "ä → €",
        " x ",
        "two\nlines",
    ]
    value = {
        "texts": texts,
        "numbers": [0, -5, Decimal("0.02"), Decimal("1000.5"), Decimal("0.0000000001")],
        "nothing": None,
        "twice": [shared, shared],
        "12": {"on": True},
        "empty": [{}, []],
    }

    assert value == read_yaml(write_yaml(value)).value


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: [1, 2\n", 3, "expected ',' or ']'"),
        ("a: 1\nb: 2\na: 3\n", 3, "a stands twice, here and in line 1"),
        ("a: 1\n? [x]\n: 2\n", 2, "a key must be a text"),
        ("a: 1\n--- \nb: 2\n", 2, "found another document"),
        ("a:\n\t- 1\n", 2, "found character '\\t'"),
        ("a: " + "[" * 60 + "]" * 60, 1, "must not be nested deeper"),
    ],
)
def test_unreadable(text: str, line: int, said: str) -> None:
    """What is no YAML is told with its line."""
    with pytest.raises(UnreadableError) as caught:
        read_yaml(text)

    assert said in str(caught.value)
    assert line == caught.value.line


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", [(1, "the file must have the keys features and plans")]),
        ("plans: {}\n", [(1, "features must stand here, with a map of ids; {} for none")]),
        (
            "features: {}\nplans: []\nrewards: {}\n",
            [
                (2, "plans must stand here, with a map of ids; {} for none"),
                (3, "rewards is not a key of the file; it has features and plans"),
            ],
        ),
        ("features:\n  a: 5\nplans: {}\n", [(2, "features.a must be a map")]),
        (HEAD + "  free:\n    name: Free\n    item: []\n", [(9, "plans.free.item is not a key; known are: name,")]),
        (
            HEAD
            + "  free:\n    name: Free\n    items:\n      - feature_id: messages\n        reset:\n          every: 1\n",
            [
                (11, "plans.free.items.0.reset.interval: is required"),
                (12, "plans.free.items.0.reset.every is not a key; known are: interval, interval_count"),
            ],
        ),
        (
            HEAD + "  free:\n    name: Free\n    price:\n      amount: many\n      interval: month\n",
            [(10, "plans.free.price.amount: must be a number (received string)")],
        ),
        (
            HEAD + "  free:\n    name: Free\n    price:\n      interval: decade\n      amount: 1\n",
            [(10, "plans.free.price.interval: must be one of: one_off, week, month, quarter, semi_annual, year")],
        ),
        (HEAD + "  a b:\n    name: Free\n", [(7, "plans.a b: must contain only letters, numbers,")]),
        (HEAD + "  free:\n    group: x\n", [(7, "plans.free.name: is required")]),
        (HEAD + "  free:\n    name: 5\n", [(8, "plans.free.name: must be a string (received number)")]),
        (
            HEAD + "  free:\n    name: Free\n    version: 2\n",
            [(9, "plans.free.version is not a key; known are: name,")],
        ),
        (
            HEAD
            + "  free:\n    name: Free\n    metadata: {any: {thing: 1}}\n    billing_controls:\n      limits: []\n",
            [(11, "plans.free.billing_controls.limits is not a key; known are: auto_topups, spend_limits,")],
        ),
    ],
)
def test_problems(text: str, problems: list[tuple[int, str]]) -> None:
    """Every unknown key and every wrong value is told with the line that it stands in."""
    found = find_problems(read_yaml(text))

    assert len(problems) == len(found), found
    for (line, said), (seen_line, seen) in zip(problems, found, strict=True):
        assert (line, said) == (seen_line, seen[: len(said)])


@on_sqlite
async def test_a_file_says_all_of_it(api: Api, rival: Api) -> None:
    """The file of one place, pushed to another, makes the same catalogue; and its file is the same, byte for byte."""
    limits = {"spend_limits": [{"feature_id": "messages", "enabled": False, "overage_limit": 0.5}]}
    metadata = {"b": {"x": None}, "a": [1, 0.5, True]}
    rich = {**SUPPORT, "metadata": metadata, "billing_controls": limits, "config": {"ignore_past_due": True}}
    yearly = {**PRO, "plan_id": "a_year", "base_plan_id": "pro", "price": {"amount": 300, "interval": "year"}}
    await api.call("catalog.update", {"features": FEATURES, "plans": [yearly, FREE, PRO, PACK, rich]})

    async def document(caller: Api) -> dict[str, Any]:
        features = (await caller.call("features.list"))["list"]
        return to_document(features, (await caller.call("plans.list", {"include_archived": True}))["list"])

    text = write_yaml(await document(api))
    read = read_yaml(text)

    assert [] == find_problems(read)

    bodies = to_request(await document(api))
    await rival.call("catalog.update", bodies)

    assert text == write_yaml(await document(rival))
    assert metadata == read.value["plans"]["support"]["metadata"]
    assert "pro" == (await rival.call("plans.get", {"plan_id": "a_year"}))["variant_details"]["base_plan_id"]

    again = await rival.call("catalog.preview_update", bodies)

    assert {"none"} == {each["action"] for each in again["plan_changes"]}


def test_only_what_is_not_so_by_itself() -> None:
    """Of a plan and a feature the file says what differs from a bare one; a held feature says that it is held."""
    plan = {
        "id": "bare", "name": "Bare", "description": None, "group": None, "version": 3, "add_on": False,
        "auto_enable": False, "price": None, "env": "sandbox", "archived": False,
        "config": {"ignore_past_due": False}, "metadata": {},
        "items": [{"feature_id": "x", "included": 0, "unlimited": False, "pooled": False, "reset": None}],
    }  # fmt: skip
    seats = {"id": "s", "name": "S", "type": "metered", "consumable": False, "archived": False, "event_names": []}

    assert {"name": "Bare", "items": [{"feature_id": "x"}]} == plan_document(plan)
    assert {"name": "S", "type": "metered", "consumable": False} == feature_document(seats)
    assert {"name": "S", "type": "boolean", "archived": True} == feature_document(
        {**seats, "type": "boolean", "archived": True}
    )


def test_words() -> None:
    """A change is told by what it does to whom, with each value before and after."""
    seats = {"id": "seats", "name": "Seat", "type": "metered", "consumable": False}
    item = {"feature_id": "seats", "included": 5}
    pro = {"id": "pro", "name": "Pro", "version": 1, "price": {"amount": 20, "interval": "month"}, "items": [item]}
    dear = {
        **pro,
        "version": 2,
        "price": {"amount": Decimal("25.5"), "interval": "month"},
        "items": [{"feature_id": "sso"}],
    }

    def feature(name: str, action: str, after: object = None, *, archived: bool = False) -> dict[str, Any]:
        return {"feature_id": name, "action": action, "will_archive": archived, "feature": after}

    def plan(name: str, action: str, after: object = None, **more: object) -> dict[str, Any]:
        fixed = {"plan_id": name, "action": action, "will_archive": False, "versionable": False, "customers": 0}
        return {**fixed, "plan": after, **more}

    preview = {
        "feature_changes": [
            feature("sso", "create"),
            feature("seats", "update", {**seats, "name": "Seats", "event_names": ["sat"]}),
            feature("same", "none"),
            feature("old", "remove"),
            feature("used", "remove", archived=True),
        ],
        "plan_changes": [
            plan("free", "created"),
            plan("pro", "updated", dear, versionable=True, customers=12),
            plan("pro", "updated", dear, versionable=True, customers=1),
            plan("pro", "updated", dear, versionable=True),
            plan("pro", "updated", {**pro, "name": "P"}),
            plan("same", "none"),
            plan("gone", "deleted"),
            plan("held", "deleted", will_archive=True),
        ],
    }
    terms = [
        "    price.amount: 20 → 25.5",
        "    items.seats: gone, was included",
        "    items.seats.included: gone, was 5",
        "    items.sso: on, was not there",
    ]
    shown = [
        "+ feature sso: new",
        "~ feature seats: changed",
        '    name: "Seat" → "Seats"',
        '    event_names.1: "sat", was not there',
        "- feature old: removed",
        "- feature used: archived, because a plan or a credit system uses it",
        "+ plan free: new",
        "~ plan pro: version 2, 12 customers stay on version 1",
        *terms,
        "~ plan pro: version 2, 1 customer stays on version 1",
        *terms,
        "~ plan pro: version 2, nobody is left on version 1",
        *terms,
        "~ plan pro: changed in place",
        '    name: "Pro" → "P"',
        "- plan gone: removed",
        "- plan held: archived, because customers hold it or have held it",
    ]

    assert shown == describe(preview, [seats], [pro])
    assert [] == describe({"feature_changes": [feature("same", "none")], "plan_changes": []}, [seats], [pro])
