"""Runs the Python snippets of a page of documentation, in their order, in one namespace.

usage: run-snippets.py PAGE.md

A block ```text right after a snippet is what it prints; an ellipsis in it stands for anything, lines included.
Prints a line of JSON for each snippet: {"line", "seconds"}. Ends with 1 at the first that fails or prints otherwise.
"""

import contextlib
import io
import json
import re
import sys
import time
import traceback

BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\s*^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


def as_printed(documented, printed):
    pattern = ".*?".join(re.escape(part.strip()) for part in documented.split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL)


def main(path):
    page = open(path, encoding="utf-8").read()
    namespace = {"__name__": "__main__"}
    for block in BLOCK.finditer(page):
        code, documented = block.groups()
        line = page.count("\n", 0, block.start(1)) + 1
        began = time.monotonic()
        output = io.StringIO()
        try:
            with contextlib.redirect_stdout(output):
                # Its lines in a traceback are those of the page.
                exec(compile("\n" * (line - 1) + code, path, "exec"), namespace)
        except Exception:
            traceback.print_exc()
            sys.exit(f"{path}:{line}: the snippet failed; it had printed:\n{output.getvalue()}")
        if documented is not None and not as_printed(documented, output.getvalue()):
            sys.exit(f"{path}:{line}: documented:\n{documented}\nprinted:\n{output.getvalue()}")
        print(json.dumps({"line": line, "seconds": round(time.monotonic() - began, 2)}), flush=True)


main(*sys.argv[1:])
