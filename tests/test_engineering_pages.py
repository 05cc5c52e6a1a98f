"""Pages of book/engineering: their code runs, from top to bottom, and prints what stands below it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "book" / "engineering"
PAGES = sorted(FOLDER.glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Runs the blocks in one namespace; the last line that it prints is what each of them printed, as JSON.
RUN = """\
import contextlib, io, json, socket, sys

connect = socket.socket.connect

def only_here(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
        raise OSError("no network here")
    return connect(self, address)

socket.socket.connect = only_here
printed, names = [], {"__name__": "__page__"}
for block in json.load(open(sys.argv[1], encoding="utf-8")):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(block, "<block>", "exec"), names)
    printed.append(said.getvalue())
print(json.dumps(printed))
"""


def blocks(text: str) -> tuple[list[str], dict[int, str]]:
    """A page's blocks of Python, and what stands right below them as their output, by number."""
    found = list(BLOCK.finditer(text))
    code = [block for block in found if block[1] == "python"]
    shown = {}
    for number, block in enumerate(code):
        after = next((other for other in found if other.start() > block.end()), None)
        if after and after[1] == "text" and not text[block.end() : after.start()].strip():
            shown[number] = after[2]
    return [block[2] for block in code], shown


def differences(page: Path, folder: Path, root: Path) -> list[tuple[str, str]]:
    """What a page says is printed, and what is, where the two differ; AssertionError where its code fails."""
    code, shown = blocks(page.read_text(encoding="utf-8"))
    (folder / "blocks.json").write_text(json.dumps(code))
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    own = {"NEUROKIT_DATA": str(folder / "data"), "NEUROKIT_SOURCE": "demo", "NEUROKIT_QUIET": "1"}
    run = subprocess.run(
        [sys.executable, "-c", RUN, "blocks.json"],
        cwd=folder,
        env=os.environ | own | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    printed = json.loads(run.stdout.splitlines()[-1])
    return [(text, printed[number]) for number, text in shown.items() if text != printed[number]]


def test_there_are_pages() -> None:
    assert {"downloads", "untrusted_files"} <= {page.stem for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_prints_what_it_says(page: Path, root: Path, tmp_path: Path) -> None:
    assert blocks(page.read_text(encoding="utf-8"))[0]
    assert differences(page, tmp_path, root) == []


GOOD = """\
# A page

```python
x = 1
```

Text between.

```python
print(x + 1)
```

```text
2
```

```
neurokit is not run here
```
"""


def crafted(text: str, folder: Path) -> Path:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


def test_blocks_share_their_names_and_a_wrong_output_is_noticed(root: Path, tmp_path: Path) -> None:
    assert differences(crafted(GOOD, tmp_path), tmp_path, root) == []
    wrong = GOOD.replace("\n2\n", "\n3\n")
    assert differences(crafted(wrong, tmp_path), tmp_path, root) == [("3\n", "2\n")]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = 1 / 0", "ZeroDivisionError"),
        ("import urllib.request as r\nr.urlopen('http://192.0.2.1/')", "no network here"),
    ],
)
def test_code_that_fails_or_asks_the_network_is_noticed(
    code: str, says: str, root: Path, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=says):
        differences(crafted(GOOD.replace("x = 1", code), tmp_path), tmp_path, root)
