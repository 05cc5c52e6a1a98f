"""Steps over several mice: how long an epoch is, in which order, and what must never enter."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurokit.errors import DataError
from neurokit.sensorium.features import InputSettings, ManyMice, MouseBatch, MouseTrials
from tests.sensorium.batch_toys import ALL, dealt, generator, same, shown
from tests.sensorium.toys import STATE, toy_scan, toy_scans


def many(inputs: InputSettings = InputSettings()) -> ManyMice:  # noqa: B008  frozen
    """40, 28 and 16 training trials."""
    mice = {key: MouseTrials(scan, inputs) for key, scan in toy_scans((0, 1, 2)).items()}
    assert [len(mouse.trials("train")) for mouse in mice.values()] == [40, 28, 16]
    return ManyMice(mice)


@pytest.mark.parametrize(("size", "steps"), [(16, 3), (8, 5), (40, 1), (100, 1), (39, 2)])
def test_an_epoch_is_as_long_as_the_longest_mouse(size: int, steps: int) -> None:
    mice = many()
    epoch = list(mice.steps(size, generator()))
    assert len(epoch) == steps
    assert all([batch.key for batch in step] == list(mice.mice) for step in epoch)


def test_the_longest_mouse_is_seen_once_and_the_others_start_anew_in_another_order() -> None:
    mice = many()
    epoch, keys = list(mice.steps(8, generator())), list(mice.mice)
    seen = {key: shown(mice.mice[key].scan, [step[n] for step in epoch]) for n, key in enumerate(keys)}
    train = {key: mouse.trials("train").tolist() for key, mouse in mice.mice.items()}
    assert sorted(seen[keys[0]]) == train[keys[0]]
    middle, least = seen[keys[1]], seen[keys[2]]  # 28 = 8 + 8 + 8 + 4, then 8; 16 = 8 + 8, twice, then 8
    assert sorted(middle[:28]) == train[keys[1]] and len(middle) == 36
    assert sorted(least[:16]) == sorted(least[16:32]) == train[keys[2]] and len(least) == 40
    assert least[:16] != least[16:32]
    assert max(Counter(middle[28:]).values()) == 1


def test_no_trial_of_another_tier_is_ever_used() -> None:
    mice, moving = many(), generator()
    for _ in range(4):
        for step in mice.steps(8, moving):
            for batch in step:
                scan = mice.mice[batch.key].scan
                assert set(scan.tiers[shown(scan, [batch])]) == {"train"}


def test_epochs_differ_and_the_seed_decides() -> None:
    mice, moving = many(), generator(3)

    def epoch(source: torch.Generator) -> list[MouseBatch]:
        return [batch for step in mice.steps(8, source) for batch in step]

    first, second = epoch(moving), epoch(moving)
    assert same(first, epoch(generator(3))) and not same(first, second)
    assert not same(first, epoch(generator(4)))


def test_the_fingerprint_tells_scans_tiers_inputs_and_states_apart() -> None:
    scan, fitted = toy_scan(), MouseTrials(toy_scan(1), ALL).state

    def of(mouse: MouseTrials, **options: str) -> str:
        return ManyMice({mouse.scan.key: mouse}, **options).fingerprint()

    changed = [
        of(MouseTrials(scan, ALL)),
        of(MouseTrials(scan, ALL.replace(behaviour="std"))),
        of(MouseTrials(scan, ALL.replace(rank=False))),
        of(MouseTrials(scan, ALL.replace(state_settings=STATE.replace(seed=1)))),
        of(MouseTrials(scan, ALL, state=fitted)),
        of(MouseTrials(scan, ALL, tiers=dealt(scan))),
        of(MouseTrials(replace(scan, fingerprint="another"), ALL)),
        of(MouseTrials(replace(scan, key="another"), ALL)),
        of(MouseTrials(scan, ALL), tier="validation"),
        of(MouseTrials(scan, ALL), note="another config"),
        many(ALL).fingerprint(),
    ]
    assert len(set(changed)) == len(changed)
    assert changed[0] == of(MouseTrials(toy_scan(), ALL).to("cpu", most_bytes=0))


def test_mice_without_trials_to_train_on_are_refused() -> None:
    """An endless stream of nothing would never end."""
    scan = toy_scan()
    empty = MouseTrials(scan, tiers=np.where(scan.tiers == "train", "test", scan.tiers))
    with pytest.raises(DataError, match=r"^Scan b has no trials of tier 'train'; give scans [^\n]*\.$"):
        ManyMice({"a": MouseTrials(scan), "b": empty})
    with pytest.raises(DataError, match="Without a scan there are no trials of tier 'train'"):
        ManyMice({})
