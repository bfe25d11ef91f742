"""An OpenAPI document, and whether an answer keeps to it.

Two documents are known: our own, and the published one of the API that the official clients are made for, where a copy
of it lies beside the checkout.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

ADDRESS = "urn:contract"
PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "spec" / "openapi.json"


class Contract:
    """The successful answers of an OpenAPI 3.1 document's operations."""

    def __init__(self, name: str, document: dict[str, Any]) -> None:
        self.name = name
        self.document = document
        self._registry: Registry[Any] = Registry().with_resource(ADDRESS, DRAFT202012.create_resource(document))
        self._validators: dict[str, Validator] = {}

    def knows(self, path: str) -> bool:
        """Whether the document has an operation at this path."""
        return path in self.document["paths"]

    def problems(self, path: str, answer: object) -> list[str]:
        """What is wrong with a successful answer, each with the place where."""
        if path not in self._validators:
            pointer = f"/paths/{path.replace('/', '~1')}/post/responses/200/content/application~1json/schema"
            self._validators[path] = Draft202012Validator({"$ref": f"{ADDRESS}#{pointer}"}, registry=self._registry)
        errors = self._validators[path].iter_errors(answer)  # type: ignore[arg-type]  # any JSON
        return [f"{self.name}: {path}: {error.json_path}: {error.message[:300]}" for error in errors]


@cache
def published() -> tuple[Contract, ...]:
    """The published contract, or none where no copy of it lies beside the checkout."""
    return (Contract("published", json.loads(PUBLISHED.read_text())),) if PUBLISHED.exists() else ()
