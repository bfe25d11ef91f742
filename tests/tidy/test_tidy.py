"""Each house rule of tools/tidy.py fires on a bad example, and stays silent on a good one beside it."""

from pathlib import Path

import pytest

from tools.tidy import CHECKS, Source, find_breaches, find_poor_readmes, find_untested_operations, read_sources

ROOT = Path(__file__).parent.parent.parent
FEATURE = "src/sumac/catalog"
RULE = f"{FEATURE}/rules/tiers.py"
SERVICE = f"{FEATURE}/service.py"
OPERATION = "src/sumac/api/operations/plans.py"
SCREEN = "dashboard/src/ui/Money.tsx"
NOQA = "# " + "noqa"
TYPE_IGNORE = "# " + "type: ignore"
NO_COVER = "# " + "pragma: no cover"
ESLINT = "// " + "eslint-disable"
TS_IGNORE = "// " + "@ts-ignore"
TS_EXPECT = "// " + "@ts-expect-error"


def breaches(path: str, text: str) -> list[str]:
    """The sentences of everything found in one file."""
    source = Source(path, text)
    return [breach.sentence for check in CHECKS for breach in check(source)]


def function(lines: int) -> str:
    """A function of so many lines."""
    return "def decide():\n" + "    step = 1\n" * (lines - 1)


def test_the_repository_is_tidy() -> None:
    """No house rule is broken as it stands."""
    assert [] == [str(breach) for breach in find_breaches(read_sources(ROOT))]


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        pytest.param(SERVICE, "async def add(c):\n    await c.commit()\n", "commits", id="a service commits"),
        pytest.param(SERVICE, 'SAY = "commit;"\n', "commits", id="a service says COMMIT"),
        pytest.param(RULE, "price = 0.5\n", "float", id="a float in a rule"),
        pytest.param(RULE, "def rate(x: float) -> None: ...\n", "float", id="float as a type in a rule"),
        pytest.param(f"{FEATURE}/model.py", "x = float(1)\n", "float", id="float() in a model"),
        pytest.param(f"{FEATURE}/store.py", "x = 1e3\n", "float", id="an exponent in a store"),
        pytest.param("src/sumac/core/money.py", "x = 1.0\n", "float", id="a float in core"),
        pytest.param(SERVICE, "x = 1\n" * 401, "401 lines", id="a long file"),
        pytest.param(SCREEN, "x;\n" * 401, "401 lines", id="a long screen"),
        pytest.param(SERVICE, function(61), "decide has 61 lines", id="a long function"),
        pytest.param(RULE, function(41), "decide has 41 lines", id="a long rule"),
        pytest.param("tests/api/test_x.py", function(101), "decide has 101 lines", id="a long test"),
        pytest.param(SERVICE, f"x = 1  {NOQA}\n", "reason", id="noqa of everything"),
        pytest.param(SERVICE, f"x = 1  {NOQA}: E501\n", "reason", id="noqa without a reason"),
        pytest.param(SERVICE, f"x = 1  {TYPE_IGNORE}  # why\n", "reason", id="a type ignore without a code"),
        pytest.param(SERVICE, f"x = 1  {TYPE_IGNORE}[misc]\n", "reason", id="a type ignore without a reason"),
        pytest.param(SERVICE, f"x = 1  {NO_COVER}\n", "reason", id="no cover without a reason"),
        pytest.param(SCREEN, f"{ESLINT}\n", "reason", id="eslint off for a whole file"),
        pytest.param(SCREEN, f"{ESLINT}-next-line no-console\n", "reason", id="eslint off without a reason"),
        pytest.param(SCREEN, f"{TS_IGNORE} because\n", "reason", id="a TypeScript ignore"),
        pytest.param("src/sumac/core/utils.py", "", "utils", id="a module called utils"),
        pytest.param(SERVICE, "class PlanManager: ...\n", "manager", id="a class called manager"),
        pytest.param(SERVICE, "def plan_helper() -> None: ...\n", "helper", id="a function called helper"),
        pytest.param("dashboard/src/common/Money.tsx", "", "common", id="a folder called common"),
        pytest.param("README.md", "see /" + "home/ann/sumac\n", "machine", id="a path of a machine"),
        pytest.param("deploy/notes.md", "cd /" + "tmp/sumac\n", "machine", id="a temporary path"),
        pytest.param("requirements.lock", "--index-url https://pypi" + ".org/simple\n", "registry", id="an index"),
        pytest.param("dashboard/package-lock.json", "https://registry.npm" + "js.org/x\n", "registry", id="npm's host"),
    ],
)
def test_a_breach_is_found(path: str, text: str, words: str) -> None:
    """Exactly the rule that the example breaks fires, once."""
    found = breaches(path, text)

    assert 1 == len(found)
    assert words in found[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("src/sumac/storage/work.py", "async def end(c):\n    await c.commit()\n", id="the work commits"),
        pytest.param(RULE, "price = Decimal('0.5')\n", id="a decimal in a rule"),
        pytest.param(OPERATION, "timeout = 0.5\n", id="seconds outside the domain"),
        pytest.param(SERVICE, function(60), id="a function that fills the screen"),
        pytest.param(RULE, function(40), id="a rule that fills half of one"),
        pytest.param(SERVICE, f"x = 1  {NOQA}: E501, S101  # a table\n", id="noqa with codes and a reason"),
        pytest.param(SERVICE, f"x = 1  {TYPE_IGNORE}[arg-type]  # JSON\n", id="a type ignore with both"),
        pytest.param(SERVICE, f"x = 1  {NO_COVER}  # Windows only\n", id="no cover with a reason"),
        pytest.param(SERVICE, 'x = "# ' + 'noqa"\n', id="a text is no comment"),
        pytest.param(SCREEN, f"{ESLINT}-next-line no-console -- the log\n", id="eslint off with a reason"),
        pytest.param(SCREEN, f"{ESLINT}-next-line a/b, c/d -- theirs\n", id="two rules off with a reason"),
        pytest.param(SCREEN, f"{TS_EXPECT} untyped library\n", id="an expected error with a reason"),
        pytest.param(SERVICE, "def utilization() -> None: ...\n", id="a word that only begins like one"),
        pytest.param("README.md", "GET /v1/home/x and https://example.com/work/x\n", id="a path of an address"),
    ],
)
def test_what_is_right_is_not_reported(path: str, text: str) -> None:
    """The rules do not fire on their own good examples."""
    assert [] == breaches(path, text)


