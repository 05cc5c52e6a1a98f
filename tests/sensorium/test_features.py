"""Batches of a mouse: how its inputs are scaled, what is read, in which order, and what must never enter."""

import warnings
from dataclasses import replace
from hashlib import blake2b as hashlib_blake2b
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurokit.errors import DataError
from neurokit.sensorium import features as mouse_trials
from neurokit.sensorium.features import (
    InputSettings,
    MouseBatch,
    MouseTrials,
    leave_out_shared,
    scale_behaviour,
    scale_pupil_center,
)
from neurokit.sensorium.past_responses import KNOWN_TIERS, fit_state
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.standardised import response_scale
from neurokit.sensorium.training import task
from tests.sensorium.batch_toys import ALL, dealt, generator, same_batches, shown
from tests.sensorium.toys import PLAIN, STATE, toy_scan

# --- scales, against numbers worked out by hand


BEHAVIOUR = np.array([[10.0, -0.5, -4.0], [30.0, 1.0, 2.0], [20.0, 0.0, 0.0]])
PUPIL_CENTER = np.array([[1.0, -3.0], [2.0, -1.0], [3.0, -2.0]])


def known(**words: list[float]) -> dict[str, np.ndarray]:
    return {word: np.array(values) for word, values in words.items()}


STATISTICS = {
    "behavior": known(
        mean=[20.0, 0.0, 1.0], std=[8.0, 0.5, 2.0], min=[10.0, -0.5, -4.0], max=[30.0, 1.0, 2.0]
    ),
    "pupil_center": known(mean=[2.0, -2.0], std=[0.5, 2.0], min=[1.0, -3.0], max=[3.0, -1.0]),
}


@pytest.fixture
def scan() -> Scan:
    return Scan(
        key="1-2-3",
        images=np.zeros((3, 36, 64), dtype=np.float32),
        responses=np.zeros((3, 2), dtype=np.float32),
        behaviour=BEHAVIOUR,
        pupil_center=PUPIL_CENTER,
        tiers=np.array(["train", "validation", "test"]),
        image_ids=np.arange(3),
        trial_ids=np.arange(3),
        rank=np.arange(3),
        unit_ids=np.array([1, 4]),
        coordinates=np.zeros((2, 3)),
        response_scale=np.ones(2),
        statistics=STATISTICS,
        fingerprint="",
    )


def test_by_standard_deviation(scan: Scan) -> None:
    expected = [[1.25, -1.0, -2.0], [3.75, 2.0, 1.0], [2.5, 0.0, 0.0]]
    scaled = scale_behaviour(scan, "std")
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, expected, rtol=1e-7)


def test_by_range_the_sign_of_running_is_dropped(scan: Scan) -> None:
    """The fastest run is backwards here, -4: it is the 1."""
    expected = [[0.0, -1.0, 1.0], [1.0, 2.0, 0.5], [0.5, 0.0, 0.0]]
    np.testing.assert_allclose(scale_behaviour(scan, "range"), expected, rtol=1e-7)


def test_by_range_of_a_mouse_that_only_runs_forwards(scan: Scan) -> None:
    forwards = STATISTICS["behavior"] | {"min": np.array([10.0, -0.5, 0.0])}
    faster = replace(scan, behaviour=np.abs(BEHAVIOUR), statistics=STATISTICS | {"behavior": forwards})
    np.testing.assert_allclose(scale_behaviour(faster, "range")[:, 2], [2.0, 1.0, 0.0])


def test_the_eye_is_z_scored(scan: Scan) -> None:
    np.testing.assert_allclose(scale_pupil_center(scan), [[-2.0, -0.5], [0.0, 0.5], [2.0, 0.0]])


def test_only_the_published_statistics_count(scan: Scan) -> None:
    """One changed trial changes its own row; a scaling fitted to the trials would move all."""
    changed = BEHAVIOUR.copy()
    changed[2] = [500.0, 50.0, -70.0]
    other = replace(scan, behaviour=changed)
    for kind in ("std", "range"):
        np.testing.assert_array_equal(scale_behaviour(other, kind)[:2], scale_behaviour(scan, kind)[:2])
        assert (scale_behaviour(other, kind)[2] != scale_behaviour(scan, kind)[2]).all()


