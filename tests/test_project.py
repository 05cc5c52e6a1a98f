"""The project: what installs, and that its descriptions agree with each other."""

import ast
import builtins
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import neurokit

CONDA_NAMES = {"pytorch-cpu": "torch", "pytorch-gpu": "torch"}
CONDA_ONLY = {"python", "pip"}
TOO_OLD_ON_CONDA_FORGE = {"captum", "hyperopt"}

# What Colab had loaded in 2026: a bound above these makes pip replace it under a running kernel.
COLAB = {
    "torch": "2.11.0",
    "numpy": "2.0.2",
    "pandas": "2.2.3",
    "matplotlib": "3.10.0",
    "scipy": "1.16.3",
    "h5py": "3.16.0",
    "hyperopt": "0.3.0",
}


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def environment(root: Path) -> dict:
    return yaml.safe_load((root / "environment.yml").read_text())


def requirements(project: dict, *extras: str) -> dict[str, Requirement]:
    rows = [row for extra in extras for row in project["optional-dependencies"][extra]]
    found = [Requirement(row) for row in project["dependencies"] + rows]
    return {canonicalize_name(one.name): one for one in found if one.name != project["name"]}


def conda_rows(environment: dict) -> tuple[dict[str, str], list[str]]:
    """Name and bound of conda's packages, and the rows of the pip section."""
    plain = [row for row in environment["dependencies"] if isinstance(row, str)]
    split = [re.fullmatch(r"([a-z0-9-]+)(.*)", row).groups() for row in plain]
    pip = [row for row in environment["dependencies"] if isinstance(row, dict)]
    return {CONDA_NAMES.get(name, name): bound for name, bound in split}, pip[0]["pip"] if pip else []


def disagreements(project: dict, environment: dict) -> list[str]:
    """Sentences: what environment.yml says otherwise than pyproject.toml."""
    ours = requirements(project, "notebooks", "allen")
    conda, pip = conda_rows(environment)
    bounds = {name: bound for name, bound in conda.items() if name not in CONDA_ONLY}
    by_pip = [Requirement(row) for row in pip if not row.startswith("-e")]
    bounds |= {canonicalize_name(one.name): str(one.specifier) for one in by_pip}
    found = [f"{name} is no dependency" for name in bounds if name not in ours]
    found += [
        f"{name}: {bound} there, {ours[name].specifier} in pyproject.toml"
        for name, bound in bounds.items()
        if name in ours and bound != str(ours[name].specifier)
    ]
    found += [f"{name} is missing" for name in requirements(project) if name not in bounds]
    found += [f"{name} must come by pip" for name in TOO_OLD_ON_CONDA_FORGE & set(conda)]
    if "-e .[notebooks,allen]" not in pip:
        found.append("the package itself is missing")
    return found


def test_environment_agrees_with_pyproject(project: dict, environment: dict) -> None:
    assert disagreements(project, environment) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("numpy>=2.0", "numpy>=1.26", "numpy: >=1.26 there"),
        ("pytorch-cpu>=2.11", "pytorch-cpu>=2.10", "torch: >=2.10 there"),
        ("- captum>=0.9", "- captum>=0.8", "captum: >=0.8 there"),
        ("- scipy>=1.13", "- scipi>=1.13", "scipy is missing"),
        ("- einops>=0.8", "- einops>=0.8\n  - captum>=0.9", "captum must come by pip"),
    ],
)
def test_a_drifted_environment_is_noticed(project: dict, root: Path, old: str, new: str, says: str) -> None:
    text = (root / "environment.yml").read_text()
    assert old in text
    drifted = yaml.safe_load(text.replace(old, new))
    assert any(sentence.startswith(says) for sentence in disagreements(project, drifted))


def test_binder_reads_one_python(environment: dict) -> None:
    """repo2docker reads `python=3.12` and takes any range for 'not said'."""
    bound = conda_rows(environment)[0]["python"]
    assert re.fullmatch(r"=3\.1[123]", bound)


