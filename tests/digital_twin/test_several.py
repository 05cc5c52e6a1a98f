"""Training with a process for each mouse: the weights of one process, and what is said when one fails."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, distributed, multiprocessing

from neurokit.digital_twin import several
from neurokit.digital_twin.checkpoints import open_twin
from neurokit.digital_twin.clips import Cohort, MouseClips
from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.recording import load_trials
from neurokit.digital_twin.several import join_group, keep_equal, train_in_processes
from neurokit.digital_twin.training import ClipLoss, ClippedDescent, CohortNetwork, train_cohort
from neurokit.distributed.processes import EpochStates
from neurokit.errors import DataError, DiskError, FitError, SettingsError
from tests.digital_twin.toys import CONFIG, toy_network, toy_recording, toy_trials, train_apart, weights

BRISK = CONFIG.replace(cycles=CONFIG.cycles.replace(learning_rate=0.3))
SHARED = ("core.", "modulation.lstm.")


def furthest(one: dict[str, Tensor], two: dict[str, Tensor], names: list[str]) -> float:
    """The largest difference of any tensor, relative to the length of that tensor."""
    return max(float((one[n] - two[n]).norm() / one[n].norm().clamp_min(1e-12)) for n in names)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    parent = tmp_path_factory.mktemp("mice")
    for seed, mouse in enumerate("ab"):
        toy_recording(parent / mouse, units=3 + seed, seed=seed)
    return {mouse: parent / mouse for mouse in "ab"}


@pytest.fixture(scope="module")
def together(folders: dict[str, Path]) -> dict[str, FoundationNetwork]:
    """Both mice trained in this process."""
    recordings = {mouse: load_trials(folder) for mouse, folder in folders.items()}
    return dict(train_cohort(recordings, BRISK, device="cpu", show_progress=False).model.mice)


def compared(together: dict[str, FoundationNetwork], output: Path) -> dict[str, float]:
    """How far saved networks are from those trained together, in the shared part and in each mouse's own."""
    found = {}
    for mouse, network in together.items():
        saved, one = weights(open_twin(output / mouse).network), weights(network)
        numbers = [name for name, values in one.items() if values.is_floating_point()]
        shared = [name for name in numbers if name.startswith(SHARED)]
        found[f"{mouse} shared"] = furthest(one, saved, shared)
        found[f"{mouse} own"] = furthest(one, saved, [name for name in numbers if name not in shared])
    return found


def test_two_processes_find_the_weights_of_one(
    folders: dict[str, Path], together: dict[str, FoundationNetwork], tmp_path: Path
) -> None:
    paths = train_in_processes(folders, BRISK, tmp_path, device="cpu")
    assert list(paths) == ["a", "b"] and all(path.is_file() for path in paths.values())
    assert max(compared(together, tmp_path).values()) < 1e-6
    a, b = (weights(open_twin(path).network) for path in paths.values())
    assert all(torch.equal(a[name], b[name]) for name in a if name.startswith(SHARED))
    assert not list(tmp_path.glob("*unfinished*"))
    start = weights(several.build_network(3, BRISK.network, seed=BRISK.seed))
    assert furthest(start, a, [name for name in start if name.startswith("core.feedforward.out")]) > 1e-4


def test_without_a_mean_of_gradients_they_differ(
    folders: dict[str, Path], together: dict[str, FoundationNetwork], tmp_path: Path
) -> None:
    (meeting := tmp_path / "meeting").mkdir()
    multiprocessing.spawn(train_apart, (folders, BRISK, tmp_path, meeting), nprocs=2)
    found = compared(together, tmp_path)
    assert found["a shared"] > 1e-4 and found["b shared"] > 1e-4


# --- one step by hand


