"""The house in order: what the documents say is what the code is, and no file has grown out of its place.

`.venv/bin/python tests/test_house.py` writes the generated parts of the documents anew: the tree in ARCHITECTURE.md,
the tables of docs/settings.md, docs/operations.md and docs/providers.md, what docs/add-a-provider.md shows.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grimp
import yaml
from fastapi import FastAPI
from typer.main import get_command

from adapters.registry import DIALECTS, load_catalog
from gateway import api, telemetry
from gateway.cli import app as command_line
from gateway.main import VERSION
from gateway.problems import Problem
from gateway.settings import Settings
from tests.provider_page import provider_page

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("adapters", "router", "gateway", "dashboard")
CODE = (*PACKAGES, "alembic", "benchmarks", "tests")
FOLDERS = {
    "adapters": "The lowest floor: one schema, and how each provider's wire protocol maps onto it.",
    "adapters/catalog": "Data: models/<maker>.yaml, units.yaml, providers/<name>.yaml, and schema.json for editors.",
    "adapters/dialects": "One file for each wire protocol: pure functions from a request to a call, from a reply on.",
    "router": "Pure judgement: numbers in, a decision out.",
    "gateway": "The promise to callers: jobs, money, keys, and the append-only logs.",
    "gateway/assets": "Media that we keep: named by their hash, measured, signed for.",
    "gateway/attempts": "Runs at a provider: one row each, with its next call, until it ends.",
    "gateway/catalog": "What can be had here, and what is believed of it.",
    "gateway/commands": "What each command of `podium` does.",
    "gateway/jobs": "Promises to callers, from the first hold to the last settlement.",
    "gateway/keys": "Who calls.",
    "gateway/ledger": "Money: double entry in nano-dollars.",
    "gateway/routing": "From a body to a kept decision.",
    "gateway/snapshots": "What the world said, and when.",
    "gateway/snapshots/starter": "Data: the standings of leaderboards that a first start believes.",
    "alembic": "Migrations: env.py, and versions/, from the first table on.",
    "benchmarks": "`make bench`: the gateway beside a bare pass-through, in one run.",
    "tests": "Mirrors the code; transcripts/ holds the conversations with providers, stories/ whole lives of requests.",
    "docs": "Explanations, tutorials, references, and decisions/.",
}
"""What a folder is, where its own `__init__.py` says nothing."""

LINES_MOST, FUNCTION_LINES_MOST = 400, 70
DIALECT_LINES_MOST = 150
"""A longer one is two dialects in one file, or holds what belongs to several."""
LONG = {
    "adapters/http.py": "the one file that may open connections",
    "adapters/schema.py": "the nouns that everything shares; a reader finds them in one place",
    "gateway/client.py": "one client twice, sync and async, and the values that both answer with",
    "gateway/jobs/endings.py": "what follows when an attempt ends: one decision, in one transaction, read together",
    "tests/adapters/test_http.py": "one server with many vices; its cases share it",
    "tests/gateway/sandbox/test_server.py": "one running sandbox; its cases share it",
    "tests/stories/test_workflows.py": "one gateway of each kind; its stories share it",
}
"""Files and functions that are longer, and why. Migrations are as long as their tables: alembic writes them."""

ASKED_BY_NAME = {"adapters/signing.py": {"bedrock"}}
"""Amazon's name of a service, which its hosts spell in several ways; every service of theirs is signed for there."""

NOT_IMPORTED = {
    "dashboard.app": "run by Streamlit, for each look at a page",
    "dashboard.server": "run by `podium dashboard`",
    "gateway.cli": "the command `podium`",
    "gateway.client": "for other people's programs",
    "gateway.sandbox.__main__": "`python -m gateway.sandbox`",
}
VENDOR_SDKS = frozenset({
    "anthropic", "boto3", "cohere", "fal", "fal_client", "google", "groq", "huggingface_hub", "litellm", "mistralai",
    "ollama", "openai", "replicate", "runwayml", "stability_sdk", "together", "xai_sdk",
})  # fmt: skip
"""A provider's protocol is data here; its own library belongs, at most, into a test of a door."""

HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"), ("anaconda", "org"),
    )
)  # fmt: skip
PLACES = ("/".join(("", "work", "")), "/".join(("..", "shared")), "/".join(("", "root", "")))
"""Neither where we happened to build, nor where packages happened to come from, is a user's business."""


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def first_sentence(path: Path) -> str | None:
    """The first sentence of a module's docstring, on one line."""
    words = ast.get_docstring(tree_of(path))
    paragraph = " ".join((words or "").partition("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", paragraph)[0] or None


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def folder_line(folder: Path) -> str | None:
    init = folder / "__init__.py"
    return (first_sentence(init) if init.is_file() else None) or FOLDERS.get(named(folder))


def entries(folder: Path, depth: int) -> Iterator[tuple[str, str]]:
    """(indented name, what it is) of a folder and of all in it: files first, then folders, each by name."""
    yield f"{'  ' * depth}{folder.name}/", folder_line(folder) or "?"
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield f"{'  ' * (depth + 1)}{path.name}", first_sentence(path) or "?"
    for path in sorted(folder.iterdir()):
        if path.is_dir() and (list(path.glob("*.py")) or named(path) in FOLDERS):
            yield from entries(path, depth + 1)


def tree() -> str:
    lines = [line for package in PACKAGES for line in entries(ROOT / package, 0)]
    lines += [(f"{folder}/", FOLDERS[folder]) for folder in ("alembic", "benchmarks", "tests", "docs")]
    return "\n".join(["```text", *(f"{name:<26}{what}" for name, what in lines), "```"])


def settings_table() -> str:
    rows = [
        f"| `PODIUM_{name.upper()}` | {default_of(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def default_of(value: object) -> str:
    return "none" if value is None else f"`{value}`"


def providers_table() -> str:
    rows = [
        f"| {card.title} | `{card.key_env or 'none needed'}` | `{moved(card.name)}` | {len(card.offers)} |"
        for card in load_catalog().cards.values()
    ]
    return "\n".join(["| provider | its key | to call it elsewhere | offers |", "| --- | --- | --- | --- |", *rows])


def moved(name: str) -> str:
    return f"PODIUM_PROVIDER_{name.upper().replace('-', '_')}_BASE_URL"


def dialects_table() -> str:
    lines = [f"| `{name}` | {first_sentence(ROOT / f'adapters/dialects/{name}.py')} |" for name in sorted(DIALECTS)]
    return "\n".join(["| dialect | what it speaks |", "| --- | --- |", *lines])


def callbacks_table() -> str:
    rows = [
        f"| {card.title} | {card.callbacks.replace('_', ' ')} | {f'`{secret}`' if secret else 'none needed'} |"
        for card in load_catalog().cards.values()
        if card.callbacks
        for secret in [card.callback_secret_env]
    ]
    return "\n".join(["| provider | signed | its secret |", "| --- | --- | --- |", *rows])


def shown(file: str) -> str:
    return f"```yaml\n{document(file)}```"


GENERATED = {
    ("ARCHITECTURE.md", "tree"): tree,
    ("docs/settings.md", "settings"): settings_table,
    ("docs/settings.md", "providers"): providers_table,
    ("docs/providers.md", "cards"): lambda: provider_page(load_catalog()),
    ("docs/operations.md", "callbacks"): callbacks_table,
    ("docs/add-a-provider.md", "dialects"): dialects_table,
    ("docs/add-a-provider.md", "card"): lambda: shown("adapters/catalog/providers/deepseek.yaml"),
    ("docs/add-a-provider.md", "done"): lambda: shown("tests/transcripts/openai_chat/deepseek_done.yaml"),
    ("docs/add-a-provider.md", "no money"): lambda: shown("tests/transcripts/openai_chat/deepseek_no_money.yaml"),
}
"""Parts of documents between `<!-- name -->` and `<!-- /name -->`."""


def part(text: str, name: str) -> re.Match[str]:
    found = re.search(rf"(?<=<!-- {name} -->\n).*?(?=\n?<!-- /{name} -->)", text, re.DOTALL)
    assert found, f"there are no marks <!-- {name} --> … <!-- /{name} -->"
    return found


def write() -> None:
    for (file, name), make in GENERATED.items():
        path = ROOT / file
        text = path.read_text(encoding="utf-8")
        found = part(text, name)
        path.write_text(text[: found.start()] + make() + text[found.end() :], encoding="utf-8")


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_generated_parts_of_the_documents_are_what_the_code_says():
    for (file, name), make in GENERATED.items():
        told = f"{file} ({name}) is out of date: run .venv/bin/python tests/test_house.py"
        assert part(document(file), name)[0] == make(), told


def test_every_module_opens_with_a_sentence_and_every_folder_has_one():
    silent = [named(path) for path in sources(*PACKAGES, "benchmarks") if path.read_text() and not first_sentence(path)]
    assert silent == []
    assert "?" not in [what for package in PACKAGES for _, what in entries(ROOT / package, 0)]


def test_every_dialect_is_registered_and_tells_of_success_failure_refusal_and_nonsense():
    files = {path.stem for path in sources("adapters/dialects")} - {"__init__"}
    folders = {path.name: path for path in (ROOT / "tests/transcripts").iterdir()}
    assert files == set(DIALECTS) == set(folders)
    for dialect, folder in folders.items():
        ends = [yaml.safe_load(path.read_text())["ends"] for path in folder.glob("*.yaml")]
        told = {end["error"]["fault"] if end["state"] == "failed" else end["state"] for end in ends}
        assert told >= {"done", "provider_fault", "content_rejected", "bad_reply"}, dialect


def test_every_metric_is_described_for_operators():
    told = document("docs/operations.md")
    for metric in telemetry.REGISTRY.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        assert f"`{name}`" in told, f"docs/operations.md does not say what {name} is"


def test_every_path_and_every_problem_is_in_the_reference():
    told = document("docs/api.md")
    app, unknown = FastAPI(), SimpleNamespace(db=None)
    parts: Any = SimpleNamespace(
        jobs=None, workflows=None, arena=None, engines=None, assets=None, callbacks=None, db=None, routing=None,
        supply=None, keyring=unknown, settings=None,
    )  # fmt: skip
    api.mount(app, parts)
    api.add_probes(app, lambda: None)  # type: ignore[arg-type,return-value]
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            assert f"| `{method.upper()} {path}` |" in told, f"docs/api.md lacks {method} {path}"
    for problem in Problem.__subclasses__():
        assert f"`{problem.code}` | {problem.status}" in told, f"docs/api.md lacks the problem {problem.code}"


def test_every_command_in_the_documents_exists():
    known = set(get_command(command_line).commands)  # type: ignore[attr-defined]
    verbs = set(re.findall(r"^([a-z]+):", document("Makefile"), re.MULTILINE))
    for path in documents():
        code = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", path.read_text(), re.DOTALL))
        code += "\n" + "\n".join(re.findall(r"`([^`\n]+)`", path.read_text()))
        assert set(re.findall(r"^(?:\.venv/bin/)?podium ([a-z]+)", code, re.MULTILINE)) <= known, named(path)
        assert set(re.findall(r"^make ([a-z]+)", code, re.MULTILINE)) <= verbs, named(path)


def test_every_link_between_documents_leads_somewhere():
    for path in documents():
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)|(?:src|srcset)=\"([^\":]+)\"", path.read_text()):
            target = path.parent / (link[0] or link[1])
            assert target.exists(), f"{named(path)} links to {link}, which is not there"