@pytest.mark.parametrize("kind", ["std", "range"])
def test_a_scan_without_behaviour_gives_zeros(scan: Scan, kind: str) -> None:
    zero = {field: {word: 0 * values for word, values in STATISTICS[field].items()} for field in STATISTICS}
    withheld = replace(scan, behaviour=0 * BEHAVIOUR, pupil_center=0 * PUPIL_CENTER, statistics=zero)
    assert scan.has_behaviour and not withheld.has_behaviour
    with np.errstate(all="raise"):
        assert not scale_behaviour(withheld, kind).any()
        assert not scale_pupil_center(withheld).any()


def test_one_component_without_spread_leaves_the_others(scan: Scan) -> None:
    flat = {word: values * [1, 1, 0] for word, values in STATISTICS["behavior"].items()}
    still = replace(scan, behaviour=BEHAVIOUR * [1, 1, 0], statistics=STATISTICS | {"behavior": flat})
    for kind in ("std", "range"):
        np.testing.assert_array_equal(scale_behaviour(still, kind)[:, :2], scale_behaviour(scan, kind)[:, :2])
        assert not scale_behaviour(still, kind)[:, 2].any()


def test_silent_neurons_are_not_blown_up() -> None:
    """Mean std 2, so the smallest is 0.02; a std of just that counts as below, with the same result."""
    std = np.array([4.0, 3.959, 0.021, 0.02, 0.0, 4.0])
    assert std.mean() == pytest.approx(2.0)
    np.testing.assert_allclose(
        response_scale(std), [0.25, 1 / 3.959, 1 / 0.021, 50.0, 50.0, 0.25], rtol=1e-12
    )


# --- batches


def of_tier(mouse: MouseTrials, tier: str, size: int = 5, seed: int | None = None) -> list[MouseBatch]:
    shuffled = None if seed is None else generator(seed)
    return list(mouse.batches(mouse.trials(tier), size, shuffled))


# --- what is read


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        (InputSettings(), set()),
        (InputSettings(behaviour="std"), {"behaviour"}),
        (InputSettings(pupil_center=True), {"pupil_center"}),
        (InputSettings(history=True), {"history"}),
        (InputSettings(state=True, state_settings=STATE), {"state"}),
        (InputSettings(rank=True), {"rank"}),
        (ALL, {"behaviour", "pupil_center", "history", "state", "rank"}),
    ],
)
def test_a_batch_holds_what_the_settings_ask_for(inputs: InputSettings, names: set[str]) -> None:
    (batch,) = of_tier(MouseTrials(toy_scan(), inputs), "test", size=20)
    assert set(batch.inputs) == {"images"} | names
    assert inputs.uses_past_responses == bool(names & {"history", "state", "rank"})


@pytest.mark.parametrize("kind", ["std", "range"])
def test_each_row_belongs_to_its_trial(kind: str) -> None:
    scan = toy_scan()
    mouse = MouseTrials(scan, ALL.replace(behaviour=kind))
    batches = of_tier(mouse, "train", seed=1)
    trials = shown(scan, batches)
    assert sorted(trials) == np.flatnonzero(scan.tiers == "train").tolist() != trials
    found = {name: torch.cat([batch.inputs[name] for batch in batches]).numpy() for name in batches[0].inputs}
    assert (found["images"] == scan.images[trials]).all()
    assert (found["behaviour"] == scale_behaviour(scan, kind)[trials]).all()
    assert (found["pupil_center"] == scale_pupil_center(scan)[trials]).all()
    assert (found["rank"] == scan.rank[trials]).all()
    assert {batch.key for batch in batches} == {scan.key}


