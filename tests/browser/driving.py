"""Debian's Chromium, without a window."""

from __future__ import annotations

import shutil
from typing import Any

from selenium import webdriver


def chromium() -> Any:
    """A browser that keeps what pages log."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(str(shutil.which("chromedriver")))
    browser = webdriver.Chrome(options=options, service=service)
    browser.set_window_size(1280, 900)
    return browser
