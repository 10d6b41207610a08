"""Imports point inward, the documents say what the code does, and each function imports only what it needs."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COMMERCE = ROOT / "layers" / "common" / "commerce"
SHARED = {"kernel", "table", "http", "operations", "events", "counters"}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def breaches(files: Iterator[Path] | list[Path], forbidden: str) -> list[str]:
    """``file imports module`` for every import that matches ``forbidden``."""
    pattern = re.compile(forbidden)
    return sorted(
        {
            f"{file.relative_to(ROOT)} imports {module}"
            for file in files
            for module in imports(file)
            if pattern.match(module)
        }
    )


def files(pattern: str) -> list[Path]:
    found = sorted(COMMERCE.glob(pattern))
    assert found, pattern
    return found


@pytest.mark.parametrize(
    ("pattern", "forbidden"),
    [
        # A model is pure: no storage, no HTTP, no AWS, no Stripe, no use case.
        (
            "*/model.py",
            r"(boto|pynamodb|pydantic|aws_lambda|stripe|commerce\.(http|table)|commerce\.\w+\.(use_cases|store|contracts))",
        ),
        # The kernel knows nobody.
        ("kernel/*.py", r"commerce\.(?!kernel)"),
        # A store knows the table, never HTTP, contracts or use cases.
        ("*/store.py", r"(aws_lambda|pydantic|stripe|commerce\.http|commerce\.\w+\.(use_cases|contracts))"),
        # Use cases know neither API Gateway nor how rows are written.
        (
            "*/use_cases.py",
            r"(aws_lambda|pydantic|pynamodb|botocore|boto3|stripe|commerce\.http|commerce\.\w+\.contracts)",
        ),
        # The table layer knows no context, HTTP knows no table.
        ("table/*.py", r"commerce\.(?!kernel|table)"),
        ("http/*.py", r"(pynamodb|botocore|commerce\.table|commerce\.\w+\.store)"),
    ],
)
def test_imports_point_inward(pattern: str, forbidden: str) -> None:
    assert breaches(files(pattern), forbidden) == []


def test_only_the_gateway_imports_stripe() -> None:
    others = [file for file in COMMERCE.rglob("*.py") if file.name != "stripe_gateway.py"]
    handlers = list((ROOT / "functions").rglob("*.py"))

    assert breaches([*others, *handlers], r"stripe($|\.)") == []


def test_only_keys_builds_keys() -> None:
    for file in COMMERCE.rglob("*.py"):
        if file.name != "keys.py":
            assert not re.search(r"""["'](T#|#PRODUCT|#ORDER|#CART)""", file.read_text()), file


def test_handlers_hold_no_rule_and_no_key() -> None:
    for file in (ROOT / "functions").rglob("*.py"):
        text = file.read_text()
        assert len(text.splitlines()) <= 85, file
        assert breaches([file], r"(pynamodb|commerce\.table\.(keys|rows|reading))") == []
        assert "#" not in re.sub(r"(?m)#.*$", "", text), file


def test_packages_are_empty_and_modules_shadow_no_library() -> None:
    libraries = {"stripe", "boto3", "botocore", "pynamodb", "pydantic", "jwt", "commerce", "simplejson", "uuid6"}
    for file in [*COMMERCE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        if file.name == "__init__.py":
            assert file.read_text() == "", file
        assert file.stem not in libraries, file
        if COMMERCE not in file.parents:
            assert file.parent.name not in libraries, file


def test_the_access_patterns_are_the_ones_the_stores_cite() -> None:
    document = (COMMERCE / "table" / "ACCESS_PATTERNS.md").read_text()
    lines = re.findall(r"^\| ([A-Z]\d+) \|", document, re.MULTILINE)
    listed = set(lines)
    cited = {
        pattern
        for file in COMMERCE.rglob("*.py")
        for group in re.findall(r"\(([A-Z]\d[^)]*)\)|patterns? ([A-Z]\d[^).]*)", file.read_text())
        for pattern in _expand("".join(group))
    }

    assert cited - listed == set(), "cited and not listed"
    assert listed - cited == set(), "listed and not cited"
    assert len(listed) == len(lines), "listed twice"


def test_the_entities_are_the_ones_the_code_stores() -> None:
    document = (COMMERCE / "table" / "ACCESS_PATTERNS.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE))
    stored = {
        kind for file in COMMERCE.rglob("*.py") for kind in re.findall(r'discriminator="(\w+)"', file.read_text())
    }

    assert stored == listed


def _expand(text: str) -> set[str]:
    """``O1, O4`` and ``P1–P4`` as single patterns; a word that only looks like one is none."""
    found: set[str] = set()
    for first, last in re.findall(r"\b([A-Z]\d+)(?:[\u2013\u2026]([A-Z]?\d+))?\b", text):
        if last:
            letter, start, end = first[0], int(first[1:]), int(last.lstrip(first[0]))
            found |= {f"{letter}{number}" for number in range(start, end + 1)}
        else:
            found.add(first)
    return found


def test_a_function_without_payments_does_not_load_stripe() -> None:
    code = (
        "import sys; sys.path[:0] = ['layers/common', 'functions/storefront/carts']; import checkout_cart; "
        "print([name for name in ('stripe', 'jwt', 'cryptography', 'boto3', 'aws_xray_sdk') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