def shared_after_a_step(order: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The shared part after a first step of two mice: as trained, and worked out from the formula."""
    config = BRISK.replace(sgd=BRISK.sgd.replace(clip=0.001, eps=1e-4))
    model = CohortNetwork({"a": toy_network(), "b": toy_network(units=4, seed=1)}).train()
    mice = [MouseClips(m, toy_trials(units=3 + s, seed=s), config) for s, m in enumerate("ab")]
    before = weights(model.mice["a"])
    rules = model.mice["a"].update_rules()
    optimizer, _ = ClippedDescent(config)(model, config.fit_settings)
    parts: list[dict[str, Tensor]] = []
    step = next(Cohort(mice, config).steps(2, torch.Generator().manual_seed(0), 0))
    for clips in (replace(clips, stream=0) for clips in step):
        known = {n: p.grad.clone() for n, p in model.mice["a"].named_parameters() if p.grad is not None}
        total, number = ClipLoss(config.burn_in)(model, clips)
        (total / number).backward()
        now = {n: p.grad for n, p in model.mice["a"].named_parameters() if p.grad is not None}
        parts.append({n: g - known.get(n, 0) for n, g in now.items() if n.startswith(SHARED)})
    optimizer.step()
    rate, sgd = optimizer.param_groups[0]["lr"], config.sgd

    def clipped(name: str, gradient: Tensor) -> Tensor:
        value, over = before[name], rules[name].norm_over or tuple(range(before[name].ndim))
        own, length = (x.square().sum(over, keepdim=True).sqrt() for x in (value, gradient))
        longest = (sgd.clip * own).clamp_min(sgd.eps * value.numel() ** 0.5)
        return gradient * longest / length.maximum(longest)

    def changed(name: str) -> Tensor:
        if order == "mean, then clipped":
            change = clipped(name, sum(part[name] for part in parts) / 2)
        else:
            change = sum(clipped(name, part[name]) for part in parts) / 2
        decay = sgd.decay * before[name] if rules[name].decay else 0
        return before[name] - rate * ((1 + sgd.momentum) * change + decay)

    after = weights(model.mice["a"])
    return after, {name: changed(name) for name in parts[0]}


def test_shared_gradients_are_averaged_and_then_clipped() -> None:
    after, expected = shared_after_a_step("mean, then clipped")
    assert len(expected) > 10
    for name, values in expected.items():
        torch.testing.assert_close(after[name], values, rtol=1e-6, atol=1e-7)
    after, expected = shared_after_a_step("clipped, then mean")
    apart = [float((after[name] - values).abs().max()) for name, values in expected.items()]
    assert max(apart) > 1e-5


# --- going on together


@pytest.fixture
def alone(tmp_path: Path) -> None:
    """This process as a group of one."""
    with join_group("cpu", init_method=(tmp_path / "meet").as_uri(), rank=0, world_size=1):
        yield


def test_a_broken_off_run_goes_on_from_the_last_epoch_of_all(
    alone: None, folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mouse, config = {"a": folders["a"]}, BRISK.with_epochs(3)
    whole = several.train_my_mouse(mouse, config, tmp_path / "whole", device="cpu")

    class Killed(EpochStates):
        def keep(self, epoch: int) -> None:
            super().keep(epoch)
            if epoch == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(several, "EpochStates", Killed)
        several.train_my_mouse(mouse, config, tmp_path / "killed", device="cpu")
    left = sorted(path.name for path in (tmp_path / "killed").iterdir())
    assert left == ["a.unfinished", "a.unfinished-1"]
    (tmp_path / "killed" / "a.unfinished").write_bytes(b"of an epoch that others had not closed")
    resumed = several.train_my_mouse(mouse, config, tmp_path / "killed", device="cpu")
    one, two = (weights(open_twin(path).network) for path in (whole, resumed))
    assert all(torch.equal(values, two[name]) for name, values in one.items())
    assert not list((tmp_path / "killed").glob("*unfinished*"))


def test_processes_agree_on_the_last_epoch_that_all_have(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one was killed before it had closed epoch 4."""
    for epoch in (3, 4):
        (tmp_path / f"a.unfinished-{epoch}").write_text(f"epoch {epoch}")
    (tmp_path / "ab.unfinished-9").write_text("of another mouse")
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)

    def gather(everyone: list[set[int]], own: set[int]) -> None:
        everyone[:] = [own, {2, 3}]

    monkeypatch.setattr(distributed, "all_gather_object", gather)
    assert EpochStates(tmp_path / "a").start().read_text() == "epoch 3"
    left = sorted(path.name for path in tmp_path.iterdir() if "unfinished" in path.name)
    assert left == ["a.unfinished", "a.unfinished-3", "ab.unfinished-9"]


