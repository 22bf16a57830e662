"""python check.py SNIPPETS < cases: a line of yes or no for each case."""

import runpy
import sys
from base64 import b64decode
from functools import cache
from pathlib import Path


@cache
def verifier(sample: str):
    found = runpy.run_path(str(Path(sys.argv[1]) / f"{sample}.py"))
    return found["verify_webhook"]


for line in sys.stdin:
    sample, body, *rest = line.rstrip("\n").split("\t")
    pairs = (each.split("=", 1) for each in rest)
    headers = {name: b64decode(value).decode() for name, value in pairs}
    good = verifier(sample)(headers, b64decode(body))
    print("yes" if good else "no")  # noqa: T201
