"""Proofs that no run and no file is lost: works that are killed, that race, and what all checks cost."""