def test_what_mice_share_may_not_come_apart(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.full((2, 2), 2.0))]
    keep_equal(shared)
    monkeypatch.setattr(distributed, "broadcast", lambda values, src: values.mul_(1 + 1e-6))
    keep_equal(shared)
    assert shared[1].shape == (2, 2) and shared[1].mean().item() == pytest.approx(2.000002, abs=1e-7)
    monkeypatch.setattr(distributed, "broadcast", lambda values, src: values.mul_(1.1))
    with pytest.raises(FitError, match=r"^The shared weights differ in process 0: [^\n]*\.$"):
        keep_equal(shared)


# --- what goes wrong


def test_an_error_in_a_process_is_its_own_sentence(folders: dict[str, Path], tmp_path: Path) -> None:
    damaged = shutil.copytree(folders["b"], tmp_path / "damaged")
    for file in (damaged / "units").iterdir():
        file.unlink()
    with pytest.raises(DataError) as caught:
        train_in_processes({"a": folders["a"], "b": damaged}, BRISK, tmp_path / "out", device="cpu")
    assert "\n" not in str(caught.value) and f"{damaged / 'units'} lacks 0" in str(caught.value)


def test_numbers_of_processes_and_devices_that_cannot_be(
    alone: None, folders: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="There are 1 processes for 2 mice"):
        several.train_my_mouse(folders, BRISK, tmp_path, device="cpu")
    with pytest.raises(SettingsError, match="There is no mouse"):
        train_in_processes({}, BRISK, tmp_path)
    with pytest.raises(SettingsError, match="device is 'mps'; use one of auto, cpu, cuda"):
        train_in_processes(folders, BRISK, tmp_path, device="mps")


def test_the_command_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """As torchrun starts it, with one process."""
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(several, "join_group", lambda device: join_group(device, **alone_in(tmp_path)))
    given = [f"a={tmp_path / 'nothing'}", "--output", str(tmp_path / "out"), "--device", "cpu"]
    assert several.main(given) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert str(tmp_path / "nothing") in said
    distributed.destroy_process_group()
    with pytest.raises(SystemExit):
        several.main(["nofolder", "--output", str(tmp_path)])
    assert "'nofolder' is not MOUSE=FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--epochs", "-5"], "epochs is -5; use a whole number of 1 or more."),
        (["--epochs", "0"], "epochs is 0; use a whole number of 1 or more."),
        (["--seed", "-1"], "seed is -1; use a whole number from 0 to 2^31 - 1."),
        (["a=other"], "There are 2 mice with the name 'a': give each its own name."),
        (["b.c=other"], "A mouse cannot have the name 'b.c': use letters, digits and hyphens."),
        (["../b=other"], "A mouse cannot have the name '../b': use letters, digits and hyphens."),
        (["keys=other"], "A mouse cannot have the name 'keys': use letters, digits and hyphens."),
    ],
)
def test_the_command_refuses_before_a_process_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, change: list, says: str
) -> None:
    monkeypatch.setattr(several.multiprocessing, "spawn", lambda *_, **__: pytest.fail("a process started"))
    assert several.main(["a=folder", *change, "--output", str(tmp_path), "--device", "cpu"]) == 1
    assert capsys.readouterr().err == f"{says}\n"


@pytest.mark.parametrize("inside", ["", "deep/er"])
def test_an_output_that_is_a_file_is_refused(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    monkeypatch.setattr(several.multiprocessing, "spawn", lambda *_, **__: pytest.fail("a process started"))
    (taken := tmp_path / "taken").write_text("mine")
    with pytest.raises(DiskError, match=r"taken is a file, and the twins need a folder: name another"):
        train_in_processes(folders, BRISK, taken / inside, device="cpu")
    assert taken.read_text() == "mine"


def alone_in(folder: Path) -> dict[str, object]:
    return {"init_method": (folder / "meet").as_uri(), "rank": 0, "world_size": 1}
