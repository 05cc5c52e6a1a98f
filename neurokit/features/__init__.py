"""Arrays to model inputs. Whatever is estimated from data (thresholds, scales) comes from training trials only."""
