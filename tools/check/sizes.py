#!/usr/bin/env python3
"""Checks sizes: a file has at most 500 lines, a function at most 70. Files named *_table.* are exempt.

C++ functions are found by their braces: a block at the level of a namespace or class whose head ends like a function's
(parameters, qualifiers, a trailing type or an initialiser list). Python functions by the syntax tree.
"""

import ast
import pathlib
import re
import sys
import tempfile

from source import ROOT, blank, files, finish

FILE_LINES = 500
FUNCTION_LINES = 70
FOLDERS = ["src", "tests", "bench", "tools", "cmake", "docs", "web"]
ENDINGS = {".h", ".cpp", ".py", ".sh", ".cmake", ".ts", ".css"}
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
NAME = re.compile(r"([~\w:]+|operator\s*\S+)\s*(?:<[^<>]*>)?\s*\(")


def is_function(head):
    """Whether the code before a brace is a function's head: it has parameters and no '=' before them."""
    before = head.split("(", 1)[0]
    return "(" in head and not re.search(r"(?<![=!<>])=(?!=)", before.replace("operator", "")) or "operator=" in head


def cpp_functions(code):
    """(name, first line, lines) of each function in C++ code, lambdas and local classes within their function."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*", lambda m: "\n" * m.group(0).count("\n"),
                  blank(code), flags=re.M | re.S)  # fmt: skip
    found, scopes, start, line, first = [], [], 0, 1, 1
    for place, character in enumerate(code):
        if character == "\n":
            line += 1
        inside = bool(scopes) and scopes[-1][0] != "scope"
        if character in ";}" and not inside:
            start = place + 1
        if character == "{":
            head = code[start:place].strip()
            if inside:
                scopes.append(("block", "", 0))
            elif is_function(head):
                first = line - code[start:place].lstrip().count("\n")
                name = NAME.search(head)
                scopes.append(("function", name.group(1) if name else head[:30], first))
            else:
                scopes.append(("scope" if SCOPE.search(head) else "block", "", 0))
                start = place + 1
        elif character == "}" and scopes:
            kind, name, first = scopes.pop()
            if kind == "function":
                found.append((name, first, line - first + 1))
            if not scopes or scopes[-1][0] == "scope":
                start = place + 1
    return found


def python_functions(code):
    tree = ast.parse(code)
    return [
        (node.name, node.lineno, node.end_lineno - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def check(root):
    faults = []
    for path in files(FOLDERS, ENDINGS, root):
        if path.stem.endswith("_table"):
            continue
        name = path.relative_to(root).as_posix()
        code = path.read_text()
        lines = code.count("\n")
        if lines > FILE_LINES:
            faults.append(f"{name}: {lines} lines, at most {FILE_LINES} are allowed: split it by idea")
        functions = {".cpp": cpp_functions, ".h": cpp_functions, ".py": python_functions}.get(path.suffix)
        for function, first, count in functions(code) if functions else ():
            if count > FUNCTION_LINES:
                faults.append(f"{name}:{first}: {function} has {count} lines, at most {FUNCTION_LINES} are allowed")
    return faults


def self_test():
    """Plants one fault of each kind and returns those that went unnoticed."""
    body = "  call();\n" * 69
    plants = {
        "a fitting function": ("a.cpp", "void f() {\n" + "  call();\n" * 68 + "}\n", None),
        "a long function": ("a.cpp", "namespace a {\nvoid f(int x) {\n" + body + "}\n}\n", "a.cpp:2: f has 71 lines"),
        "a long method": ("a.h", "struct S {\n  int a = 1;\n  int g() const {\n" + body + "}\n};\n", "a.h:3: g has 71"),
        "a long constructor": ("a.cpp", "S::S(int a) : a_(a) {\n" + body + "}\n", "S::S has 71"),
        "a head of two lines": ("a.cpp", "template <int N>\nint f(\n  int x) {\n" + body + "}\n", "a.cpp:1: f has 73"),
        "an array": ("a.cpp", "constexpr int kA[] = {\n" + "  1,\n" * 90 + "};\n", None),
        "a table in braces": ("a.cpp", "const Map kMap = {\n" + "  {f(1), 2},\n" * 90 + "};\n", None),
        "braces in texts": ("a.cpp", 'void f() {\n  g("{", \'{\');  // {\n}\n' + "int a;\n" * 90, None),
        "after a function": ("a.cpp", "void f() {\n  if (a) {\n  }\n}\nint g() {\n" + body + "}\n", "a.cpp:5: g has 71"),
        "a macro": ("a.cpp", "#define A(x) \\\n  {\nvoid f() {\n" + body + "}\n", "f has 71"),
        "a long test": ("a.cpp", "TEST(A, B) {\n" + body + "}\n", "has 71"),
        "a long file": ("a.cpp", "int a;\n" * 501, "a.cpp: 501 lines"),
        "a long table file": ("a_table.cpp", "int a;\n" * 501, None),
        "a long Python function": ("a.py", "def f():\n" + "    g()\n" * 70, "a.py:1: f has 71"),
    }
    missed = []
    for what, (name, code, expected) in plants.items():
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            (root / "src").mkdir()
            (root / "src" / name).write_text(code)
            faults = check(root)
        if (expected is None and faults) or (expected and not any(expected in fault for fault in faults)):
            missed.append(f"self-test: {what}: got {faults or 'no fault'}")
    return missed


if __name__ == "__main__":
    sys.exit(finish(self_test() + check(ROOT), f"sizes: files <= {FILE_LINES} lines, functions <= {FUNCTION_LINES}"))