def test_history_and_state_by_hand() -> None:
    """The mean of the last five known responses, and the state of the very last ones."""
    scan = toy_scan()
    (batch,) = of_tier(MouseTrials(scan, ALL), "test", size=20)
    in_time = np.argsort(scan.rank)
    fitted = fit_state(scan.responses, scan.rank, np.isin(scan.tiers, KNOWN_TIERS), STATE)
    for row, trial in enumerate(np.flatnonzero(scan.tiers == "test")):
        past = [t for t in in_time[: scan.rank[trial]] if scan.tiers[t] in KNOWN_TIERS]
        expected = scan.responses[past[-5:]].sum(axis=0) / 5
        assert batch.inputs["history"][row, :, 2].numpy() == pytest.approx(expected, abs=1e-5)
        last = scan.responses[past[-1:]] if past else np.zeros((1, scan.neurons), np.float32)
        assert batch.inputs["state"][row].numpy() == pytest.approx(fitted.states(last)[0], abs=1e-5)


def spoiled(scan: Scan, tier: str) -> Scan:
    changed = scan.responses.copy()
    changed[scan.tiers == tier] = np.random.default_rng(5).gamma(1.0, 9.0, changed[scan.tiers == tier].shape)
    return replace(scan, responses=changed)


@pytest.mark.parametrize("tier", ["test", "train", "validation"])
def test_responses_of_the_test_tier_enter_no_input_of_any_trial(tier: str) -> None:
    scan = toy_scan()
    before, after = (of_tier(MouseTrials(s, ALL), tier, 60)[0].inputs for s in (scan, spoiled(scan, "test")))
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("leaking", ["history", "state"])
def test_a_leak_would_be_seen(monkeypatch: pytest.MonkeyPatch, leaking: str) -> None:
    """The negative control: test trials are taken for known ones."""
    monkeypatch.setattr(mouse_trials, "known_trials", lambda tiers: np.ones(len(tiers), dtype=bool))
    scan = toy_scan()
    scans = scan, spoiled(scan, "test")
    before, after = (of_tier(MouseTrials(s, ALL), "test", 60)[0].inputs for s in scans)
    assert not torch.equal(before[leaking], after[leaking])


def test_responses_of_known_trials_do_enter() -> None:
    scan = toy_scan()
    before, after = (
        of_tier(MouseTrials(s, ALL), "test", 60)[0].inputs for s in (scan, spoiled(scan, "validation"))
    )
    assert not torch.equal(before["history"], after["history"])
    assert not torch.equal(before["state"], after["state"])
    assert torch.equal(before["behaviour"], after["behaviour"])


# --- in which order, and where from


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("size", [1, 4, 7, 100])
def test_resident_and_streamed_batches_are_the_same(
    monkeypatch: pytest.MonkeyPatch, seed: int | None, size: int
) -> None:
    monkeypatch.setattr(mouse_trials, "BLOCK_SIZE", 2)  # of 40 trials; a block ends within the tier
    scan, reads = toy_scan(), []
    resident = MouseTrials(scan, ALL).to("cpu")
    monkeypatch.setattr(mouse_trials, "_count_free_bytes", lambda device: 0)
    streamed = MouseTrials(scan, ALL).to("cpu")
    assert resident.resident and not streamed.resident
    rows = MouseTrials._read_rows
    monkeypatch.setattr(MouseTrials, "_read_rows", lambda *given: reads.append(given[1]) or rows(*given))
    found = of_tier(streamed, "train", size, seed)
    assert [len(block) for block in reads[:-1]] == [2 * size] * (len(reads) - 1)
    assert len(reads) == -(-40 // (2 * size))
    assert same_batches(found, of_tier(resident, "train", size, seed))


def test_any_order_is_kept_where_trials_are_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mouse_trials, "_count_free_bytes", lambda device: 0)
    scan = toy_scan()
    streamed = MouseTrials(scan, ALL).to("cpu")
    order = torch.tensor([9, 3, 58, 3, 0, 41])
    assert shown(scan, list(streamed.batches(order, 4))) == order.tolist()