def test_a_feature_without_a_whole_readme_is_found() -> None:
    """Each heading that is missing is named."""
    partly = Source(f"{FEATURE}/README.md", "# Catalog\n\n**Owns** plans.\n")

    alone = [breach.sentence for breach in find_poor_readmes([Source(SERVICE, "")])]
    half = [breach.sentence for breach in find_poor_readmes([Source(SERVICE, ""), partly])]

    assert 3 == len(alone)
    assert 2 == len(half)
    assert "**Invariants**" in half[1]


@pytest.mark.parametrize(
    "decorator", ['@router.operation("plans.get", scope="plans:read")', '@router.post(\n    "/v1/plans.get")']
)
def test_an_operation_without_a_test_is_found(decorator: str) -> None:
    """A test calls it by its name; a longer name that begins alike is another one's."""
    operation = Source(OPERATION, f"{decorator}\nasync def get() -> None: ...\n")
    other = Source("tests/api/test_plans.py", 'api.call("plans.get_all")\n')
    called = Source("tests/api/test_plans.py", 'api.call("plans.get")\n')

    missing = list(find_untested_operations([operation, other]))

    assert [f"{OPERATION}:1: no test in tests/api calls plans.get"] == [str(each) for each in missing]
    assert [] == list(find_untested_operations([operation, called]))
