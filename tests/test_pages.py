"""README and book/: short where they must be, every link resolves, and what they print is what comes out."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pandas as pd
import pytest

from address import main as write_address

LARGEST, LINES, CODE_LINES = 10_000, 150, 8  # bytes and lines of the README, lines of its example
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(
    r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)|^\[[^\]]+\]: (\S+)|(?:src|href)=\"([^\"]+)\"", re.MULTILINE
)
ABSOLUTE = re.compile(r"[a-z][a-z+.-]*:", re.IGNORECASE)
OFFLINE = """\
import socket

def refuse(*_):
    raise OSError("no network here")

socket.socket.connect = refuse
"""
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def prose(path: Path) -> str:
    """A page's Markdown, or that of a notebook, without code blocks."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return FENCE.sub("", "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The names by which GitHub links a page's headings."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(path: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    found = ["".join(groups) for groups in LINK.findall(prose(path))]
    return [link for link in found if not ABSOLUTE.match(link) and not resolves(path, unquote(link))]


def resolves(path: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    return target.exists() and (not anchor or (target.is_file() and anchor in anchors(target)))


def pages(root: Path) -> list[Path]:
    return [
        root / "README.md",
        *sorted(root.glob("book/**/*.md")),
        *sorted(root.glob("notebooks/**/*.ipynb")),
    ]


def test_every_relative_link_resolves(root: Path) -> None:
    assert len(pages(root)) > 16
    assert {
        str(page.relative_to(root)): broken_links(page) for page in pages(root) if broken_links(page)
    } == {}


def test_a_link_to_nothing_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A title, `coded`\n")
    page = tmp_path / "page.md"
    good = "[a](other.md) ![b](other.md#a-title-coded) [c](https://example.org/none) [d](#here)\n\n# Here\n"
    page.write_text(good + "```\n[e](code.md)\n```\n")
    assert broken_links(page) == []
    page.write_text(good + "[f](gone.md) ![g](gone.png) [h](other.md#gone) [i](#gone)\n\n[j]: gone.txt\n")
    assert broken_links(page) == ["gone.md", "gone.png", "other.md#gone", "#gone", "gone.txt"]


def test_every_page_of_the_book_is_reached_from_the_readme(root: Path) -> None:
    linked = {"".join(groups).partition("#")[0] for groups in LINK.findall(prose(root / "README.md"))}
    assert {f"book/{page.name}" for page in root.glob("book/*.md")} - linked == set()


def test_every_engineering_page_is_reached_from_a_lesson_or_a_page(root: Path) -> None:
    linked = {
        (page.parent / unquote("".join(groups).partition("#")[0])).resolve()
        for page in pages(root)
        for groups in LINK.findall(prose(page))
    }
    assert set(root.resolve().glob("book/engineering/*.md")) - linked == set()


@pytest.mark.parametrize("repository", ["", "a-lab-with-a-long-name/neurokit-encoding"])
def test_the_readme_is_short(root: Path, tmp_path: Path, repository: str) -> None:
    for name in ("README.md", "pyproject.toml", "CITATION.cff"):
        shutil.copy(root / name, tmp_path)
    (tmp_path / "neurokit").mkdir()
    shutil.copy(root / "neurokit" / "__init__.py", tmp_path / "neurokit")
    write_address(["--root", str(tmp_path), "--", repository])
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert len(text.encode()) <= LARGEST
    assert len(text.splitlines()) <= LINES
    assert repository in text


def test_the_readme_says_first_what_this_is(root: Path) -> None:
    first = " ".join((root / "README.md").read_text(encoding="utf-8").splitlines()[:4])
    assert "eural encoding models of the mouse visual system" in first
    assert "not NeuroKit2" in first


def example(root: Path) -> str:
    """The README's lines of Python."""
    (code,) = EXAMPLE.findall((root / "README.md").read_text(encoding="utf-8"))
    return code


def test_the_example_has_few_lines(root: Path) -> None:
    lines = example(root).splitlines()
    assert len(lines) <= CODE_LINES
    assert max(map(len, lines)) <= 110


@pytest.mark.slow
def test_the_example_prints_what_stands_below_it(root: Path, tmp_path: Path) -> None:
    """In a Python of its own that reaches no network, with an empty data folder."""
    environment = os.environ | {"NEUROKIT_DATA": str(tmp_path), "PYTHONPATH": str(root)}
    environment.pop("NEUROKIT_SOURCE", None)
    command = [sys.executable, "-c", OFFLINE + example(root)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1800)
    assert run.returncode == 0, run.stderr
    printed = run.stdout.strip().splitlines()[-1]
    assert len(re.findall(r"0\.\d\d\b", printed)) == 3
    assert f"`{printed}`" in (root / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_numbers_of_the_readme_are_those_of_the_result_files(root: Path) -> None:
    def rows(name: str) -> list[dict]:
        return json.loads((root / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))[
            "rows"
        ]

    readme = (root / "README.md").read_text(encoding="utf-8")
    pupil = {
        (row["model"], row["inputs"]): row["r2_mean"]
        for row in rows("pupil_cutout")
        if (row["region"], row["split"]) == ("mean", "random")
    }
    network = "PupilEncoder (GRU)"
    area, behaviour, line = (
        pupil[key] for key in ((network, "pupil"), (network, "behaviour"), ("FIR", "behaviour"))
    )
    assert f"(R² {area:.2f}), all behaviour {behaviour:.2f}, and a linear filter does as well" in readme
    assert abs(line - behaviour) < 0.01
    share = {row["model"]: row["of_ceiling_mean"] for row in rows("sensorium_accuracy")}["cnn_plus"]
    assert f"reaches {share:.2f} of its ceiling" in readme
    every = [row for name in ("v1_transformer", "v1_controls", "v1_lines") for row in rows(name)]
    movies = {row["model"]: row["cc_norm"] for row in every}
    single = {row["model"]: (row["single_trial"], row["single_trial_sd"]) for row in every}
    assert f"CC_norm {movies['V1 Transformer']:.3f} on simulated mice" in readme
    line = "motion energy x running"
    alone, times = (f"{movies[name]:.3f}" for name in ("motion energy + ridge", line))
    assert f"ridge regression on motion energy has {alone}, and {times} with a gain by running" in readme
    assert "that line predicts single trials as well as the network" in readme
    assert abs(single[line][0] - single["V1 Transformer"][0]) < single[line][1]
    twins = {row["model"]: row["cc_norm"] for row in rows("digital_twins") if row["minutes"] == 1}
    values = (twins[name] for name in ("transferred", "from scratch", "motion energy + ridge"))
    wanted = "{:.2f} with a transferred core, {:.2f} from scratch, and {:.2f} with a fixed bank of Gabors"
    assert wanted.format(*values) in readme
    names = ("transferred core", "from scratch", "Gabor bank + ridge")
    mice = pd.DataFrame(rows("pays_09")).groupby(["amount", "model"]).score.mean()
    assert "CvT-LSTM gives {:.2f}, {:.2f} and {:.2f} in three other mice".format(*mice[1][[*names]]) in readme
    assert abs(mice[9][names[0]] - mice[9][names[2]]) < 0.02  # level with the bank, as it says
    results = (root / "book" / "results.md").read_text(encoding="utf-8")
    for minutes in (1, 3, 9):
        cells = " | ".join(f"{mice[minutes][name]:.3f}" for name in names)
        assert f"| {minutes} | {cells} | " in results
