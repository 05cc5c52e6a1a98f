"""Where each lesson's model pays: its score beside a simple rival and the ceiling, by amount of data."""
