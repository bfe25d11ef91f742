"""Makes the documents' pictures of the dashboard from a fresh demo: python -m tools.pictures (it takes a minute)."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tools.machine import find_browser

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "images"
SIZE = (1280, 860)
SCENES = {"customers": "/sandbox/customers", "customer": "/sandbox/customers/northgate-logistics"}


def take(browser: Browser, link: str) -> None:
    """Signs in with the link and takes every scene in light and dark."""
    width, height = SIZE
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US", device_scale_factor=1)
    page = context.new_page()
    page.goto(link)
    page.wait_for_url("**/customers**")
    address = link.partition("/sign-in")[0]
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        for name, path in SCENES.items():
            page.goto(f"{address}{path}")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=PICTURES / f"{name}{'-dark' if theme == 'dark' else ''}.png")
    context.close()


def main() -> None:
    """Starts a demo on a free port, takes the pictures, stops it."""
    chromium = find_browser()
    if chromium is None:
        sys.exit("Chromium is missing: make test says how to get it")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("sumac")), "demo", "--port", "0", "--data-dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
            try:
                lines = iter(demo.stdout.readline, "") if demo.stdout is not None else iter(())
                link = next(found.group() for line in lines if (found := re.search(r"http\S+/sign-in#link=\S+", line)))
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                    take(browser, link)
                    browser.close()
            finally:
                demo.terminate()


if __name__ == "__main__":
    main()
