"""What is wrong with a file, before anybody is asked: keys nobody knows and values that the API would refuse."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sumac.api.errors import validation_message
from sumac.api.schemas.catalog import CatalogFeature, CatalogPlan, CatalogUpdate
from sumac.cli.plan.document import FEATURE_KEYS, PLAN_KEYS, to_request
from sumac.cli.plan.yaml_text import Path, Read

Problem = tuple[int, str]
SECTIONS: Mapping[str, tuple[type[BaseModel], tuple[str, ...], str]] = {
    "features": (CatalogFeature, FEATURE_KEYS, "feature_id"),
    "plans": (CatalogPlan, PLAN_KEYS, "plan_id"),
}


def find_problems(read: Read) -> list[Problem]:
    """Each problem with the line that it stands in, in the order of the lines; empty for a file that can be pushed."""
    problems = list(_of_shape(read)) or [*_of_keys(read), *_of_values(read)]
    return sorted(set(problems))


def _of_shape(read: Read) -> Iterator[Problem]:
    """What is not a map where there must be one."""
    if not isinstance(read.value, dict):
        yield 1, "the file must have the keys features and plans"
        return
    for name in SECTIONS:
        if not isinstance(read.value.get(name), dict):
            yield read.line_of((name,)), f"{name} must stand here, with a map of ids; {{}} for none"
    for name, section in read.value.items():
        if name not in SECTIONS:
            yield read.line_of((name,)), f"{name} is not a key of the file; it has features and plans"
        for key, each in section.items() if isinstance(section, dict) else ():
            if not isinstance(each, dict):
                yield read.line_of((name, key)), f"{name}.{key} must be a map"


def _of_keys(read: Read) -> Iterator[Problem]:
    """Keys that mean nothing where they stand."""
    for section, (model, known, _) in SECTIONS.items():
        for name, body in read.value[section].items():
            for key, value in body.items():
                path: Path = (section, name, key)
                if key not in known:
                    yield read.line_of(path), f"{_shown(path)} is not a key; known are: {', '.join(known)}"
                else:
                    for unknown, choices in _unknown_in(model.model_fields[key].annotation, value, path):
                        yield read.line_of(unknown), f"{_shown(unknown)} is not a key; known are: {', '.join(choices)}"


def _unknown_in(annotation: Any, value: Any, path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:  # noqa: ANN401  # any JSON
    """Unknown keys inside a value, by what the type of its field says; free maps may have any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for key, inner in value.items() if isinstance(value, dict) else ():
            field = annotation.model_fields.get(key)
            if field is None:
                yield (*path, key), tuple(annotation.model_fields)
            else:
                yield from _unknown_in(field.annotation, inner, (*path, key))
    elif get_origin(annotation) is list and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unknown_in(get_args(annotation)[0], inner, (*path, number))
    elif get_origin(annotation) is dict and isinstance(value, dict):
        for key, inner in value.items():
            yield from _unknown_in(get_args(annotation)[1], inner, (*path, key))
    else:
        for choice in get_args(annotation):
            yield from _unknown_in(choice, value, path)


def _of_values(read: Read) -> Iterator[Problem]:
    """What the API's own schemas refuse."""
    try:
        CatalogUpdate.model_validate(to_request(read.value))
    except ValidationError as error:
        for problem in error.errors():
            path = _path_in_file(read, problem["loc"])
            yield (
                read.line_of(path),
                f"{_shown(path)}: {validation_message([{**problem, 'loc': ()}]).removeprefix('body: ')}",
            )


def _path_in_file(read: Read, location: tuple[str | int, ...]) -> Path:
    """Where something of the request stands in the file: the elements of its lists are by id there."""
    section, number, *rest = location
    name = list(read.value[section])[int(number)]
    inner = tuple(each for each in rest if not str(each).startswith(("function-", "constrained-")))
    return (str(section), name) if inner == (SECTIONS[str(section)][2],) else (str(section), name, *inner)


def _shown(path: Path) -> str:
    return ".".join(str(each) for each in path)
