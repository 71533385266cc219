"""What the lint scripts share: which files there are, and their text without comments or strings."""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

TOKENS = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def files(*paths):
    """The repository's files under the paths (all of them by default): tracked, or not ignored."""
    out = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard", "--", *paths],
                         check=True, stdout=subprocess.PIPE).stdout.decode()
    names = sorted(set(out.split("\0")) - {""})
    return [n for n in names if os.path.isfile(n) and not os.path.islink(n)]


def c_files(*paths):
    return [n for n in files(*paths) if n.endswith((".c", ".h"))]


def read(name):
    with open(name, encoding="utf-8", errors="replace") as f:
        return f.read()


def blank(match):
    """The same number of lines and columns, with nothing in them; a string keeps its quotes."""
    text = match.group(0)
    inner = re.sub(r"[^\n]", " ", text)
    return text[0] + inner[1:-1] + text[-1] if text[0] in "\"'" else inner


def code(text):
    return TOKENS.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Findings:
    def __init__(self):
        self.count = 0

    def add(self, name, line, text):
        self.count += 1
        print(f"{name}:{line}: {text}" if line else f"{name}: {text}")

    def exit(self):
        sys.exit(1 if self.count else 0)
