"""Simulated recordings on disk: found by parameters and code, made anew where either has changed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import neurokit
from neurokit.digital_twin import simulated_files as simulated_mice
from neurokit.files import cache as simulated
from neurokit.files.cache import code_digest, read_or_write, simulated_folder
from neurokit.pupil_encoder import sources as steinmetz
from neurokit.sensorium import sources as scans
from neurokit.v1_transformer import sources as allen_sessions

LOADERS = {
    "steinmetz": steinmetz,
    "sensorium": scans,
    "allen": allen_sessions,
    "microns": simulated_mice,
}
INDIRECT = {  # a module that the makers do not import themselves
    "steinmetz": "simulation/brain_state.py",
    "sensorium": "simulation/brain_state.py",
    "allen": "simulation/brain_state.py",
    "microns": "digital_twin/trial_files.py",
}


def made_by(system: str) -> tuple[str, ...]:
    """The modules whose functions make a system's recordings."""
    return tuple(sorted({maker.__module__ for maker in LOADERS[system].MAKERS}))


def copied(folder: Path) -> Path:
    """A copy of the package that may be edited."""
    source = Path(neurokit.__file__).parent
    return shutil.copytree(source, folder / "neurokit", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize(("system", "module"), INDIRECT.items())
def test_other_code_has_another_key_and_other_words_have_not(
    system: str, module: str, tmp_path: Path
) -> None:
    names, keys = made_by(system), {}
    for change in ("none", "words", "code"):
        package = copied(tmp_path / change)
        text = (package / module).read_text()
        if change == "words":
            text = "# A remark.\n" + text.replace('"""', '"""More words. ', 1).replace("    #", "    ##")
        (package / module).write_text(text + ("\nEXTRA = 1\n" if change == "code" else ""))
        keys[change] = code_digest(names, package)
    assert keys["none"] == keys["words"] == code_digest(names)
    assert keys["code"] != keys["none"]


LISTED = """
import importlib, json, sys
found = []
for names in json.loads(sys.argv[1]):
    for name in [name for name in sys.modules if name.split(".")[0] == "neurokit"]:
        del sys.modules[name]
    for name in names:
        importlib.import_module(name)
    loaded = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "neurokit"}
    found.append(sorted(name for name, module in loaded.items() if not hasattr(module, "__path__")))
print(json.dumps(found))
"""


def test_the_key_sees_all_that_is_really_imported() -> None:
    """Held against Python's own list of modules, in a fresh process without the tests' import hook."""
    asked = [made_by(system) for system in LOADERS]
    command = [sys.executable, "-c", LISTED, json.dumps(asked)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(neurokit.__file__).parent.parent)
    assert run.returncode == 0, run.stderr
    for names, loaded in zip(asked, json.loads(run.stdout), strict=True):
        found = simulated._imported(names, simulated.PACKAGE)
        modules = {name for name in found if simulated._file(name, simulated.PACKAGE).name != "__init__.py"}
        assert modules == {name for name in loaded if not simulated._reports(name)}


@pytest.mark.parametrize("loader", LOADERS.values())
def test_every_function_that_a_loader_makes_recordings_with_is_known(loader: ModuleType) -> None:
    words, own = ("simulate_", "write_"), ("write_output", "write_simulated")  # these make none by themselves
    found = {name for name, value in vars(loader).items() if callable(value) and name.startswith(words)}
    used = found - set(own)
    assert used == {maker.__name__ for maker in loader.MAKERS}


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    package = tmp_path / "neurokit"
    (package / "sub").mkdir(parents=True)
    files = {
        "start.py": "import numpy\nfrom neurokit.sub import one\ndef f():\n    import neurokit.sub.two\n"
        "if TYPE_CHECKING:\n    from neurokit import other\n",
        "sub/__init__.py": "SHARED = 1\n",
        "sub/one.py": "from . import three\nfrom ..four import name\n",
        "sub/two.py": "from neurokit.sub import SHARED\n",
        "sub/three.py": "from neurokit.start import f\n",
        "four.py": "from neurokit.errors import x\n",
        "errors.py": "",
        "other.py": "",
    }
    for name, text in files.items():
        (package / name).write_text(text)
    found = simulated._imported(["neurokit.start"], package)
    inner = {f"neurokit.{name}" for name in ("start", "sub", "sub.one", "sub.two", "sub.three", "four")}
    assert set(found) == inner


# What is stale


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Sets the digit of which the key of all code is made."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    return lambda digit: monkeypatch.setattr(simulated, "code_digest", lambda modules: 12 * digit)


def made(seed: int) -> Path:
    """A toy recording, written where it is not there."""
    folder = simulated_folder("toy", {"seed": seed}, (len,))

    def write(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "last").touch()

    return read_or_write(folder, "last", write, lambda folder: folder)


def test_a_recording_of_other_code_goes_when_it_is_made_anew(
    code: Callable[[str], None], tmp_path: Path
) -> None:
    code("0")
    stale, other = made(1), made(2)
    recording = stale.name.removesuffix("-" + 12 * "0")
    beside = [stale.with_name(f"{recording}-{end}") for end in ("notes", 11 * "a", 12 * "a" + "-b", 12 * "x")]
    for path in beside:
        path.mkdir()
    link = stale.with_name(f"{recording}-{12 * 'b'}")
    link.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir()
    code("1")
    fresh = made(1)
    assert fresh != stale and not stale.exists()
    assert all(path.exists() for path in (fresh, other, *beside, link, tmp_path / "elsewhere"))
    locks = [path for path in fresh.parent.iterdir() if "lock" in path.name]
    assert locks == []  # none stays, and those of killed processes are one a recording
    other.mkdir(exist_ok=True)
    assert made(1) == fresh and other.exists()


def test_a_recording_stays_where_the_new_one_cannot_be_made(
    code: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    code("0")
    stale = made(1)
    code("1")
    monkeypatch.setattr(Path, "touch", lambda *_: (_ for _ in ()).throw(ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        made(1)
    assert stale.is_dir()
