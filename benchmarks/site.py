"""How fast the built site is: ``python -m benchmarks.site FOLDER`` opens every page of it in Chromium, cold.

The folder is served gzipped from this machine, to a desktop at once and to a phone as a mobile network would.
"""

import functools
import gzip
import io
import statistics
import sys
import tempfile
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests import browsing

RUNS = 3
SETTLED = 1000  # milliseconds after loading
DEVICES = {"desktop": {"viewport": {"width": 1280, "height": 800}},
           "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True}}
MOBILE = {"offline": False, "latency": 60, "downloadThroughput": 10e6 / 8, "uploadThroughput": 5e6 / 8}
WATCH = """
    window.seen = {first: 0, largest: 0, shift: 0};
    const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
        .observe({type, buffered: true});
    watch("paint", (e) => { if (e.name === "first-contentful-paint") seen.first = e.startTime; });
    watch("largest-contentful-paint", (e) => { seen.largest = e.startTime; });
    watch("layout-shift", (e) => { if (!e.hadRecentInput) seen.shift += e.value; });
"""
SCROLL = """async () => {
    for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
        scrollTo(0, y);
        await new Promise((done) => setTimeout(done, 15));
    }
    const shown = [...document.images].filter((picture) => picture.checkVisibility());  // the others never load
    await Promise.all(shown.map((picture) => picture.decode()));
}"""
COLUMNS = {"opened": "kB to open", "whole": "kB read to the end", "requests": "requests",
           "first": "first paint, ms", "largest": "largest paint, ms", "shift": "layout shift"}


def packed(path):
    """The bytes that a good server sends for a file: gzipped where that is shorter."""
    data = Path(path).read_bytes()
    return min(gzip.compress(data, mtime=0), data, key=len)


class Gzipped(SimpleHTTPRequestHandler):
    """Serves files as a good server would."""

    packed = staticmethod(functools.cache(packed))

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return super().send_head()
        body = self.packed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(body)))
        if body[:2] == b"\x1f\x8b" and path.suffix != ".gz":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        return io.BytesIO(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """Lets a browser ask for a page's files at once."""

    request_queue_size = 100


def visit(browser, address, device):
    """What one cold visit costs: kB, requests, milliseconds, layout shift."""
    context = browser.new_context(**DEVICES[device])
    page = context.new_page()
    if device == "phone":
        context.new_cdp_session(page).send("Network.emulateNetworkConditions", MOBILE)
    done = []
    page.on("requestfinished", lambda request: done.append(request))
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_timeout(SETTLED)  # scripts may draw, and ask for fonts, after loading
    opened = len(done)
    page.evaluate(SCROLL)
    page.wait_for_timeout(200)
    kB = [request.sizes()["responseBodySize"] / 1000 for request in done]
    seen = page.evaluate("seen") | {"opened": sum(kB[:opened]), "whole": sum(kB), "requests": opened}
    context.close()
    return seen


def measure(folder):
    """Visit every page of the site on every device; return {device: {page: figures}}, medians of all visits."""
    pages = sorted(str(path.relative_to(folder)) for part in (".", "book", "notebooks")
                   for path in (folder / part).glob("*.html") if "http-equiv=\"Refresh\"" not in path.read_text())
    found = {}
    with (Server(("127.0.0.1", 0), functools.partial(Gzipped, directory=folder)) as server,
          browsing.chromium() as browser):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for device in DEVICES:
            for name in pages:
                visits = [visit(browser, f"http://127.0.0.1:{server.server_port}/{name}", device)
                          for _ in range(RUNS)]
                found.setdefault(device, {})[name] = {key: statistics.median(v[key] for v in visits)
                                                      for key in COLUMNS}
        server.shutdown()
    return found


def table(found):
    """A markdown table: for each device the median of all pages, the largest, and the page that has it."""
    lines = ["| device | what | median page | largest | which |", "|:--|:--|--:|--:|:--|"]
    for device, pages in found.items():
        for key, title in COLUMNS.items():
            most = max(pages, key=lambda name: pages[name][key])
            digits = 3 if key == "shift" else 0
            middle = statistics.median(page[key] for page in pages.values())
            lines.append(f"| {device} | {title} | {middle:.{digits}f} | {pages[most][key]:.{digits}f} | {most} |")
    return "\n".join(lines)


def size(folder):
    """The bytes of all files, unpacked and zipped."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.relative_to(folder))
        return sum(path.stat().st_size for path in files), file.tell()


if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve()
    found = measure(folder)
    unpacked, zipped = size(folder)
    print(table(found))
    print(f"\n{len(found['desktop'])} pages; the whole site is {unpacked / 1e6:.1f} MB, {zipped / 1e6:.1f} MB zipped.")
