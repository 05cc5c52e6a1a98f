"""Checkpoints: what goes in comes out, and nothing else is let through."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from neurokit import __version__
from neurokit.errors import CheckpointError, DiskError
from neurokit.files.sealed import open_json, seal_json
from neurokit.pupil_encoder.model import PupilEncoder, WindowMLP
from neurokit.training import checkpoint
from neurokit.training.predict import predict

SIZES = {"channels": 2, "regions": 3, "hidden": 4, "cell": "gru"}


def encoder(seed: int = 0) -> PupilEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return PupilEncoder(**SIZES)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return checkpoint.save(encoder(), tmp_path / "model", SIZES, best_loss=1.5, region_names=["SCs", "LGd"])


def loads(path: Path, model: PupilEncoder) -> bool:
    """Whether the checkpoint holds this model."""
    inputs = torch.randn(3, 8, 2, generator=torch.Generator().manual_seed(0))
    return torch.equal(predict(checkpoint.load(path, PupilEncoder).model, inputs), predict(model, inputs))


def refused(path: Path, finding: str) -> None:
    with pytest.raises(CheckpointError, match=finding) as found:
        checkpoint.load(path, PupilEncoder)
    assert str(path.with_suffix("")) in str(found.value)
    assert str(found.value).endswith(".") and "\n" not in str(found.value)


@pytest.mark.parametrize("name", ["model", "model.safetensors", "model.json"])
def test_a_model_comes_back_by_any_of_its_names(saved: Path, name: str) -> None:
    found = checkpoint.load(saved.with_name(name), PupilEncoder)
    assert not found.model.training
    assert loads(saved, encoder())
    assert not loads(saved, encoder(seed=1))
    assert (found.facts["best_loss"], found.facts["region_names"]) == (1.5, ["SCs", "LGd"])


def test_numpys_numbers_are_saved_as_numbers(tmp_path: Path) -> None:
    """At any depth, and as keys: a score, a size, a table that is a dictionary of lists."""
    sizes = {"channels": np.int64(2), "regions": np.uint8(3), "hidden": np.int64(4), "cell": np.str_("gru")}
    facts = {
        "score": np.float32(0.5),
        "recipe": {"seed": np.int64(7), "rates": [np.float64(0.25), (np.bool_(True), None)]},
        "of_unit": {np.int64(12): np.float64(0.75)},
    }
    checkpoint.save(encoder(), tmp_path / "model", sizes, **facts)
    found = checkpoint.load(tmp_path / "model", PupilEncoder).facts
    assert loads(tmp_path / "model", encoder()) and found["configuration"] == SIZES
    assert found["recipe"] == {"seed": 7, "rates": [0.25, [True, None]]}
    assert (found["score"], found["of_unit"]) == (0.5, {"12": 0.75})


def test_a_dot_in_the_name_is_part_of_it(tmp_path: Path) -> None:
    path = checkpoint.save(encoder(), tmp_path / "encoder-0.5", SIZES)
    assert path.name == "encoder-0.5.safetensors"
    assert loads(tmp_path / "encoder-0.5", encoder())


def test_the_side_car_is_plain_json_that_says_what_the_weights_are(saved: Path) -> None:
    description = json.loads(saved.with_suffix(".json").read_text())
    assert description["model"] == "neurokit.pupil_encoder.model:PupilEncoder"
    assert description["version"] == __version__
    assert description["configuration"] == SIZES
    assert description["best_loss"] == 1.5
    assert len(description["sha256"]) == 64
    assert sorted(os.listdir(saved.parent)) == ["model.json", "model.safetensors"]


def test_saving_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    model = encoder().train()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    checkpoint.save(model, tmp_path / "model", SIZES)
    assert model.training
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())


@pytest.mark.parametrize("place", [0, 40, -1])
def test_one_changed_byte_is_noticed(saved: Path, place: int) -> None:
    content = bytearray(saved.read_bytes())
    content[place] ^= 1
    saved.write_bytes(content)
    refused(saved, "is damaged or belongs to another side-car")


@pytest.mark.parametrize("text", ["1.5", "PupilEncoder", '"sha256"', "digest", "{", "\n"])
def test_one_changed_character_of_the_side_car_is_noticed(saved: Path, text: str) -> None:
    sidecar = saved.with_suffix(".json")
    content = sidecar.read_bytes()
    place = content.index(text.encode())
    for bit in range(7):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        sidecar.write_bytes(damaged)
        refused(saved, r"model\.json is damaged")


def test_a_truncated_file_is_noticed(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-100])
    refused(saved, "is damaged")


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_half_a_checkpoint_is_none(saved: Path, suffix: str) -> None:
    saved.with_suffix(suffix).unlink()
    refused(saved, rf"model\{suffix} is missing; a checkpoint is a \.safetensors and a \.json file together")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"model": "neurokit.pupil_encoder.model:PupilEncoder"}', "\udcff"]
)
def test_a_damaged_side_car_is_named(saved: Path, text: str) -> None:
    saved.with_suffix(".json").write_bytes(text.encode(errors="surrogateescape"))
    refused(saved, r"model\.json is damaged")


def changed(saved: Path, **facts: object) -> None:
    sidecar = saved.with_suffix(".json")
    sidecar.write_text(seal_json(open_json(sidecar.read_text()) | facts))


def test_a_checkpoint_of_another_class_is_refused(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="holds a PupilEncoder, not a WindowMLP"):
        checkpoint.load(saved, WindowMLP)


def test_a_checkpoint_of_another_version_is_refused(saved: Path) -> None:
    major, minor, _ = __version__.split(".")
    changed(saved, version=f"{major}.{minor}.99")
    assert loads(saved, encoder())  # the first two numbers are the same
    for other in (f"{major}.999.0", "99.0", major, ""):
        changed(saved, version=other)
        refused(saved, rf"written by neurokit {re.escape(other)}, this is {__version__}; fit anew")


@pytest.mark.parametrize(
    "configuration",
    [SIZES | {"hidden": 5}, SIZES | {"cell": "rnn"}, SIZES | {"cell": "transformer"}, SIZES | {"depth": 2},
     SIZES | {"hidden": "many"}, SIZES | {"layers": 2}, {}, [1, 2], None],
)  # fmt: skip
def test_a_configuration_that_the_weights_do_not_fit_is_refused(saved: Path, configuration: object) -> None:
    changed(saved, configuration=configuration)
    refused(saved, r"does not fit the configuration in model\.json")


def test_a_pickle_in_place_of_the_weights_is_not_executed(saved: Path, tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save(Malicious(), saved)
    changed(saved, sha256=checkpoint.hashlib.sha256(saved.read_bytes()).hexdigest())
    refused(saved, "does not fit")
    assert not (tmp_path / "executed").exists()


# --- a second save that does not end well


def on_call(number: int, act: Callable[[], None], function: Callable) -> Callable:
    """`function`, but its call of that number does something else."""
    calls = iter(range(1, 100))

    def called(*arguments: object, **options: object) -> object:
        if next(calls) == number:
            act()
        return function(*arguments, **options)

    return called


def full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("method", ["write_bytes", "write_text", "mkdir"])
def test_a_full_disk_keeps_the_earlier_checkpoint(
    saved: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(Path, method, on_call(1, full_disk, getattr(Path, method)))
    with pytest.raises(DiskError, match=r"could not be written \(No space left"):
        checkpoint.save(encoder(seed=1), saved, SIZES)
    monkeypatch.undo()
    assert loads(saved, encoder(seed=0))
    assert sorted(os.listdir(saved.parent)) == ["model.json", "model.safetensors"]


def test_facts_that_are_no_json_keep_the_earlier_checkpoint(saved: Path) -> None:
    with pytest.raises(TypeError):
        checkpoint.save(encoder(seed=1), saved, SIZES, scale=np.arange(2))
    assert loads(saved, encoder(seed=0))


def test_an_interrupt_between_the_two_names_keeps_the_earlier_checkpoint(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", on_call(3, interrupt, Path.replace))  # the first is of a copy
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(encoder(seed=1), saved, SIZES)
    monkeypatch.undo()
    assert loads(saved, encoder(seed=0))
    checkpoint.save(encoder(seed=1), saved, SIZES)
    assert loads(saved, encoder(seed=1))
    assert sorted(os.listdir(saved.parent)) == ["model.json", "model.safetensors"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.training.test_checkpoint import SIZES, checkpoint, encoder

count, replace = 0, Path.replace

def counting(source, target):
    global count
    count += 1
    if count == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(source, target)

Path.replace = counting
checkpoint.save(encoder(seed=1), sys.argv[1], SIZES)
"""


