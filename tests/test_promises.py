"""What the original systems promise to show, and the cell of a lesson that shows it."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
CODE, TEXT = "code", "markdown"

# Promise: number of the lesson, kind of the cell, and a pattern that its source holds.
PROMISES = {
    # PupilEncoder
    "the recording is downloaded by a command": ("01", TEXT, r"neurokit pupil-encoder data --source full"),
    "a causal boxcar": ("02", CODE, r"causal_boxcar\("),
    "a recurrent network with a softplus": ("03", TEXT, r"\*softplus\*"),
    "regional firing rates from the pupil, R² of each": ("03", CODE, r"score_table\("),
    "several deep methods compared": ("03", TEXT, r"encoder_families"),
    "TPE by hyperopt": ("04", CODE, r"fmin\(.*algo=tpe\.suggest"),
    "integrated gradients by captum": ("05", TEXT, r"\[captum\]"),
    "credit to its authors": ("03", TEXT, r"Neuromatch Academy"),
    # SENSORIUM 2022, Model 4
    "step 1, regressors": ("07", TEXT, r"Step 1 of the three: the regressors"),
    "step 2, five models": ("07", CODE, r"train_ensemble\(.*members=5"),
    "step 3, the submission file": ("07", CODE, r"write_submission\("),
    "behaviour from 0 to 1": ("07", TEXT, r"1 · Behaviour from 0 to 1"),
    "hyper-parameters as published": ("07", TEXT, r"2 · Hyper-parameters.*7 \| 10"),
    "history": ("07", CODE, r"HistoryBank\("),
    "behavioural state": ("07", CODE, r"nnls\("),
    "gain": ("07", CODE, r"gain\.of_trial\("),
    "another seed and split of each member": ("07", TEXT, r"`test` stays\s+where it is"),
    # V1 Transformer
    "the model as its public description has it": ("08", TEXT, r"as described"),
    "running modulates the responses": ("08", CODE, r"modulation\.of_running\("),
    "mean absolute error": ("08", TEXT, r"`absolute_error`"),
    # Foundation model, six demos
    "demo: get it": ("09", CODE, r"load_pretrained\("),
    "demo: use it": ("09", CODE, r"twin\.predict\(.*twin\.respond\("),
    "demo: its computed properties": ("09", CODE, r"direction_properties\("),
    "demo: prepare a recording": ("09", CODE, r"write_recording\("),
    "demo: train": ("09", CODE, r"train_twin\("),
    "demo: evaluate": ("09", CODE, r"score_table\("),
}


def cells(number: str, kind: str, pattern: str, folder: Path = NOTEBOOKS) -> list[int]:
    """The places of the cells of a lesson that hold the pattern."""
    (path,) = folder.glob(f"{number}_*.ipynb")
    found = enumerate(nbformat.read(path, as_version=4).cells)
    return [
        place
        for place, cell in found
        if cell.cell_type == kind and re.search(pattern, cell.source, re.DOTALL)
    ]


@pytest.mark.parametrize("promise", PROMISES)
def test_a_cell_keeps_the_promise(promise: str) -> None:
    assert cells(*PROMISES[promise])


def test_a_promise_that_no_cell_keeps_is_noticed() -> None:
    assert not cells("04", CODE, r"fmin\(.*algo=anneal\.suggest")
