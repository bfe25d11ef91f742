"""The house rules that no other tool checks. `python -m tools.tidy` prints each breach as path:line: sentence."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
RULE_LINES_MAX = 40
TEST_LINES_MAX = 100  # a whole body that is expected is shown whole
LONG_FILES = frozenset({"src/sumac/storage/schema.py"})  # all tables on one page, which is what a reader wants
COMMITTERS = frozenset(  # works, which the database ends, and the journals of each engine
    f"src/sumac/storage/{name}.py" for name in ("work", "database", "sqlite_journal", "postgres_journal")
)
README_HEADINGS = ("**Owns**", "**Does not own**", "**Invariants**")
OPERATION = re.compile(r'@router\.(?:operation|post)\(\s*"(?:/v1/)?(\w+\.\w+)"')
BANNED_WORDS = frozenset({"util", "utils", "helper", "helpers", "manager", "handler", "common", "misc"})
FOREIGN_NAMES = frozenset({"get_route_handler"})  # FastAPI's name for what we override
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
    )
)
MACHINE_PATH = re.compile(r"(?<![\w.:/)}\]])/(?:home|root|tmp|work|Users)/[\w.-]")
IGNORE = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no (?:cover|branch))")
REASONED_IGNORE = re.compile(
    r"#\s*(?:noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*|type: ignore\[[\w, -]+\]|pragma: no (?:cover|branch))  # \S",
)
SCRIPT_IGNORE = re.compile(r"eslint-disable|@ts-expect-error|@ts-ignore|@ts-nocheck")
REASONED_SCRIPT_IGNORE = re.compile(r"eslint-disable-next-line \S+(?:, \S+)* -- \S|@ts-expect-error \S")
SCRIPTS = frozenset({".ts", ".tsx", ".js"})
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Breach:
    """A house rule broken at a line."""

    path: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}"


@dataclass(frozen=True)
class Source:
    """One text file of the repository; `path` is relative to its root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file as Python."""
        return ast.parse(self.text)

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders and the name."""
        return PurePosixPath(self.path).parts

    @property
    def suffix(self) -> str:
        """`.py` and the like."""
        return PurePosixPath(self.path).suffix

    @property
    def is_package(self) -> bool:
        """Whether it is a module of sumac."""
        return self.path.startswith("src/sumac/") and self.suffix == ".py"

    @property
    def is_rule(self) -> bool:
        """Whether it is one of a feature's rules."""
        return self.is_package and "rules" in self.parts

    def breach(self, line: int, sentence: str) -> Breach:
        """A breach in this file."""
        return Breach(self.path, line, sentence)


def find_commits(source: Source) -> Iterator[Breach]:
    """Only a work commits."""
    if not source.is_package or source.path in COMMITTERS:
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.Attribute(attr="commit"):
                yield source.breach(node.lineno, "only what storage opens commits; open a work and let it end")
            case ast.Constant(value=str(text)) if text.strip(" ;").upper() == "COMMIT":
                yield source.breach(node.lineno, "only what storage opens commits; open a work and let it end")


def find_floats(source: Source) -> Iterator[Breach]:
    """Money and quantities are exact in core, models, rules and stores."""
    exact = source.is_rule or "core" in source.parts or source.parts[-1] in {"model.py", "store.py"}
    if not source.is_package or not exact:
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id="float") | ast.Constant(value=float()):
                yield source.breach(node.lineno, "no float here; use Decimal or integer minor units")


def find_long_files(source: Source) -> Iterator[Breach]:
    """A file is read in one sitting."""
    lines = source.text.count("\n")
    if source.suffix in {".py", *SCRIPTS} and lines > FILE_LINES_MAX and source.path not in LONG_FILES:
        sentence = f"{lines} lines; ask what the file decides and split it there (at most {FILE_LINES_MAX})"
        yield source.breach(FILE_LINES_MAX + 1, sentence)