def test_a_first_side_car_gets_its_name_where_its_process_was_killed(saved: Path) -> None:
    """Killed when the weights had theirs; a side-car of other weights is none."""
    sidecar = saved.with_suffix(".json")
    sidecar.rename(saved.with_name(".model~abcdefgh.json"))
    (saved.parent / ".model~hgfedcba.json").write_text("cut sho")
    assert checkpoint.is_saved(saved) and checkpoint.read_facts(saved)["best_loss"] == 1.5
    assert loads(saved, encoder())
    assert sorted(os.listdir(saved.parent)) == ["model.json", "model.safetensors"]


def test_what_a_killed_saver_left_goes_with_the_next_opening(saved: Path) -> None:
    for name in (".model~before.safetensors", ".model~abcdefgh.safetensors", ".model~abcdefgh.json"):
        shutil.copyfile(saved, saved.with_name(name))
    assert loads(saved, encoder())
    assert sorted(os.listdir(saved.parent)) == ["model.json", "model.safetensors"]


@pytest.mark.slow
@pytest.mark.parametrize("renamings", [1, 2, 3])
def test_a_process_killed_while_it_saves_loses_nothing(saved: Path, root: Path, renamings: int) -> None:
    """Before the first of three renamings, and before the second and third: a copy, weights, side-car."""
    run = subprocess.run([sys.executable, "-c", KILLED, str(saved), str(renamings)], cwd=root)
    assert run.returncode == -signal.SIGKILL
    assert loads(saved, encoder(seed=0))
    checkpoint.save(encoder(seed=1), saved, SIZES)
    assert loads(saved, encoder(seed=1))
    assert sorted(os.listdir(saved.parent)) == ["model.json", "model.safetensors"]


