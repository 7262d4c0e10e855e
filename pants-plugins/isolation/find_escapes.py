"""Finds the ways in which a file could reach another service behind the build's back.

Pants sees an import statement and refuses it by rule. It does not see a computed import, a module named by a string,
or an import that a pragma hides. This program reads those; each finding names the file and what it reaches for.

    python find_escapes.py FILE…      one finding a line, exit status 1 when there are any
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

BUILTINS = {"__import__", "compile", "eval", "exec"}
IMPORTERS = {
    "SourceFileLoader",
    "exec_module",
    "find_spec",
    "import_module",
    "load_module",
    "resolve_name",
    "run_module",
    "run_path",
    "spec_from_file_location",
    "spec_from_loader",
}
MUTATORS = {"append", "extend", "insert"}
FILE_SUFFIXES = {"json", "lock", "log", "pex", "py"}
PRAGMA = re.compile(r"pants:\s*(no-infer-dep|infer-dep)")


def services() -> tuple[str, ...]:
    """The names of all parts of the platform, as the build passes them."""
    return tuple(Path(__file__).with_name("services.txt").read_text().split())


def owner(path: str) -> str:
    """The part of the platform that a file belongs to: the last folder of its path that is one."""
    return next((part for part in reversed(Path(path).parts[:-1]) if part in services()), path)


def reaches(module: str) -> str:
    root = module.split(".")[0]
    return f"{root} ({module})" if root in services() else module


def escapes(path: str, source: str) -> Iterator[str]:
    """Yields one sentence for each escape in `source`, with both ends named."""
    here = f"{owner(path)} ({path}"
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and (pragma := PRAGMA.search(token.string)):
            line = token.start[0]
            hidden = reaches(_imported_on(lines[line - 1]))
            yield f"{here}:{line}) hides its import of {hidden} from the build: {pragma.group()}"
    for node in ast.walk(ast.parse(source, path)):
        if (load := _load(node)) is not None:
            yield f"{here}:{node.lineno}) loads {load}, unseen by the build"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if (end := _foreign_module(node.value, owner(path))) is not None:
                yield f"{here}:{node.lineno}) names {end} in a string, unseen by the build"
        elif _changes_path(node):
            yield f"{here}:{node.lineno}) changes sys.path, by which it reaches any module"


def _load(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name not in BUILTINS and _last_name(node.func) not in IMPORTERS:
        return None
    target = node.args[0] if node.args else None
    if isinstance(target, ast.Constant) and isinstance(target.value, str):
        end = reaches(target.value)
    else:
        end = f"whatever `{ast.unparse(target)}` computes" if target else "a module"
    return f"{end} by {ast.unparse(node.func)}"


def _changes_path(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Attribute() as base, attr=attribute):
            return attribute in MUTATORS and ast.unparse(base) == "sys.path"
        case ast.Attribute(ctx=ast.Store()):
            return ast.unparse(node) == "sys.path"
        case ast.Subscript(value=ast.Attribute() as base, ctx=ast.Store()):
            return ast.unparse(base) == "sys.path"
    return False


def _imported_on(line: str) -> str:
    match = re.match(r"\s*(?:from\s+([\w.]+)\s+import|import\s+([\w.]+))", line)
    return (match.group(1) or match.group(2)) if match else line.strip()


def _last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def _foreign_module(text: str, here: str) -> str | None:
    match = re.fullmatch(r"([a-z_]+)(\.[a-z_]+)+(:[A-Za-z_]+)?", text)
    if not match or match.group(1) not in services() or match.group(1) == here:
        return None
    return None if text.rpartition(".")[2] in FILE_SUFFIXES else reaches(text)


def main(paths: list[str]) -> int:
    found = [escape for path in paths for escape in escapes(path, Path(path).read_text("utf-8"))]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
