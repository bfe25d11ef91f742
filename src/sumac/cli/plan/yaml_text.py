"""YAML with exact numbers, and with the line that each value stands in.

Of the scalars of YAML 1.1 only those are read as anything but text that look the same in JSON: true, false, null and
plain numbers. So `no`, `on`, `012` and `12:30` stay the texts that they seem to be.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

Path = tuple[str | int, ...]
STR, INT, FLOAT = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
BOOL, NULL = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"
READ_AS = (
    (BOOL, re.compile(r"true|false")),
    (NULL, re.compile(r"null|~|")),
    (INT, re.compile(r"[-+]?(0|[1-9][0-9]*)")),
    (FLOAT, re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?")),
)
NESTING_MAX = 50


class UnreadableError(ValueError):
    """What is wrong with the text, and in which line (from 1)."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Read:
    """A value as JSON has it, and the line (from 1) of each key and element by its path."""

    value: Any
    lines: Mapping[Path, int]

    def line_of(self, path: Path) -> int:
        """The line of the path, or of the nearest thing around it that stands in the text."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> Read:
    """The one document of the text. Raises UnreadableError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableError(str(error.problem), line) from error
    except yaml.YAMLError as error:
        raise UnreadableError(str(error), 1) from error
    lines: dict[Path, int] = {}
    return Read(None if root is None else _value(root, (), lines), lines)


def write_yaml(value: object) -> str:
    """The value as a text, keys in the order they have, decimals with their own digits."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:  # noqa: ANN401  # any JSON value
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > NESTING_MAX:
        message = f"must not be nested deeper than {NESTING_MAX} levels"
        raise UnreadableError(message, lines[path])
    match node:
        case yaml.MappingNode():
            return _mapping(node, path, lines)
        case yaml.SequenceNode():
            return [_value(each, (*path, number), lines) for number, each in enumerate(node.value)]
        case _:
            return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, inner in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            message = "a key must be a text"
            raise UnreadableError(message, line)
        if key.value in found:
            message = f"{key.value} stands twice, here and in line {lines[(*path, key.value)]}"
            raise UnreadableError(message, line)
        lines[(*path, key.value)] = line
        found[key.value] = _value(inner, (*path, key.value), lines)
    return found


def _scalar(node: yaml.Node) -> str | int | Decimal | bool | None:
    text: str = node.value
    plain = isinstance(node, yaml.ScalarNode) and node.style is None
    tag = next((tag for tag, looks in READ_AS if looks.fullmatch(text)), STR) if plain else STR
    match tag:
        case "tag:yaml.org,2002:bool":
            return text == "true"
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:int":
            return int(text)
        case "tag:yaml.org,2002:float":
            return Decimal(text)
        case _:
            return text


class _Dumper(yaml.SafeDumper):
    """Writes decimals, sets lists into their key, and repeats what stands twice instead of pointing to it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002  # theirs
        """Lists are indented, whatever they ask for."""
        del indentless
        super().increase_indent(flow, False)  # noqa: FBT003  # theirs

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401  # any value
        """Nothing points elsewhere."""
        del data
        return True


def _represent_decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.Node:
    whole = value == value.to_integral_value()
    text = f"{int(value)}" if whole else f"{value:f}"
    return dumper.represent_scalar(INT if whole else FLOAT, text)


_Dumper.add_representer(Decimal, _represent_decimal)
