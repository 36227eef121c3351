"""Legal holds as people set and release them; what they do to the archive is in ``audit.holds``."""
