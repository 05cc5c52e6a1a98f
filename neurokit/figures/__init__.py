"""Pictures: one style, named axes with units, every score beside what it is measured against."""
