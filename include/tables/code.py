"""The code behind a result: the modules that an entry imports, and a digest of what they do.

Found in the sources, nothing is run. A digest sees what a module does: docstrings, comments and
layout are left out of it. Modules of libraries are left out, too; their versions are in the lock.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from include.tables.digests import KEY_LENGTH, digest_key

PROJECT: Final = __name__.partition(".")[0]
WITH_DOCSTRING: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class _Source(NamedTuple):
    digest: str
    imports: tuple[str, ...]


def code_digest(*entries: str) -> str:
    """Digest what modules do, with all of the project that they import.

    Args:
        entries: Dotted names, e.g. `include.steps.prepare`.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    return digest_key(find_code(*entries))


def find_code(*entries: str) -> dict[str, str]:
    """Give the digest of every module that entries import, at any depth.

    An import inside a function counts like one at the top, one for the type checker alone does
    not. So does a module whose name stands as a text, as that of a loader does. Of a package on
    the way to a module its own `__init__` counts; what that imports counts if it is named, too.

    Args:
        entries: Dotted names; the modules of a package outside of the project count with it.

    Returns:
        Names of modules, in order, and their digests.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    found: dict[str, str] = {}
    waiting = list(entries)
    for entry in entries:
        if _locate(entry) is None:
            raise ModuleNotFoundError(f"no sources of module {entry!r}")
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        source = _read_module(name)
        found[name] = source.digest
        waiting += source.imports
    for package in {parent for name in found for parent in _parents(name)} - set(found):
        if _locate(package) is not None:
            found[package] = _read_module(package).digest
    return dict(sorted(found.items()))


def find_all_code() -> dict[str, str]:
    """Give the digest of every module of the project."""
    return find_code(*list_modules())


def list_modules() -> tuple[str, ...]:
    """List every module of the project."""
    origin = _locate(PROJECT)
    root = origin.parent if origin else Path()
    files = sorted(root.rglob("*.py"))
    parts = [file.relative_to(root.parent).with_suffix("").parts for file in files]
    return tuple(".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts)


def _read_module(name: str) -> _Source:
    path = _locate(name)
    if path is None:
        raise ModuleNotFoundError(f"no sources of module {name!r}")
    state = path.stat()
    return _read_source(name, path, state.st_mtime_ns, state.st_size)


@cache
def _read_source(name: str, path: Path, _changed_at: int, _size: int) -> _Source:
    """Read a file once for each of its states."""
    data = path.read_bytes()
    try:
        tree = ast.parse(data, filename=str(path))
    except SyntaxError:  # who imports it will hear of it
        return _Source(hashlib.sha256(data).hexdigest()[:KEY_LENGTH], ())
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    named: set[str] = set()
    for node in _walk(tree):
        named.update(_name_imports(node, package))
        if isinstance(node, WITH_DOCSTRING):
            _drop_docstring(node)
    tops = {PROJECT} if "site-packages" in path.parts else {PROJECT, name.partition(".")[0]}
    imports = {module for one in named for module in _resolve(one, tops)}
    digest = hashlib.sha256(ast.dump(tree).encode("utf-8", errors="surrogatepass"))
    return _Source(digest.hexdigest()[:KEY_LENGTH], tuple(sorted(imports)))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Walk all nodes but those that only a type checker sees."""
    yield node
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        children = iter(node.orelse)
    for child in children:
        yield from _walk(child)


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        del node.body[0]


def _name_imports(node: ast.AST, package: str) -> Iterable[str]:
    """Give the dotted names that a node may import."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        above = parts[: len(parts) - node.level + 1] if node.level else []
        module = ".".join([*above, *(node.module or "").split(".")]).rstrip(".")
        return [f"{module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        top, *below = node.value.split(".")
        return [node.value] if top == PROJECT and "".join(below).isidentifier() else []
    return []


def _resolve(name: str, tops: set[str]) -> Iterable[str]:
    """Give the module that a name is, or in which it stands."""
    if name.partition(".")[0] not in tops:
        return ()
    if _locate(name) is not None:
        return (name,)
    module = name.rpartition(".")[0]
    return (module,) if module and _locate(module) is not None else ()


def _parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))


def _locate(name: str) -> Path | None:
    """Find the source of a module without importing the packages that it lies in."""
    top, *below = name.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for place in spec.submodule_search_locations or ():
        path = Path(place, *below)
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file():
                return file
    return None
