"""The mouse that writes files: behaviour, stimuli and neurons of known truth, in real formats."""
