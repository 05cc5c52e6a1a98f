"""The workflows of the public host: what they run exists, on every promised Python, and may do little."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

WORKFLOWS = ("tests.yml", "book.yml")
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
MAY_WRITE = {("book.yml", "publish"): {"pages": "write", "id-token": "write"}}


@pytest.fixture(scope="module")
def texts(root: Path) -> dict[str, str]:
    return {name: (root / ".github" / "workflows" / name).read_text() for name in WORKFLOWS}


def make_targets(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):(?!=)", makefile, re.MULTILINE))


def promised_pythons(root: Path) -> set[str]:
    """Of the README's sentence, from the least that pyproject.toml takes upwards."""
    (first, last) = re.findall(r"Python (3\.\d+), 3\.\d+ or (3\.\d+)", (root / "README.md").read_text())[0]
    assert f'requires-python = ">={first}"' in (root / "pyproject.toml").read_text()
    return {f"3.{minor}" for minor in range(int(first[2:]), int(last[2:]) + 1)}


def steps(workflow: dict) -> Iterator[tuple[str, dict]]:
    for name, job in workflow["jobs"].items():
        yield from ((name, step) for step in job["steps"])


def faults(name: str, text: str, root: Path) -> list[str]:
    """Sentences: what would not run, runs what may change, or may do more than it needs."""
    workflow = yaml.safe_load(text)
    found = [] if text.startswith("# Not yet run:") else ["not marked as not yet run"]
    if workflow.get("permissions") != {"contents": "read"}:
        found.append("may do more than read")
    for job_name, job in workflow["jobs"].items():
        found += [f"{job_name}: no timeout"] * ("timeout-minutes" not in job)
        found += [f"{job_name}: may write"] * (job.get("permissions") != MAY_WRITE.get((name, job_name)))
        found += [f"{job_name}: runs on a moving system"] * ("latest" in str(job))
    targets = make_targets((root / "Makefile").read_text())
    for job_name, step in steps(workflow):
        uses, runs = step.get("uses", ""), step.get("run", "")
        found += [f"{uses} is not pinned"] * bool(uses and not PINNED.fullmatch(uses))
        found += [f"no target {it}" for it in re.findall(r"\bmake ([\w-]+)", runs) if it not in targets]
        if "actions/checkout@" in uses and step.get("with", {}).get("persist-credentials") is not False:
            found.append(f"{job_name}: keeps the host's credentials")
        if re.match(r"make (setup-test|book)$", runs) and "python-path" not in str(step.get("env", {})):
            found.append(f"{job_name}: its Python is left to chance")
        listed = step.get("with", {}).get("cache-dependency-path", "").split()
        found += [f"no file {it}" for it in listed if not (root / it).is_file()]
        found += [f"{job_name}: {runs} is no target"] * bool(
            runs and not runs.startswith(("make ", ".venv/bin/python -c "))
        )
    return found


def matrix(workflow: dict) -> set[tuple[str, str]]:
    rows = workflow["jobs"]["test"]["strategy"]["matrix"]["include"]
    return {(row["os"].split("-")[0], row["python"]) for row in rows}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_what_exists_and_may_do_little(texts: dict, root: Path, name: str) -> None:
    assert faults(name, texts[name], root) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("tests.yml", "# Not yet run: no", "# No", "not marked as not yet run"),
        ("tests.yml", "contents: read", "contents: write", "may do more than read"),
        ("tests.yml", "    timeout-minutes: 60\n", "", "test: no timeout"),
        ("tests.yml", "make test-slow", "make test-slower", "no target test-slower"),
        (
            "tests.yml",
            "@11bd71901bbe5b1630ceea73d27597364c9af683",
            "@v4",
            "actions/checkout@v4 is not pinned",
        ),
        ("tests.yml", "persist-credentials: false", "fetch-depth: 1", "test: keeps the host's credentials"),
        ("tests.yml", "ubuntu-24.04", "ubuntu-latest", "test: runs on a moving system"),
        ("tests.yml", "python-path", "version", "test: its Python is left to chance"),
        (
            "tests.yml",
            "            requirements.txt",
            "            constraints.txt",
            "no file constraints.txt",
        ),
        ("book.yml", "timeout-minutes: 45", "permissions: write-all\n    timeout-minutes: 45", "build: may"),
        ("book.yml", "run: make book", "run: sphinx-build book", "build: sphinx-build book is no target"),
    ],
)
def test_a_faulty_workflow_is_noticed(
    texts: dict, root: Path, name: str, old: str, new: str, says: str
) -> None:
    assert old in texts[name]
    assert any(fault.startswith(says) for fault in faults(name, texts[name].replace(old, new), root))


def test_every_promised_python_runs_on_linux_and_one_on_macos(texts: dict, root: Path) -> None:
    rows = matrix(yaml.safe_load(texts["tests.yml"]))
    assert {python for system, python in rows if system == "ubuntu"} == promised_pythons(root)
    assert {python for system, python in rows if system == "macos"} <= promised_pythons(root)
    assert "macos" in {system for system, _ in rows}
    without = yaml.safe_load(texts["tests.yml"].replace('python: "3.13"', 'python: "3.12"'))
    assert {python for system, python in matrix(without) if system == "ubuntu"} != promised_pythons(root)


def test_each_row_takes_its_own_python_and_says_so(texts: dict) -> None:
    """tools/setup.sh takes PYTHON; afterwards the environment itself is asked."""
    run = [step for job, step in steps(yaml.safe_load(texts["tests.yml"])) if job == "test"]
    python, setup, check, test = run[1:]
    assert python["with"]["python-version"] == "${{ matrix.python }}"
    assert setup["env"] == {"PYTHON": f"${{{{ steps.{python['id']}.outputs.python-path }}}}"}
    assert "sys.version.startswith('${{ matrix.python }}.')" in check["run"]
    assert test == {"run": "make test"}


def test_the_slow_tests_run_each_week_and_the_book_is_published(texts: dict) -> None:
    workflow = yaml.safe_load(texts["tests.yml"])
    (schedule,) = workflow[True]["schedule"]  # YAML reads `on` as true
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    assert "schedule" in workflow["jobs"]["test-slow"]["if"]
    assert workflow["jobs"]["test-slow"]["steps"][-1] == {"run": "make test-slow"}
    book = [step for _, step in steps(yaml.safe_load(texts["book.yml"]))]
    assert {"path": "build/book"} in [step.get("with") for step in book]


def test_every_pin_says_its_version(texts: dict) -> None:
    for text in texts.values():
        lines = [line for line in text.splitlines() if "uses:" in line]
        assert lines and all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)
