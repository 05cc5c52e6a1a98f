"""What a command writes under a name that its user chose replaces its own files alone."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from neurokit.cli import main
from neurokit.cli.commands import _write_rates
from neurokit.errors import DataError
from neurokit.files.marks import CHECK, check_png

RATES = {"responses": np.ones((3, 2)), "a.b": np.zeros(3)}
SAYS = "is there, and this command did not write it: choose another name"


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_rates_replace_rates_alone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    for times in (1, 2):  # of another model, with other units
        _write_rates(path, {name: np.repeat(values, times, axis=-1)[:3] for name, values in RATES.items()})
    if suffix == ".npz":
        np.savez(path, responses=np.ones(3))
    else:
        path.write_text("time,responses_0\n0,1\n")
    before = path.read_bytes()
    with pytest.raises(DataError, match=SAYS):
        _write_rates(path, RATES)
    assert path.read_bytes() == before


def test_marked_rates_are_read_as_any_npz(tmp_path: Path) -> None:
    _write_rates(tmp_path / "rates.npz", RATES)
    with np.load(tmp_path / "rates.npz") as held:
        assert {name: held[name].tolist() for name in held} == {k: v.tolist() for k, v in RATES.items()}


def test_a_picture_of_ones_own_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    spikes, units = np.linspace(0.0, 60.0, 3000), np.arange(3000) % 5
    np.savez(tmp_path / "m.npz", spike_times=spikes, spike_units=units)
    draw: Callable[[], int] = partial(main, ["check", str(tmp_path / "m.npz"), "--output", str(tmp_path)])
    picture = tmp_path / "m.png"
    for _ in range(2):  # its own is replaced
        assert draw() == 0 and picture.exists()
    picture.unlink()
    plt.figure().savefig(picture)
    before = picture.read_bytes()
    capsys.readouterr()
    assert draw() != 0 and picture.read_bytes() == before
    assert SAYS in capsys.readouterr().err
    with pytest.raises(DataError, match=SAYS):
        check_png(picture, CHECK)
