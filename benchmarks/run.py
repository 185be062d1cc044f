"""Run every measurement in a process of its own and write RESULTS.md: ``make benchmark``.

``python -m benchmarks.run score-cam memory`` repeats only the parts whose names begin so; the other figures stay.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from . import report

HERE = Path(__file__).parent
STORE = HERE.parent / "_build" / "benchmark.json"
LOG = STORE.with_suffix(".log")
LIMIT = 900  # seconds a part may take
MEMORY = ("resnet", "plain", "camlib Grad-CAM", "xplique", "tf-keras-vis", "torchcam", "captum", "pytorch-grad-cam")
FIRST = {"tensorflow": ("plain", "camlib Grad-CAM", "camlib CAM", "xplique", "tf-keras-vis", "tf-explain"),
         "torch": ("plain", "torchcam", "captum", "pytorch-grad-cam")}
PACKAGES = ("keras", "tensorflow", "torch", "torchvision", "numpy", "opencv-python-headless", "tf-keras-vis",
            "tf-explain", "xplique", "torchcam", "captum", "grad-cam")


def parts():
    """Yield (name, module, arguments) of every measurement; the name's second word is the framework."""
    for framework in ("tensorflow", "torch", "keras-torch"):
        yield f"grad-cam {framework}", "speed", ("grad-cam", framework)
    for framework in ("tensorflow", "torch"):
        yield f"score-cam {framework}", "speed", ("score-cam", framework)
    for name in ("activation", "sizes", "channels"):
        yield name, "speed", (name,)
    for framework, names in FIRST.items():
        for name in names:
            yield f"first {framework} {name}", "speed", ("first", framework, name)
    for name in MEMORY:
        yield f"memory images {name}", "memory", ("images", name)
    for name in ("camlib", "plain"):
        yield f"memory batch_sizes {name}", "memory", ("batch_sizes", name)
        yield f"memory models {name}", "memory", ("models", name)
    yield "agreement", "agreement", ()


def run(name, module, arguments):
    """Run one part in a fresh process; return what it found, or {"error": why not}."""
    # Keras reads its backend once, and TensorFlow's notes would fill the log.
    backend = {"KERAS_BACKEND": "torch" if "keras-torch" in arguments else "tensorflow"}
    environment = {**os.environ, **backend, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0",
                   "PYTHONWARNINGS": "ignore"}
    try:
        with LOG.open("a") as log:
            print(f"\n== {name}", file=log, flush=True)
            command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
            done = subprocess.run(command, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE, stderr=log,
                                  text=True, timeout=LIMIT, check=True)
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"error": f"not finished after {LIMIT} s"}
    except (subprocess.CalledProcessError, ValueError, IndexError):
        return {"error": LOG.read_text().strip().splitlines()[-1][:150]}


def machine():
    """Return what the figures depend on, {name: value}."""
    import psutil

    found = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"date": str(datetime.date.today()), "processor": found[0] if found else platform.processor(),
            "cores": os.cpu_count(), "memory": f"{psutil.virtual_memory().total / 2 ** 30:.0f} GiB",
            "system": platform.system(), "Python": platform.python_version(),
            "load at the start": f"{os.getloadavg()[0]:.1f}", **versions}


def _lines(path):
    return Path(path).read_text().splitlines() if Path(path).is_file() else []


def main(wanted):
    STORE.parent.mkdir(exist_ok=True)
    LOG.write_text("")
    results = json.loads(STORE.read_text()) if wanted and STORE.is_file() else {}
    results["machine"] = {**machine(), "quick": bool(os.environ.get("BENCHMARK_QUICK"))}
    chosen = [part for part in parts() if not wanted or part[0].startswith(tuple(wanted))]
    for number, part in enumerate(chosen, 1):
        start = time.perf_counter()
        print(f"[{number}/{len(chosen)}] {part[0]} ...", end="", file=sys.stderr, flush=True)
        results[part[0]] = run(*part)
        print(f" {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        STORE.write_text(json.dumps(results))
    text = report.render(results)
    (HERE / "RESULTS.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
