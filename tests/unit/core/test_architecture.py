"""The shape of the code, kept by a test: who imports whom, and how long a thing may grow.

import-linter (in pyproject.toml) reads the source; this test imports for real, in a fresh
interpreter, because a lazy import or a library's own imports can undo what the source promises.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import core
import core.model
import virtdeck
from tests.places import ROOT_DIRECTORY as ROOT

PRODUCT = sorted(
    path for top in ("core", "console") for path in (ROOT / top).rglob("*.py") if path.is_file()
)
MODULE_LINES = 300
FUNCTION_LINES = 40
PUBLIC_METHODS = 15


def loaded_after(code: str) -> set[str]:
    """Return the modules a fresh interpreter holds after it ran some code."""
    show = "import sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(result.stderr.split())


def loaded_by(module: str) -> set[str]:
    """Return the modules a fresh interpreter holds after importing one."""
    return loaded_after(f"import {module}")


def loaded_by_command(*arguments: str) -> set[str]:
    """Return the modules a fresh interpreter holds after a command, which must succeed."""
    return loaded_after(f"from console.cli.root import run; assert run({arguments!r}) == 0")


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("core", {"textual", "rich", "libvirt", "click"}),
        ("core.fleet", {"textual", "rich", "libvirt", "click"}),
        ("core.state.store", {"textual", "rich", "libvirt", "sqlite3"}),
        ("core.journal.replay", {"textual", "rich", "libvirt"}),
        ("console.cli", {"textual", "rich", "libvirt"}),
        ("core.model", {"msgspec", "core.model.base"}),
        ("core.engine", {"msgspec", "asyncio"}),
        ("core.state", {"msgspec", "core.model"}),
        ("core.fleet_migration_hosts", {"http.client", "email.parser", "xml.sax"}),
        # what opens hosts or plays a tape is loaded by whoever opens one
        ("console.shell.app", {"libvirt", "lxml", "sqlite3", "core.fleet", "core.journal"}),
    ],
)
def test_importing_a_module_brings_nothing_it_must_not_need(
    module: str, forbidden: set[str]
) -> None:
    assert not loaded_by(module) & forbidden


def test_the_help_costs_no_more_than_the_command_line() -> None:
    loaded = loaded_by_command("--help")
    assert not loaded & {"asyncio", "textual", "rich", "libvirt", "lxml", "sqlite3", "difflib"}
    # the verbs are listed from their declarations, which stand on the model and the state
    parts = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("core.")}
    assert parts <= {
        *("core.directories", "core.errors", "core.model", "core.state", "core.verbs"),
    }


def test_a_console_loads_what_carries_out_migrations_when_there_is_one(tmp_path: Path) -> None:
    opened = f"""
import asyncio
from pathlib import Path
from core.fleet import Fleet
journal = Path({str(tmp_path / "journal.db")!r})
async def opened():
    async with Fleet.open(["test:///default"], journal=journal) as fleet:
        assert await fleet.ready() and not fleet.read_only
asyncio.run(opened())
"""
    loaded = loaded_after(opened)
    assert {"core.migration.execution.table", "core.engine.runner", "libvirt"} <= loaded
    assert not loaded & {
        "core.migration.execution.drain", "core.migration.execution.tracker",
        "core.migration.execution.workflow", "core.migration.forecast.forecast",
        "core.migration.plan.plan", "core.migration.policies", "core.migration.preflight.judge",
        "core.xml.rewrite",
    }  # fmt: skip


def test_every_name_of_the_model_is_where_the_package_looks_for_it() -> None:
    for name in core.model.__all__:
        assert getattr(core.model, name) is not None, name
    assert set(core.model.__all__) == set(core.model._HOMES)


def test_the_library_has_the_programs_name_too() -> None:
    assert all(getattr(virtdeck, name) is getattr(core, name) for name in virtdeck.__all__)
    assert {"Fleet", "Start", "VERBS"} <= set(virtdeck.__all__)
    assert not loaded_by("virtdeck") & {"libvirt", "msgspec", "asyncio"}


def nodes(path: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_outgrows_a_reader(path: Path) -> None:
    too_big = []
    if (lines := path.read_text().count("\n")) > MODULE_LINES:
        too_big.append(f"module: {lines} lines")
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                too_big.append(f"{node.name}: {length} lines")
        if isinstance(node, ast.ClassDef) and (count := len(public_methods(node))) > PUBLIC_METHODS:
            too_big.append(f"{node.name}: {count} public methods")
    assert not too_big


def public_methods(node: ast.ClassDef) -> set[str]:
    """The names that a class adds or overrides, those that Textual calls by name among them.

    A property is one name, with its setter. What a handler is called is nobody's business: `@on`
    may stand over a private one.
    """
    return {
        item.name
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
        and not item.name.startswith("_")
    }


def test_no_class_is_cut_in_pieces_by_inheritance() -> None:
    """A base with one child only that nobody makes one of holds a part of the child.

    What is made on its own, with a call, is a kind of its own: a question, an error.
    """
    children: defaultdict[str, list[str]] = defaultdict(list)
    here, made = set(), set()
    for node in (node for path in PRODUCT for node in nodes(path)):
        if isinstance(node, ast.ClassDef):
            here.add(node.name)
            for base in node.bases:
                children[_last_name(base)].append(node.name)
        elif isinstance(node, ast.Call):
            made.add(_last_name(node.func))
    parts = {name for name in here - made if len(children[name]) == 1}
    assert not {name: children[name] for name in parts}


def _last_name(node: ast.expr) -> str:
    """`b` of `a.b` and of `b[c]`; empty: it is no name."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Subscript():
            return _last_name(node.value)
        case _:
            return ""


def test_a_class_has_a_name_of_its_own() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in PRODUCT:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_the_layout_is_the_one_newcomers_are_told() -> None:
    for name in ("core", "console/screens", "console/widgets", "themes", "tests", "dev"):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_promises_what_a_process_that_ends_cannot_do(path: Path) -> None:
    """A command prints the core's sentences and ends: nothing is told "here" afterwards."""
    tree = list(nodes(path))
    explained = {id(node.value) for node in tree if isinstance(node, ast.Expr)}
    said = [
        node.value
        for node in tree
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in explained
    ]
    assert not [text for text in said if "told here" in text or "is told as soon" in text]


def name_of(path: Path) -> str:
    """Return the name by which a module is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_at_once(path: Path, modules: set[str]) -> set[str]:
    """Return what a module cannot be imported without, and the packages above each of these."""
    found = set()
    for node in ast.parse(path.read_text()).body:  # what stands in a function or below `if` is late
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(module)):
                found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    own = f"{name_of(path)}."
    above = {name.rsplit(".", depth)[0] for name in found for depth in range(name.count(".") + 1)}
    # a package that is being imported is there for its own modules
    return {name for name in above & modules if not own.startswith(f"{name}.")}


def test_any_module_can_be_the_first_that_is_imported() -> None:
    """A circle of imports fails only for who enters it at the wrong end: a script, a test alone."""
    modules = {name_of(path) for path in PRODUCT}
    graph = {name_of(path): imported_at_once(path, modules) for path in PRODUCT}
    TopologicalSorter(graph).prepare()  # CycleError names the circle
