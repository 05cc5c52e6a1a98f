"""The mouse that writes files: behaviour, stimuli and neurons with known truth, in the real file formats."""
