"""Arrays to model inputs. What is estimated (thresholds, scales) comes from training trials."""
