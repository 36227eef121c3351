"""Where the browser of the browser tests is."""

import shutil


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome of this machine, the one without windows first, or none."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)
