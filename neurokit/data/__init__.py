"""Files to arrays: downloads, readers and one documented dataclass for each kind of recording."""
