"""PupilEncoder: regional firing rates from pupil and behaviour (Steinmetz et al., 2019)."""