def test_trials_move_where_their_size_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    mouse = MouseTrials(toy_scan())
    size = 60 * (36 * 64 + 7) * 4
    for free, fits in ((size, True), (size - 1, False)):
        monkeypatch.setattr(mouse_trials, "_count_free_bytes", lambda device, free=free: free)
        assert mouse.to("cpu").resident == fits


def test_only_the_generator_shuffles() -> None:
    scan = toy_scan()
    mouse = MouseTrials(scan)
    torch.manual_seed(1)
    one = of_tier(mouse, "train", seed=2)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert same_batches(one, of_tier(mouse, "train", seed=2))
    assert torch.equal(state, torch.get_rng_state())
    assert not same_batches(one, of_tier(mouse, "train", seed=3))
    assert shown(scan, of_tier(mouse, "train")) == mouse.trials("train").tolist()
    moving = generator(2)
    first, second = (list(mouse.batches(mouse.trials("train"), 5, moving)) for _ in range(2))
    assert same_batches(first, one) and not same_batches(first, second)


def test_the_last_batch_is_smaller_and_weighs_more() -> None:
    """The scale counts all 60 trials, not the 40 of the tier."""
    batches = of_tier(MouseTrials(toy_scan()), "train", size=16)
    assert [len(batch.responses) for batch in batches] == [16, 16, 8]
    assert [batch.scale for batch in batches] == pytest.approx([sqrt(60 / 16), sqrt(60 / 16), sqrt(60 / 8)])


# --- a member's tiers, a state that was fitted before


def test_other_tiers_change_which_trials_are_given_and_not_what_they_read() -> None:
    scan = toy_scan()
    tiers = dealt(scan)
    own, member = MouseTrials(scan, ALL), MouseTrials(scan, ALL, tiers=tiers)
    for tier in ("train", "validation", "test"):
        assert member.trials(tier).tolist() == np.flatnonzero(tiers == tier).tolist()
    assert member.trials("validation").tolist() != own.trials("validation").tolist()
    every = torch.arange(60)
    assert same_batches(list(own.batches(every, 60)), list(member.batches(every, 60)))


def test_tiers_that_hide_known_trials_hide_nothing_from_history() -> None:
    """History and state go by the scan's own tiers: else a trial's input would depend on the member."""
    scan = toy_scan()
    hidden = np.where(scan.tiers == "validation", "final_test", scan.tiers)
    every = torch.arange(60)
    one, other = (list(MouseTrials(scan, ALL, tiers=t).batches(every, 60)) for t in (scan.tiers, hidden))
    assert same_batches(one, other)
    recorded = list(MouseTrials(replace(scan, tiers=hidden), ALL).batches(every, 60))  # the control
    assert not torch.equal(one[0].inputs["history"], recorded[0].inputs["history"])


def test_dealing_anew_shares_the_memory() -> None:
    scan = toy_scan()
    first, tiers = MouseTrials(scan, ALL), dealt(scan)
    second = first.with_tiers(tiers)
    assert same_batches(of_tier(second, "train"), of_tier(MouseTrials(scan, ALL, tiers=tiers), "train"))
    assert second.images.data_ptr() == first.images.data_ptr()
    assert (first.tiers == scan.tiers).all()
    with pytest.raises(DataError, match="3 tiers for 60 trials"):
        first.with_tiers(tiers[:3])


def test_a_given_state_is_used_and_none_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    scan, other = toy_scan(), toy_scan(1)
    given = fit_state(other.responses, other.rank, np.isin(other.tiers, KNOWN_TIERS), STATE)
    own = MouseTrials(scan, ALL)
    monkeypatch.setattr(mouse_trials, "fit_state", lambda *_: pytest.fail("fitted"))
    mouse = MouseTrials(scan, ALL, state=given)
    assert mouse.state is given
    one, two = (of_tier(m, "test", 20)[0].inputs["state"] for m in (own, mouse))
    assert not torch.equal(one, two)


# --- what is refused


