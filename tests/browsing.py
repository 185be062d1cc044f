"""The built site and a browser to read it with: shared by the tests of the pages and of the live figures."""

import contextlib
import functools
import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


def build(target):
    """Build the book into ``target``, a warning fails; return the folder of its pages."""
    book = subprocess.run([Path(sys.executable).with_name("jupyter-book"), "build", "-W", "-n", "--keep-going",
                           "--path-output", target, ROOT], capture_output=True, text=True)
    assert book.returncode == 0, book.stdout[-3000:] + book.stderr[-3000:]
    return target / "_build" / "html"


def build_once(folder):
    """Build the book into ``folder``, unless another process of this run has: the first builds, the others wait."""
    folder.mkdir(exist_ok=True)
    done = folder / "done"
    with FileLock(folder / "lock"):
        if not done.exists():
            build(folder)
            done.touch()
    return folder / "_build" / "html"


@contextlib.contextmanager
def served(folder):
    """The http address of a folder."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def chromium():
    """A Chromium that can reach nothing but this machine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class LiveFigure:
    """A live figure on its page, operated as a reader would: by keys."""

    def __init__(self, page, name):
        self.page = page
        self.element = page.locator(f"#live-{name}")
        self.widget = self.element.locator(".widget")

    def value(self, name):
        """The number that stands out under this name."""
        return self.numbers(f"[data-value={name}]")[0]

    def numbers(self, selector):
        """The numbers in all elements that fit, in their order."""
        return [float(text.replace("−", "-").rstrip("%")) for text in self.widget.locator(selector).all_text_contents()]

    def press(self, control, *keys):
        """Give a control (a locator or a selector) the focus and press keys, one after the other."""
        control = self.widget.locator(control) if isinstance(control, str) else control
        control.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def named(self, name):
        """The control with this name (label)."""
        return self.widget.get_by_label(name, exact=True)