SAVER = """
import sys
from tests.training.test_checkpoint import SIZES, checkpoint, encoder

for _ in range(30):
    checkpoint.save(encoder(seed=int(sys.argv[2])), sys.argv[1], SIZES)
"""


@pytest.mark.slow
def test_two_savers_and_a_reader_never_meet_half_a_checkpoint(saved: Path, root: Path) -> None:
    command = [sys.executable, "-c", SAVER, str(saved)]
    inputs = torch.randn(3, 8, 2, generator=torch.Generator().manual_seed(0))
    either = [predict(encoder(seed=seed), inputs) for seed in (0, 1)]
    savers = [subprocess.Popen([*command, str(seed)], cwd=root) for seed in (0, 1)]
    while any(saver.poll() is None for saver in savers):
        found = predict(checkpoint.load(saved, PupilEncoder).model, inputs)
        assert any(torch.equal(found, whole) for whole in either)
    assert [saver.returncode for saver in savers] == [0, 0]
    assert sorted(os.listdir(saved.parent)) == ["model.json", "model.safetensors"]


# --- fingerprints


def test_a_fingerprint_tells_values_shapes_kinds_and_order_apart() -> None:
    one, two = np.arange(6.0), np.ones(3)
    others = [(one + 1e-12, two), (one.reshape(2, 3), two), (one.astype(np.float32), two), (two, one), (one,)]
    found = {checkpoint.fingerprint(*arrays) for arrays in [(one, two), *others]}
    assert len(found) == len(others) + 1


def test_a_fingerprint_does_not_tell_memory_layouts_apart() -> None:
    values = np.arange(6.0).reshape(2, 3)
    assert checkpoint.fingerprint(values) == checkpoint.fingerprint(np.asfortranarray(values))
    assert len(checkpoint.fingerprint(values)) == 16
