"""What a notebook's cells call beside the lesson."""

import shlex
import tomllib
from pathlib import Path

from neurokit.notebook import extra_requirements


def test_an_extra_is_installed_without_naming_the_package(root: Path) -> None:
    with (root / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    words = shlex.split(extra_requirements("allen"))
    assert sorted(words) == sorted(extras["allen"]) and len(words) > 10
    assert not any("neurokit" in word for word in words)
    assert extra_requirements("of no such name") == ""
