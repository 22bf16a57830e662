"""The plan of the house, kept by tests."""

import ast
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from callboard.config import Settings, described
from web.app import create_app

ROOT = Path(__file__).parent.parent
OURS = ("callboard", "web", "workers", "bench")
SAFE = {"GET", "HEAD", "OPTIONS"}
SCREEN = 40  # lines
QUICK = [f"tests/{folder}" for folder in ("domain", "api", "pages", "stories")]


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "piccolo_migrations" not in path.parts:
                yield path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "common", "service", "manager", "misc"}
    assert not [path for path in python_files(*OURS) if path.stem in drawers]


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{function.name}": lines
        for path in python_files(*OURS)
        for function in functions(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > SCREEN
    }
    assert not long


def test_each_test_shows_what_it_asserts() -> None:
    blind = [
        f"{path.relative_to(ROOT)}:{function.name}"
        for path in python_files(*QUICK)
        for function in functions(path)
        if function.name.startswith("test_")
        and not any(map(is_check, ast.walk(function)))
    ]
    assert not blind


def is_check(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return True
    called = node.func if isinstance(node, ast.Call) else None
    name = getattr(called, "attr", None) or getattr(called, "id", None)
    return name in {"raises", "eventually", "expect"}


def test_the_environment_is_read_at_the_doors_only() -> None:
    may = {
        "callboard/__init__.py",
        "callboard/commands.py",
        "callboard/database/engines.py",
        "callboard/piccolo_conf.py",
        "callboard/processes/supervisor.py",
        "callboard/processes/tied.py",
        "callboard/processes/up.py",
        "web/__main__.py",
        "web/app.py",
        "workers/__main__.py",
    }
    reads = {
        str(path.relative_to(ROOT))
        for path in python_files("callboard", "web", "workers")
        if re.search(r"os\.(environ|getenv)", path.read_text())
    }
    assert reads <= may


def test_only_the_ledger_rooms_change_the_state_of_a_delivery() -> None:
    changes = re.compile(r"UPDATE delivery|Delivery\.update")
    where = {
        str(path.relative_to(ROOT))
        for path in python_files("callboard", "web", "workers")
        if changes.search(path.read_text())
    }
    assert where == {
        "callboard/delivery/acts.py",
        "callboard/delivery/buckets.py",
        "callboard/delivery/following/holding.py",
        "callboard/delivery/following/letting_go.py",
        "callboard/delivery/freeing.py",
        "callboard/delivery/ledger/leases.py",
        "callboard/delivery/ledger/records.py",
        "callboard/delivery/ledger/riding.py",
        "callboard/delivery/runs/aligning.py",
        "callboard/delivery/runs/ending.py",
        "callboard/delivery/runs/starting.py",
        "callboard/delivery/runs/superseding.py",
    }


def test_readme_lists_every_setting_with_its_default_and_purpose() -> None:
    readme = (ROOT / "README.md").read_text()
    row = re.compile(r"^\| `([A-Z_]+)` \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
    rows = [tuple(cell.replace("`", "") for cell in row) for row in row.findall(readme)]
    assert rows == [
        (name.upper(), each.default or "–", each.purpose)
        for name, each in described().items()
    ]


def test_readme_maps_every_room_and_no_other() -> None:
    rows = re.findall(r"^\| ([^|]*) \|", house_map(), re.MULTILINE)
    mapped = [name for row in rows for name in re.findall(r"`([a-z_.]+)/?`", row)]
    top = [path for path in ROOT.iterdir() if (path / "__init__.py").exists()]
    rooms = [path for path in (ROOT / "callboard").iterdir() if _is_room(path)]
    names = [path.name for path in (*top, *rooms)]
    data = ["templates", "static"]
    assert sorted(mapped) == sorted({*names, *data} - {"callboard"})


def test_readme_names_only_files_that_are_there() -> None:
    named = re.findall(r"`([a-z_/]+\.py)`", house_map())
    missing = [
        name
        for name in named
        if not any((place / name).exists() for place in (ROOT, ROOT / "callboard"))
    ]
    assert named
    assert not missing


def house_map() -> str:
    return (ROOT / "README.md").read_text().partition("In `callboard/` is")[2]


def _is_room(path: Path) -> bool:
    """Piccolo's modules stand where it looks for them."""
    if path.name.startswith(("_", "piccolo")):
        return False
    return path.suffix == ".py" or (path / "__init__.py").exists()


def test_each_dependency_has_a_word_on_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert listed
    assert all("# " in line for line in listed[1].splitlines())


@pytest.fixture(scope="module")
def app() -> Litestar:
    return create_app(
        Settings.read({"SECRET_KEY": "x" * 40, "DATABASE_URL": "sqlite:////nowhere"})
    )


def test_every_page_that_changes_something_is_guarded_against_forgery(
    app: Litestar,
) -> None:
    free = {
        route.path
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.http_methods - SAFE and handler.opt.get("exclude_from_csrf")
    }
    # Where the token in the path is the right, and a mail program has no cookie.
    links = {"/activate/{token:str}", "/unsubscribe/{token:str}"}
    assert {path for path in free if not path.startswith("/api/")} == links


def test_what_others_wrote_is_as_they_published_it() -> None:
    """The sums are those of the files in the npm packages of these versions."""
    vendor = ROOT / "static" / "vendor"
    lines = (vendor / "SHA256SUMS").read_text().splitlines()
    noted = {name: digest for digest, name in map(str.split, lines)}
    found = {p.name: sha256(p.read_bytes()).hexdigest() for p in vendor.glob("*.js")}
    assert found == noted
    assert all((vendor / f"{name.split('-')[0]}.LICENSE").exists() for name in noted)


def test_nothing_on_a_page_comes_from_elsewhere() -> None:
    pages = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static").glob("*.*s")]
    elsewhere = re.compile(r"""(?:src=|url\(|<link[^>]*href=)\s*["']?(?:https?:)?//""")
    assert not [path for path in pages if elsewhere.search(path.read_text())]


def test_no_page_needs_inline_scripts_or_styles() -> None:
    inline = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=")
    found = {
        str(path.relative_to(ROOT)): inline.findall(path.read_text())
        for path in (ROOT / "templates").rglob("*.html")
    }
    assert not {path: hits for path, hits in found.items() if hits}