def find_long_functions(source: Source) -> Iterator[Breach]:
    """A function fits on a screen, a rule on half of one."""
    if source.suffix != ".py" or "migrations" in source.parts:  # a migration is one list of tables, written once
        return
    most = TEST_LINES_MAX if source.parts[0] == "tests" else FUNCTION_LINES_MAX
    most = RULE_LINES_MAX if source.is_rule else most
    for node in ast.walk(source.tree):
        if isinstance(node, FUNCTIONS):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > most:
                yield source.breach(node.lineno, f"{node.name} has {lines} lines (at most {most})")


def find_bare_ignores(source: Source) -> Iterator[Breach]:
    """Who silences a check says which one and why."""
    if source.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT and IGNORE.search(token.string):
                bare = not REASONED_IGNORE.search(token.string)
                if bare:
                    yield source.breach(token.start[0], "an ignore names its code, then two spaces, `#` and the reason")
    elif source.suffix in SCRIPTS:
        for number, line in enumerate(source.text.splitlines(), 1):
            if SCRIPT_IGNORE.search(line) and not REASONED_SCRIPT_IGNORE.search(line):
                yield source.breach(number, "ignore one rule on the next line, then ` -- ` and the reason")


def find_banned_words(source: Source) -> Iterator[Breach]:
    """Names say what a thing does; these words say nothing."""
    if source.suffix not in {".py", *SCRIPTS}:
        return
    names = [(1, part.removesuffix(source.suffix)) for part in source.parts]
    if source.suffix == ".py":
        defined = [node for node in ast.walk(source.tree) if isinstance(node, DEFINITIONS)]
        names += [(node.lineno, node.name) for node in defined]
    for line, name in names:
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
        if words & BANNED_WORDS and name not in FOREIGN_NAMES:
            yield source.breach(line, f"{name}: say what it does; the word {min(words & BANNED_WORDS)} does not")


def find_places(source: Source) -> Iterator[Breach]:
    """The repository knows no machine and no registry."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            yield source.breach(number, "a path of one machine")
        if any(host in line for host in REGISTRIES):
            yield source.breach(number, "the host of a package registry")


CHECKS: tuple[Callable[[Source], Iterable[Breach]], ...] = (
    find_commits,
    find_floats,
    find_long_files,
    find_long_functions,
    find_bare_ignores,
    find_banned_words,
    find_places,
)


def find_poor_readmes(sources: Iterable[Source]) -> Iterator[Breach]:
    """Every feature says what it owns, what it does not own, and what always holds."""
    texts = {source.path: source.text for source in sources}
    for service in sorted(path for path in texts if re.fullmatch(r"src/sumac/\w+/service\.py", path)):
        readme = service.replace("service.py", "README.md")
        for heading in README_HEADINGS:
            if heading not in texts.get(readme, ""):
                yield Breach(readme, 1, f"a feature's README has the heading {heading}")


def find_untested_operations(sources: Iterable[Source]) -> Iterator[Breach]:
    """Every operation is called by its name in the tests that go through HTTP."""
    texts = {source.path: source.text for source in sources}
    tests = "\n".join(text for path, text in texts.items() if path.startswith("tests/api/"))
    for path, text in texts.items():
        if path.startswith("src/sumac/api/operations/"):
            for found in OPERATION.finditer(text):
                if f'"{found[1]}"' not in tests:
                    line = text.count("\n", 0, found.start()) + 1
                    yield Breach(path, line, f"no test in tests/api calls {found[1]}")


def read_sources(root: Path) -> list[Source]:
    """Every text file that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    sources = []
    for name in sorted(filter(None, listed.split("\0"))):
        path = root / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            sources.append(Source(name, content.decode()))
    return sources


def find_breaches(sources: list[Source]) -> list[Breach]:
    """Everything that every check finds."""
    found = [breach for source in sources for check in CHECKS for breach in check(source)]
    return [*found, *find_poor_readmes(sources), *find_untested_operations(sources)]


def main() -> None:
    """Prints what was found; the exit code says whether it was nothing."""
    breaches = find_breaches(read_sources(Path(__file__).parent.parent))
    for breach in breaches:
        print(breach)
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
