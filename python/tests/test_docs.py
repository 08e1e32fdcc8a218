"""The snippets of the documentation run, in the order of their page and in one folder."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

mpl.use("Agg")

ROOT = Path(__file__).parents[2]
PAGES = {"docs/python.md": 12, "docs/recsim.md": 1, "docs/reproducibility.md": 18, "python/README.md": 1}
"""The pages, and how many snippets at least each of them has that run here."""

# What only the environments of scripts/test_frameworks have, and what builds or installs.
ELSEWHERE = re.compile(r"\b(custom_models|ray|rllib|sb3|stable_baselines3|torch\w*|pip|maturin|scripts/\w+)\b")


class Snippet(NamedTuple):
    line: int
    language: str
    text: str


def snippets(page: str) -> list[Snippet]:
    """List the blocks of a page that are Python, shell or a file, with the lines at which they begin."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.finditer(r"^```(python|sh|toml)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Snippet(text.count("\n", 0, match.start(2)) + 1, match[1], match[2]) for match in found]


def shell(folder: Path) -> dict[str, str]:
    """Make a command `slatesim` that is this package."""
    command = folder / "bin" / "slatesim"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m slatesim "$@"\n')
    command.chmod(0o755)
    return os.environ | {"PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment = shell(tmp_path)
    names: dict[str, object] = {"__name__": "snippet"}
    # One shell for all, so that later snippets know what earlier ones have set.
    script = "set -eu\n"
    ran = 0
    for snippet in snippets(page):
        if ELSEWHERE.search(snippet.text):
            continue
        ran += 1
        if snippet.language == "python":
            # Errors name the page and its line.
            code = "\n" * (snippet.line - 1) + snippet.text
            exec(compile(code, str(ROOT / page), "exec"), names)
        elif snippet.language == "toml":
            name, _, text = snippet.text.partition("\n")
            (tmp_path / name.removeprefix("# ")).write_text(text)
        else:
            assignments = [line for line in snippet.text.splitlines() if re.match(r"\w+(=|\(\))", line)]
            done = subprocess.run(["bash", "-c", script + snippet.text], env=environment, check=False, capture_output=True, text=True)
            assert done.returncode == 0, f"{page}, line {snippet.line}: {done.stderr}"
            script += "\n".join(assignments) + "\n"
    plt.close("all")
    assert ran >= PAGES[page]
