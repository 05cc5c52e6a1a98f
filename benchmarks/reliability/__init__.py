"""Proofs that nothing is lost and nothing is silently wrong, each a command with a result file."""