def test_a_scan_without_what_is_read_is_refused_in_one_sentence() -> None:
    silent, unordered = toy_scan(behaviour=False), toy_scan(ordered=False)
    for inputs in (InputSettings(behaviour="std"), InputSettings(pupil_center=True)):
        with pytest.raises(DataError, match=r"^Scan 90000-1-1 has no behaviour [^\n]*leave it out[^\n]*\.$"):
            MouseTrials(silent, inputs)
    for inputs in (InputSettings(history=True), InputSettings(state=True), InputSettings(rank=True)):
        with pytest.raises(DataError, match=r"^Scan 90000-1-1 does not tell the order[^\n]*use a [^\n]*\.$"):
            MouseTrials(unordered, inputs)
    assert of_tier(MouseTrials(silent, InputSettings(history=True)), "train")
    assert of_tier(MouseTrials(unordered, InputSettings(behaviour="std", pupil_center=True)), "train")


def test_other_words_and_numbers_of_tiers_are_refused() -> None:
    scan = toy_scan()
    with pytest.raises(DataError, match="59 tiers for 60 trials of scan 90000-1-1; give one each"):
        MouseTrials(scan, tiers=scan.tiers[1:])
    with pytest.raises(DataError, match="'tset' is no tier: choose one of"):
        MouseTrials(scan).trials("tset")
    assert len(MouseTrials(scan).trials("final_test")) == 0


def test_a_mapped_pack_makes_no_warning(tmp_path: Path) -> None:
    scan, mapped = toy_scan(), {}
    for name in ("images", "responses"):
        np.save(tmp_path / f"{name}.npy", getattr(scan, name))
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning, match="not writable"):  # the control
                torch.from_numpy(mapped["images"])
            found = of_tier(MouseTrials(replace(scan, **mapped), ALL), "train")
    finally:
        torch.set_warn_always(before)
    assert same_batches(found, of_tier(MouseTrials(scan, ALL), "train"))


@pytest.mark.parametrize("kind", [np.float64, ">f4", ">f8"])
def test_a_scan_made_by_hand_may_hold_other_numbers(kind: type | str) -> None:
    scan = toy_scan()
    own = replace(scan, images=scan.images.astype(kind), responses=scan.responses.astype(kind))
    found, wanted = (of_tier(MouseTrials(each, ALL), "train") for each in (own, scan))
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one.responses, other.responses)
        assert all(torch.equal(one.inputs[n], other.inputs[n]) for n in ("images", "history", "behaviour"))


def test_tiers_of_unknown_words_are_refused() -> None:
    scan = toy_scan()
    with pytest.raises(DataError, match=r"^tiers hold 'foo' for scan 90000-1-1; use train, [^\n]*\.$"):
        MouseTrials(scan, tiers=np.where(scan.tiers == "test", "foo", scan.tiers))


@pytest.mark.parametrize(("free", "fits"), [(2.1, True), (1.9, False)])
def test_a_mouse_fits_on_a_gpu_where_half_of_what_is_free_holds_it(
    monkeypatch: pytest.MonkeyPatch, free: float, fits: bool
) -> None:
    mouse = MouseTrials(toy_scan())
    size = mouse.images.nbytes + mouse.responses.nbytes
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (int(free * size), 0))
    assert (size <= mouse_trials._count_free_bytes(torch.device("cuda"))) == fits


# --- images that are shown in two parts


def with_shared(scan: Scan, shown: dict[int, int]) -> Scan:
    """The scan with other images in some trials, by the trials whose images they get; ids stay."""
    images = scan.images.copy()
    images[list(shown)] = images[list(shown.values())]
    return replace(scan, images=images)