def binder_plan(folder: Path) -> str:
    """What repo2docker prints it would do; it needs no Docker for that."""
    program = shutil.which("repo2docker", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("repo2docker is not installed in this environment (extra `test`)")
    user = ["--user-id", "1000", "--user-name", "reader"]
    command = [program, "--no-build", "--no-run", "--debug", *user, "."]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


@pytest.fixture
def binder_files(root: Path, tmp_path: Path) -> Path:
    for name in ("environment.yml", "postBuild", "pyproject.toml"):
        shutil.copy(root / name, tmp_path)
    return tmp_path


@pytest.mark.slow
def test_binder_plans_the_image_we_mean(binder_files: Path) -> None:
    """That conda can solve it is not shown by this."""
    plan = binder_plan(binder_files)
    assert "Building conda environment for python=3.12" in plan
    steps = ["COPY --chown=1000:1000 src/ ${REPO_DIR}/", '--file "environment.yml"', "RUN ./postBuild"]
    places = [plan.index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.slow
def test_binder_would_not_read_a_range(binder_files: Path) -> None:
    file = binder_files / "environment.yml"
    file.write_text(file.read_text().replace("python=3.12", "python>=3.12,<3.13"))
    assert "python=3.12" not in binder_plan(binder_files)


def test_bounds_do_not_exceed_colab(project: dict) -> None:
    ours = requirements(project)
    assert [name for name, version in COLAB.items() if not ours[name].specifier.contains(version)] == []
    assert not Requirement("numpy>=2.3").specifier.contains(COLAB["numpy"])


def pins(root: Path) -> list[Requirement]:
    rows = (line.strip() for line in (root / "requirements.txt").read_text().splitlines())
    return [Requirement(row) for row in rows if row and not row.startswith("#")]


def test_every_direct_dependency_is_pinned_within_its_bound(project: dict, root: Path) -> None:
    ours = requirements(
        project, "notebooks", "test", "allen", "distributed", "fast", "benchmarks", "nwb", "book", "live"
    )
    pinned = {canonicalize_name(one.name): one for one in pins(root)}
    assert set(pinned) == set(ours) - {"torch"}
    for name, one in pinned.items():
        assert not one.extras, f"{one}: pip takes no extras in constraints"
        version = re.fullmatch(r"==([0-9][0-9a-z.]*)", str(one.specifier))
        assert version, f"{one} is no name==version"
        assert ours[name].specifier.contains(version[1]), f"{one} is outside {ours[name]}"


def test_torch_and_allensdk_have_one_version(project: dict, root: Path) -> None:
    setup = (root / "tools" / "setup.sh").read_text()
    torch = set(re.findall(r"torch==([0-9.]+)", setup))
    assert len(torch) == 1
    assert requirements(project)["torch"].specifier.contains(torch.pop())
    others = [(root / name).read_text() for name in ("postBuild", "environment.yml")]
    found = [re.findall(r"--no-deps allensdk==([0-9.]+)", text) for text in (setup, *others)]
    assert all(len(one) == 1 for one in found)
    versions = {one[0] for one in found}
    assert len(versions) == 1
    assert versions == set(re.findall(r"allensdk ([0-9.]+\d)", (root / "pyproject.toml").read_text()))


def test_tools_of_the_tests_are_in_their_extra_alone(project: dict) -> None:
    """Who runs notebooks or trains on Ray installs no linter."""
    tools = {
        "pytest",
        "pytest-xdist",
        "hypothesis",
        "beartype",
        "nbval",
        "ruff",
        "mypy",
        "jupyter-repo2docker",
        "build",
    }
    assert tools <= set(requirements(project, "test"))
    others = [extra for extra in project["optional-dependencies"] if extra != "test"]
    assert not tools & set(requirements(project, *others))


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.txt", "environment.yml", "postBuild"])
def test_no_registry_address_is_committed(root: Path, name: str) -> None:
    """An address that cannot be reached makes pip wait for minutes rather than fail."""
    assert not re.search(
        r"index-url|find-links|download\.pytorch|file://|pypi\.org", (root / name).read_text()
    )


@pytest.mark.parametrize("name", ["postBuild", ".ci/run", "tools/setup.sh", "tools/test.sh"])
def test_scripts_run_and_parse(root: Path, name: str) -> None:
    assert (root / name).stat().st_mode & 0o111 == 0o111
    subprocess.run(["sh", "-n", str(root / name)], check=True)


def test_versions_and_name(project: dict, root: Path) -> None:
    assert project["name"] == "neurokit-encoding"
    assert yaml.safe_load((root / "CITATION.cff").read_text())["version"] == neurokit.__version__
    assert Version(neurokit.__version__)


def test_neurokit_is_ours(root: Path) -> None:
    """PyPI has an unrelated `neurokit`, which would shadow an editable install of this one."""
    assert Path(neurokit.__file__).parent == root / "neurokit"


def test_setup_refuses_an_old_python(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text("#!/bin/sh\necho 3.10\nexit 1\n")
    old.chmod(0o755)
    run = subprocess.run(
        ["sh", str(root / "tools" / "setup.sh"), "notebooks"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(old)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "is Python 3.10; set PYTHON to" in run.stderr


FAKE_PYTHON = r"""#!/bin/sh
case "$*" in
    *"-m venv"*)
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        printf '#!/bin/sh\necho "pip of %s/.venv"' "$PWD" > .venv/bin/pip
        chmod +x .venv/bin/pip ;;
    *hashlib*) cksum ;;
    *version_info*) echo 3.12 ;;
    *"pip install"*) echo "$@" >> installed ;;
esac
"""


@pytest.fixture
def clone(root: Path, tmp_path: Path) -> Path:
    """What tools/setup.sh reads, beside a Python that notes what pip is to install."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/setup.sh", "pyproject.toml", "requirements.txt"):
        shutil.copy(root / name, tmp_path / name)
    python = tmp_path / "fake-python"
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    return tmp_path


def installed(clone: Path, name: str) -> list[str]:
    """The extras that `tools/setup.sh NAME` asks pip for."""
    noted = clone / "installed"
    noted.unlink(missing_ok=True)
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(clone / "fake-python")}
    subprocess.run(
        ["sh", "tools/setup.sh", name], cwd=clone, env=environment, check=True, capture_output=True
    )
    found = re.findall(r"-e \.\[(.*)\]", noted.read_text()) if noted.exists() else []
    return sorted(found[0].split(",")) if found else []


def test_each_set_up_installs_what_it_needs_and_once(clone: Path) -> None:
    assert installed(clone, "notebooks") == ["allen", "notebooks"]
    assert installed(clone, "notebooks") == []
    everything = ["allen", "benchmarks", "book", "distributed", "fast", "live", "notebooks", "nwb", "test"]
    assert installed(clone, "test") == everything
    assert installed(clone, "notebooks") == installed(clone, "test") == []
    with (clone / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert installed(clone, "notebooks") == ["allen", "notebooks"]
    assert installed(clone, "test") == everything


def test_the_set_up_of_the_tests_is_that_of_the_notebooks_too(clone: Path) -> None:
    assert "test" in installed(clone, "test")
    assert installed(clone, "notebooks") == []


@pytest.mark.parametrize("script", ["setup.sh", "test.sh"])
def test_an_unknown_set_is_named(root: Path, script: str) -> None:
    run = subprocess.run(["sh", str(root / "tools" / script), "all"], capture_output=True, text=True)
    assert run.returncode == 2
    assert "'all'" in run.stderr


# --- the source


# what somebody called to read
PRINTING = {
    "cli/__init__.py",
    "cli/check.py",
    "cli/commands.py",
    "digital_twin/several.py",
    "exercises/checking.py",  # one sentence on an answer
    "experiment.py",  # what is left out, and assumed
    "pupil_encoder/scores.py",  # that there are too few trials for a null
    "notebook.py",
}


def modules(root: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((root / "neurokit").rglob("*.py")):
        yield path, ast.parse(path.read_text())


def prints(tree: ast.Module) -> list[int]:
    """Lines of calls of print outside a function called `main`, which is a command of its own."""
    commands = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "main"]
    allowed = {id(node) for command in commands for node in ast.walk(command)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print" and id(node) not in allowed
    ]


def test_only_commands_print(root: Path) -> None:
    found = {str(path.relative_to(root / "neurokit")) for path, tree in modules(root) if prints(tree)}
    assert found == PRINTING  # which is the control, too: prints are seen


def quoted(tree: ast.Module) -> Iterator[str]:
    """Annotations written as text, those of arguments, results and fields."""
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            found = getattr(node, name, None)
            if isinstance(found, ast.Constant) and isinstance(found.value, str):
                yield found.value


def bound(tree: ast.Module) -> set[str]:
    """Names that the module defines or imports anywhere, also for type checkers alone."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            names.add(node.name)
    return names


def test_quoted_annotations_name_what_is_imported(root: Path) -> None:
    wrong, seen = [], 0
    for path, tree in modules(root):
        for text in quoted(tree):
            names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
            seen += 1
            wrong += [
                f"{path.name}: {text}" for name in names if name not in bound(tree) | set(dir(builtins))
            ]
    assert seen > 5 and wrong == []
