"""Every crate that is linked in must be under a licence that asks for no more than its mention."""

import json
import re
import subprocess
import sys

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT", "MIT-0", "Unicode-3.0",
    "Unlicense", "Zlib", "Apache-2.0 WITH LLVM-exception",
}


def is_free(expression: str) -> bool:
    """An SPDX expression holds if one of each `OR` is allowed, and all of each `AND`."""
    expression = expression.replace("/", " OR ")
    words = re.split(r"(\(|\)|\bAND\b|\bOR\b)", expression)
    python = "".join(
        {"(": "(", ")": ")", "AND": " and ", "OR": " or "}.get(word, str(word.strip() in ALLOWED) if word.strip() else "")
        for word in words
    )
    return bool(eval(python))  # made of True, False, and, or and parentheses alone


def main() -> int:
    metadata = subprocess.run(["cargo", "metadata", "--format-version=1", "--locked"], capture_output=True, check=True)
    packages = json.loads(metadata.stdout)["packages"]
    bad = [p for p in packages if not is_free(p.get("license") or "none")]
    for package in bad:
        print(f"{package['name']} {package['version']}: licence {package.get('license')!r} is not on the list", file=sys.stderr)
    print(f"{len(packages) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


sys.exit(main())