def test_images_of_a_later_part_are_left_out_of_an_earlier_one() -> None:
    scan = toy_scan()
    train, validation, test = (np.flatnonzero(scan.tiers == tier) for tier in ("train", "validation", "test"))
    shared = with_shared(
        scan, {train[0]: test[0], train[5]: validation[1], validation[2]: test[3], train[7]: train[8]}
    )
    held, omissions = leave_out_shared(shared, shared.tiers)
    gone = np.array([train[0], train[5], validation[2]])
    assert np.array_equal(np.flatnonzero(held == "left_out"), np.sort(gone))
    kept = held != "left_out"
    assert np.array_equal(held[kept], scan.tiers[kept])
    assert {(each.part, each.names, each.number) for each in omissions} == {
        ("validation", (str(validation[2]),), 8),
        ("train", (str(train[0]), str(train[5])), 40),
    }
    assert {(each.rule, each.pieces, each.session) for each in omissions} == {
        ("shown_in_two_parts", "trials", scan.key)
    }


def test_of_a_sound_scan_no_image_is_left_out() -> None:
    """Not even where ids are doubled: the content counts."""
    scan = replace(toy_scan(), image_ids=np.zeros(60, int))
    held, omissions = leave_out_shared(scan, scan.tiers)
    assert np.array_equal(held, scan.tiers) and omissions == ()


@pytest.mark.parametrize("tier", ["test", "final_test"])
def test_an_id_of_several_images_is_refused_before_anything_is_trained(tier: str) -> None:
    sound = toy_scan()
    test = sound.tiers == "test"
    scan = replace(
        sound,
        tiers=np.where(test, tier, sound.tiers),
        image_ids=np.where(test, 77, sound.image_ids),
    )
    says = rf"^Image id 77 of scan 90000-1-1 stands for 4 different images in {tier} trials; give each im"
    with pytest.raises(DataError, match=says):
        task({scan.key: scan}, PLAIN, device="cpu")


def test_an_image_may_have_several_ids_and_an_id_return_in_another_part() -> None:
    """Nor does one pixel make another image."""
    scan = toy_scan()
    train, test = (np.flatnonzero(scan.tiers == tier) for tier in ("train", "test"))
    ids, images = scan.image_ids.copy(), scan.images.copy()
    ids[train[:3]], ids[test[-1]], images[test[0], 5, 5] = ids[test[0]], 9_999, 4
    other = replace(scan, image_ids=ids, images=images)
    assert not np.array_equal(other.image_digests, scan.image_digests)
    (mouse,) = task({scan.key: other}, PLAIN, device="cpu").values()
    assert np.array_equal(mouse.tiers, scan.tiers)


def test_images_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scan, calls = toy_scan(), []
    monkeypatch.setattr("neurokit.sensorium.recording.hashlib.blake2b", _counted(calls))
    for tiers in (scan.tiers, scan.tiers[::-1].copy()):
        leave_out_shared(scan, tiers)
    assert len(calls) == len(scan.tiers)


def _counted(calls: list) -> Any:
    return lambda *given, **options: calls.append(given) or hashlib_blake2b(*given, **options)


@pytest.mark.parametrize("tier", ["train", "validation"])
def test_a_part_whose_images_are_all_shown_elsewhere_is_refused(tier: str) -> None:
    scan = toy_scan()
    trials, test = np.flatnonzero(scan.tiers == tier), np.flatnonzero(scan.tiers == "test")[0]
    shared = with_shared(scan, dict.fromkeys(trials, test))
    says = (
        rf"Every image of the {len(trials)} {tier} trials of scan 90000-1-1 is shown in .* not by trials\.$"
    )
    with pytest.raises(DataError, match=says):
        leave_out_shared(shared, shared.tiers)


def test_trials_that_are_left_out_are_in_no_part_and_no_history() -> None:
    scan = toy_scan()
    gone = np.flatnonzero(scan.tiers == "train")[:3]
    tiers = scan.tiers.copy()
    tiers[gone] = "left_out"
    responses = scan.responses.copy()
    responses[gone] = np.nan
    damaged = replace(scan, tiers=tiers, responses=responses)
    mouse = MouseTrials(damaged, ALL, tiers=tiers)
    assert not set(gone.tolist()) & {
        i for tier in (*KNOWN_TIERS, "test") for i in mouse.trials(tier).tolist()
    }
    for batch in mouse.batches(torch.arange(60), 60):
        assert all(values.isfinite().all() for name, values in batch.inputs.items())
