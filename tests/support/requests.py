"""Bodies of every kind for an operation, drawn from what our own OpenAPI document says about it."""

from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
KNOWN = ("ada", "pro", "free", "messages", "seats", "sso", "message_sent", "ghost", "", "a b", "x" * 300, "2026", "inf")
NUMBERS = (
    0,
    1,
    -1,
    2.0,
    0.1,
    1e-10,
    10**13,
    10**14,
    2**31,
    2**53 + 1,
    2**63,
    1_767_225_600_000,
    1_769_904_000_000,
    1e18,
)
DEPTH_MAX = 5

texts = st.one_of(st.sampled_from(KNOWN), st.text(max_size=12))
numbers = st.one_of(st.sampled_from(NUMBERS), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
PLAIN = {"string": texts, "number": numbers, "integer": numbers, "boolean": st.booleans(), "null": st.none()}


def bodies(document: Schema, path: str) -> st.SearchStrategy[Any]:
    """Mostly what the document allows, with every optional key there or not; now and then a value of the wrong kind."""
    operation = document["paths"][path]["post"]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return _values(content.get("schema", {"type": "object"}), document, 0)


def _values(schema: Schema, document: Schema, depth: int) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(_resolved(schema["$ref"], document), document, depth)
    if depth > DEPTH_MAX:
        return st.none()
    right = _right(schema, document, depth)
    return st.one_of(right, right, right, anything) if depth else right


def _right(schema: Schema, document: Schema, depth: int) -> st.SearchStrategy[Any]:
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return st.one_of([_values(each, document, depth + 1) for each in schema[choice]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _objects(schema, document, depth)
        case "array":
            return st.lists(_values(schema.get("items", {}), document, depth + 1), max_size=3)
        case kind:
            return PLAIN.get(str(kind), anything)


def _objects(schema: Schema, document: Schema, depth: int) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        return st.dictionaries(texts, anything, max_size=3)
    fields = {name: _values(each, document, depth + 1) for name, each in schema["properties"].items()}
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: value for name, value in fields.items() if name in required},
        optional={name: value for name, value in fields.items() if name not in required},
    )


def _resolved(reference: str, document: Schema) -> Schema:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    resolved: Schema = found
    return resolved