def test_no_module_is_left_that_nothing_imports():
    alone = {
        module
        for module in graph().modules
        if module.partition(".")[0] in PACKAGES
        and not graph().find_modules_that_directly_import(module)
        and not graph().find_children(module)
    }
    empty = {package for package in PACKAGES if not graph().find_children(package)}
    assert alone - empty == set(NOT_IMPORTED)


def test_no_vendors_library_is_in_the_product():
    foreign = {module for module in graph().modules if module.partition(".")[0] not in PACKAGES}
    assert not foreign & VENDOR_SDKS
    wanted = tomllib.loads(document("pyproject.toml"))["project"]["dependencies"]
    assert not {re.split(r"[^\w-]", each)[0].replace("-", "_") for each in wanted} & VENDOR_SDKS


def test_migrations_know_nothing_of_the_gateway_but_its_tables():
    allowed = re.compile(r"gateway(\.\w+\.tables|\.settings|\.db)?")
    for path in sources("alembic"):
        for node in ast.walk(tree_of(path)):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            ours = [name for name in names if name.partition(".")[0] in PACKAGES]
            assert all(allowed.fullmatch(name) for name in ours), f"{named(path)} imports {ours}"


def test_what_is_long_has_a_reason():
    long = {named(path) for path in sources(*CODE) if len(path.read_text().splitlines()) > LINES_MOST}
    for path in sources(*CODE):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                is_long = lines > FUNCTION_LINES_MOST and path.parent.name != "versions"
                long |= {f"{named(path)}: {node.name}"} if is_long else set()
    assert long == set(LONG)


def test_no_dialect_has_grown_out_of_its_file():
    lines = {named(path): len(path.read_text().splitlines()) for path in sources("adapters/dialects")}
    assert {name: count for name, count in lines.items() if count > DIALECT_LINES_MOST} == {}


def names_asked_for(tree: ast.AST, names: frozenset[str]) -> set[str]:
    """Which of these names a condition or a pattern asks for."""
    asked: list[ast.AST] = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare() | ast.MatchValue():
                asked.append(node)
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                asked.append(test)
    said = (each for one in asked for each in ast.walk(one))
    return {each.value for each in said if isinstance(each, ast.Constant) and each.value in names}


def test_no_provider_is_asked_for_by_name_outside_its_dialect():
    """A door may: it speaks a vendor's own protocol."""
    names = frozenset(load_catalog().cards)
    found = {
        named(path): asked
        for path in sources("adapters", "router", "gateway", "dashboard")
        if named(path.parent) != "adapters/dialects" and "gateway/doors" not in named(path)
        if (asked := names_asked_for(tree_of(path), names))
    }
    assert found == ASKED_BY_NAME


def test_nothing_says_where_it_was_built_or_where_packages_come_from():
    whole = [path for folder in (*CODE, "docs", "deploy", ".ci") for path in (ROOT / folder).rglob("*")]
    single = [path for path in ROOT.iterdir() if path.name != ".env"]
    for path in [*whole, *single]:
        if path.is_file() and "__pycache__" not in path.parts:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [word for word in (*HOSTS, *PLACES) if word in text], named(path)


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads(document("pyproject.toml"))["project"]["version"]
    newest = re.search(r"^## (\d+\.\d+\.\d+)", document("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert project == VERSION == newest[1]


if __name__ == "__main__":
    write()
