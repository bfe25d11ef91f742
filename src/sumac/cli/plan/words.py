"""What a push changes, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sumac.api.schemas.wire import encode
from sumac.cli.plan.document import Json, feature_document, plan_document

NOTHING = "Nothing to change: the server has what the file says"
SIGNS = {"create": "+", "created": "+", "update": "~", "updated": "~", "remove": "-", "deleted": "-"}


def describe(preview: Json, features: Sequence[Json], plans: Sequence[Json]) -> list[str]:
    """The lines that say what the preview of a catalogue changes, against what is there; none where nothing does."""
    known_features = {each["id"]: feature_document(each) for each in features}
    known_plans = {each["id"]: each for each in plans}
    lines = []
    for change in preview["feature_changes"]:
        if change["action"] in SIGNS:
            before, name = known_features.get(change["feature_id"]), change["feature_id"]
            lines.append(f"{SIGNS[change['action']]} feature {name}: {_fate_of_feature(change)}")
            lines += _details(before, feature_document(change["feature"])) if change["action"] == "update" else []
    for change in preview["plan_changes"]:
        if change["action"] in SIGNS:
            before = known_plans.get(change["plan_id"])
            lines.append(f"{SIGNS[change['action']]} plan {change['plan_id']}: {_fate_of_plan(change, before)}")
            if change["action"] == "updated" and before is not None:
                lines += _details(plan_document(before), plan_document(change["plan"]))
    return lines


def _fate_of_feature(change: Json) -> str:
    if change["will_archive"]:
        return "archived, because a plan or a credit system uses it"
    return {"create": "new", "update": "changed", "remove": "removed"}[change["action"]]


def _fate_of_plan(change: Json, before: Json | None) -> str:
    if change["will_archive"]:
        return "archived, because customers hold it or have held it"
    if change["versionable"] and before is not None:
        return f"version {change['plan']['version']}, {_staying(change['customers'])} on version {before['version']}"
    return {"created": "new", "updated": "changed in place", "deleted": "removed"}[change["action"]]


def _staying(customers: int) -> str:
    match customers:
        case 0:
            return "nobody is left"
        case 1:
            return "1 customer stays"
        case _:
            return f"{customers} customers stay"


def _details(before: Json | None, after: Json) -> list[str]:
    was, becomes = dict(_leaves(before or {}, "")), dict(_leaves(after, ""))
    return [
        f"    {name}: {_change(was, becomes, name)}"
        for name in {**was, **becomes}
        if was.get(name) != becomes.get(name)
    ]


def _change(was: Mapping[str, str], becomes: Mapping[str, str], name: str) -> str:
    if name not in was:
        return f"{becomes[name]}, was not there"
    if name not in becomes:
        return f"gone, was {was[name]}"
    return f"{was[name]} → {becomes[name]}"


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401  # any JSON value
    """The values inside a value by where they are; an item is known by its feature, as its place means nothing."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _leaves(inner, f"{path}.{key}" if path else key)
        case list() if path == "items":
            seen: dict[str, int] = {}
            for item in value:
                name = item["feature_id"]
                seen[name] = seen.get(name, 0) + 1
                number = f" ({seen[name]})" if seen[name] > 1 else ""
                rest = {key: inner for key, inner in item.items() if key != "feature_id"}
                yield f"items.{name}{number}", "included" if rest else "on"
                yield from _leaves(rest, f"items.{name}{number}")
        case list():
            for place, inner in enumerate(value):
                yield from _leaves(inner, f"{path}.{place + 1}")
        case _:
            yield path, encode(value).decode()
