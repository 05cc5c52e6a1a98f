"""A released twin, opened and asked as its user would, says what the public code makes of the same folder.

Tolerances are those of the goldens' description. Controls change the twin's inputs.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurokit.digital_twin.released import load_released
from neurokit.digital_twin.twin import DigitalTwin

pytestmark = pytest.mark.slow

FRAMES = slice(8)
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    return real_data / "fnn_golden" / "full"


@pytest.fixture(scope="module")
def golden(folder: Path) -> dict[str, np.ndarray]:
    """The first frames of what went in and came out."""
    with np.load(folder / "golden.npz", allow_pickle=False) as file:
        names = [name for name in file if name.startswith("predicted")]
        return {name: file[name][FRAMES] for name in ("stimuli", "perspectives", "modulations", *names)}


@pytest.fixture(scope="module")
def twin(folder: Path) -> DigitalTwin:
    return load_released(folder, 4, 7, device="cpu")


@pytest.fixture(scope="module")
def found(twin: DigitalTwin, golden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Predictions by which inputs of eye and body the twin got."""
    stimulus, pupil, behaviour = (golden[name] for name in ("stimuli", "perspectives", "modulations"))
    inputs = {
        "predicted": (pupil, behaviour),
        "predicted_default": (),
        "predicted_per_only": (pupil,),
        "predicted_mod_only": (None, behaviour),
    }
    return {name: twin.predict(stimulus, *traces) for name, traces in inputs.items()}


GIVEN = ("predicted", "predicted_default", "predicted_per_only", "predicted_mod_only")


@pytest.mark.parametrize("name", GIVEN)
def test_it_predicts_what_the_public_code_does(
    found: dict[str, np.ndarray], golden: dict[str, np.ndarray], name: str
) -> None:
    np.testing.assert_allclose(found[name], golden[name], **TOLERANCE)


@pytest.mark.parametrize("name", GIVEN)
def test_with_other_inputs_it_does_not(
    found: dict[str, np.ndarray], golden: dict[str, np.ndarray], name: str
) -> None:
    for other in set(GIVEN) - {name}:
        assert not np.allclose(found[other], golden[name], rtol=0.01, atol=0.01)


def test_its_units_are_those_of_the_folders_table(twin: DigitalTwin, folder: Path) -> None:
    wanted = pd.read_csv(folder / "units.csv").set_index("readout_id")
    pd.testing.assert_frame_equal(twin.units, wanted[["session", "scan_idx", "unit_id"]])
