"""The smallest digital twin that the proofs train and ask."""

from neurokit.digital_twin import FoundationSettings

NETWORK = FoundationSettings(
    monitor=(12, 16),
    retina=(8, 12),
    streams=2,
    eye_features=4,
    eye_layers=1,
    modulation_features=2,
    memory_features=2,
    input_kernel=4,
    channels=(4,),
    groups=(1,),
    layers=(1,),
    frames=(2,),
    kernel=(3,),
    pools=(1,),
    features=4,
    hidden=4,
    common=8,
    heads=2,
    outputs=4,
)
