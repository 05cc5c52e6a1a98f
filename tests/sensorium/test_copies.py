"""Trials and neurons that are there twice: left out once and counted; real repeats and chance are not."""

import numpy as np

from neurokit.sensorium.own import from_arrays


def copies(images: np.ndarray, responses: np.ndarray, running: np.ndarray) -> dict[str, str]:
    """The rule by which each trial is left out."""
    omissions = from_arrays(images, responses, running=running)["own"].omissions
    return {name: each.rule for each in omissions if each.pieces == "trials" for name in each.names}


def test_a_trial_of_counts_that_is_there_twice_with_its_image_is_left_out() -> None:
    """Real repeats of an image differ in their counts, and equal counts of two images are chance."""
    random = np.random.default_rng(0)
    images, counts = random.random((40, 20, 30)), random.poisson(4, (40, 30))
    behaviour = random.random(40)
    images[1] = images[0]  # a repeat
    counts[3] = counts[2]  # as by chance
    assert copies(images, counts, behaviour) == {}
    twice = [np.concatenate([each, each[5:7]]) for each in (images, counts, behaviour)]
    assert copies(*twice) == {"40": "doubled", "41": "doubled"}
    moved = np.concatenate([behaviour, behaviour[5:7] + 1])  # other behaviour is another trial
    assert copies(twice[0], twice[1], moved) == {}
    another = np.concatenate([images, images[7:9]])  # and so is another image
    assert copies(another, twice[1], twice[2]) == {}


def test_neurons_of_arrays_that_are_there_twice_are_left_out_and_the_others_are_as_they_were() -> None:
    random = np.random.default_rng(1)
    images, responses = random.random((40, 20, 30)), random.random((40, 5))
    responses[:, 3] = 0  # silent ones are alike, too
    sound = from_arrays(images, np.c_[responses, 0 * responses[:, 0]])["own"]
    found = from_arrays(images, np.c_[responses, 0 * responses[:, 0], responses[:, :2]])["own"]
    assert [(each.rule, each.names) for each in found.omissions] == [("doubled", ("6", "7"))]
    assert sound.omissions == () and np.array_equal(found.unit_ids, sound.unit_ids)
    np.testing.assert_array_equal(found.images, sound.images)
    np.testing.assert_array_equal(found.responses[:, :5], sound.responses[:, :5])
