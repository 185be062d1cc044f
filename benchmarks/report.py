"""Turn what the measurements found into the text of RESULTS.md."""

from collections import defaultdict

BATCHES = ("1", "8", "32")
LIMITS = {"camlib Grad-CAM": {"1": 1.15, "8": 1.05, "32": 1.05}, "camlib CAM": {"1": 1.15, "8": 1.05, "32": 1.05}}
FRAMEWORKS = {"tensorflow": "TensorFlow", "torch": "PyTorch", "keras-torch": "Keras on PyTorch"}
AGREES = 1e-5


def render(results):
    """Return the whole text; what is missing from ``results`` is left out or called missing."""
    results = defaultdict(dict, results)
    sections = [_machine, targets, _speed, _score, _activation, _first, _memory, _sizes, _agreement]
    return "\n\n".join(section(results) for section in sections) + "\n"


def table(head, rows):
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def ratio(found):
    """[lower quartile, median, upper quartile, rounds] as text; nothing as a dash."""
    return f"**{found[1]:.2f}** ({found[0]:.2f}–{found[2]:.2f})" if found else "–"


def _machine(results):
    found = dict(results["machine"])
    quick = "\n\n**A quick run: too few rounds to quote.**" if found.pop("quick", False) else ""
    return ("# Benchmark results\n\nWritten by `make benchmark`. A ratio is a library's time over the time of the same "
            "network's plain forward pass, timed right before and right after it: median of the rounds (quartiles). "
            "A ratio says what a map adds to a prediction; it does not say which framework is faster. "
            "One well below 1 means that the plain pass itself is slow or unsteady there, not that a map is free."
            f"{quick}\n\n{table(list(found), [list(found.values())])}")


# -- targets -------------------------------------------------------------------------------------------------------


def targets(results):
    """The table of targets: each with what was measured and whether it is met."""
    rows = [*_ratio_targets(results), *_peer_targets(results), *_other_targets(results)]
    return "## Targets\n\n" + table(["target", "measured", "met"],
                                    [[text, measured, "–" if met is None else "yes" if met else "**no**"]
                                     for text, measured, met in rows])


def _ratio_targets(results):
    for name, limits in LIMITS.items():
        for size, limit in limits.items():
            found = _ratios(results["grad-cam tensorflow"], size).get(name)
            yield (f"{name}, batch {size}: at most {limit} forward passes", ratio(found),
                   found and round(found[1], 2) <= limit)
    for network in ("course network", "MobileNetV2"):
        found = results["score-cam tensorflow"].get(network, {}).get("ratios", {}).get("camlib")
        yield (f"Score-CAM, {network}: at most 1.1 × the forward passes of its masked images", ratio(found),
               found and round(found[1], 2) <= 1.1)


def _peer_targets(results):
    for size in BATCHES:
        ours = _ratios(results["grad-cam tensorflow"], size).get("camlib Grad-CAM")
        peers = {name: found[1] for framework in ("tensorflow", "torch")
                 for name, found in _ratios(results[f"grad-cam {framework}"], size).items()
                 if not name.startswith("camlib") and not name.endswith("CAM")}
        best = min(peers, key=peers.get, default=None)
        yield (f"Grad-CAM, batch {size}: ahead of every peer", f"next: {best} {peers[best]:.2f}" if best else "–",
               best and ours and ours[1] < peers[best])


def _other_targets(results):
    rows = [row for row in results["agreement"].get("maps", []) if row[0] in ("grad_cam", "class_activation_map")
            and len(row) > 3]
    worst = max((row[2] for row in rows), default=None)
    yield (f"raw Grad-CAM and CAM maps agree with {len(rows)} others on identical weights to 1e-5",
           "–" if worst is None else f"{worst:.0e}", None if worst is None else worst <= AGREES)
    resized = [max(gaps) for name, gaps in results["agreement"].get("resize", {}).items()
               if "True" not in name and "zoom" not in name]
    yield ("half-pixel resize agrees with OpenCV, TensorFlow, PyTorch to 1e-5",
           f"{max(resized):.0e}" if resized else "–", max(resized) <= AGREES if resized else None)
    grown = results["memory images resnet"]
    yield ("500 images through one process: less than 3 % more memory",
           f"{grown[0]:.0f} → {grown[-1]:.0f} MiB" if isinstance(grown, list) else "–",
           grown[-1] < 1.03 * grown[0] if isinstance(grown, list) else None)


def _ratios(part, size):
    return part.get("tables", {}).get(size, {}).get("ratios", {})


# -- tables --------------------------------------------------------------------------------------------------------


def _speed(results):
    text = ["## Grad-CAM and CAM on ResNet50, 224 pixels",
            "From NumPy images to NumPy maps on both sides. TensorFlow's plain forward pass is one compiled function, "
            "from NumPy to NumPy logits; PyTorch's runs in `eval()` under `no_grad()`. Random weights; one class an "
            "image. Setting up is not timed. *Agreement*: largest difference of the raw map from the closed form "
            "that holds behind an average and one Dense layer, over its largest value."]
    for framework, title in FRAMEWORKS.items():
        part = results[f"grad-cam {framework}"]
        if "error" in part or not part:
            text += [f"### {title}", f"Missing: {part.get('error', 'not run')}"]
            continue
        rows = [["plain forward pass", *(f"{part['tables'][n]['plain_ms']:.0f} ms" for n in BATCHES), "", ""]]
        rows += [[name, *(ratio(_ratios(part, n).get(name)) for n in BATCHES), f"{gap:.0e}", part["notes"][name]]
                 for name, gap in part["agreement"].items()]
        rows += [[name, "fails", "", "", "", f"`{why}`"] for name, why in part["failed"].items()]
        text += [f"### {title}", table(["", "batch 1", "batch 8", "batch 32", "agreement", "note"], rows)]
    return "\n\n".join(text)


def _score(results):
    rows = []
    for framework in ("tensorflow", "torch"):
        for network, found in results[f"score-cam {framework}"].items():
            if network == "error":
                rows.append([f"fails: {found}", FRAMEWORKS[framework], "", "", ""])
                continue
            plain = f"{found['plain_ms']:.0f} ms for {found['masked']} images"
            rows += [[network, name, FRAMEWORKS[framework], ratio(ratios), plain]
                     for name, ratios in found["ratios"].items()]
            rows += [[network, name, FRAMEWORKS[framework], "fails", f"`{why}`"]
                     for name, why in found["failed"].items()]
    return ("## Score-CAM\n\nThe course network (64 maps, four images) and MobileNetV2 (1280 maps, one image), both at "
            "96 pixels. The plain side is the forward passes of the very images that Score-CAM masks, prepared "
            "beforehand, 32 at a time. So the ratio holds what enlarging, masking and collecting cost; the less a "
            "network computes, the more they weigh.\n\n"
            + table(["network", "library", "framework", "ratio", "plain"], rows))


def _activation(results):
    part = results["activation"]
    text = "camlib does not have it yet." if not part or "error" in part else table(
        ["", "ratio"], [[name, ratio(found)] for name, found in part["ratios"].items()])
    return ("## Activation maximisation\n\n32 steps at one channel of MobileNetV2 at 96 pixels, against as many "
            f"compiled forward and backward passes up to the same layer.\n\n{text}")


def _first(results):
    rows = [[FRAMEWORKS[key.split(" ")[1]], key.split(" ", 2)[2],
             f"{found['seconds']:.1f} s" if "seconds" in found else f"fails: {found['error']}"]
            for key, found in results.items() if key.startswith("first ")]
    return ("## The first call\n\nFrom the finished ResNet50 to the first map of one image, in a process that has "
            "computed nothing yet; imports are not counted. A compiled function pays here for what it saves later.\n\n"
            + table(["framework", "library", "first map after"], rows))


def _memory(results):
    cases = {"memory images resnet": "camlib, ResNet50 at 224, 500 images",
             **{f"memory batch_sizes {name}": f"{name}, MobileNetV2, 60 different batch sizes, three times over"
                for name in ("camlib", "plain")}}
    for key in results:
        if key.startswith("memory images ") and key not in cases:
            cases[key] = f"{key.removeprefix('memory images ')}, MobileNetV2 at 96, 500 images"
    rows = [_growth(cases[key], results[key]) for key in cases if results[key]]
    for name in ("camlib", "plain"):
        found = results[f"memory models {name}"]
        if "mib" in found:
            rows.append([*_growth(f"{name}, 20 MobileNetV2 one after another", found["mib"])[:3],
                         f"{found['alive']} of 20 networks still alive at the end"])
    return ("## Memory\n\nMemory of the process (resident, MiB) at the first reading, at the last, and at the highest. "
            "Of 500 images there is a reading after every 50, of 180 batches after every 20, of 20 networks after "
            "each. What is compiled and allocated once is in the first.\n\n"
            + table(["", "first", "last", "highest"], rows))


def _growth(title, found):
    if isinstance(found, dict):
        return [title, "fails", "", found.get("error", "")]
    return [title, f"{found[0]:.0f}", f"{found[-1]:.0f}", f"{max(found):.0f}"]


def _sizes(results):
    text = ["## Cost against image size and number of maps"]
    for key, title in {"sizes": "ResNet50, 4 images; pixels", "channels":
                       "Three convolutions at 64 pixels, 8 images, maps of (16, 16); number of maps"}.items():
        rows = [[n, f"{found['plain_ms']:.1f} ms", *(ratio(r) for r in found["ratios"].values())]
                for n, found in results[key].items() if n != "error"]
        text.append(table([title, "plain", "Grad-CAM", "CAM"], rows))
    text.append("The small network is the worst case: it computes little, and up to half a million numbers an image "
                "(maps, and as many gradients for Grad-CAM) go to NumPy and are checked.")
    return "\n\n".join(text)


def _agreement(results):
    part = results["agreement"]
    if "maps" not in part:
        return f"## Agreement\n\nMissing: {part.get('error', 'not run')}"
    rows = [[*row[:2], f"{row[2]:.0e}", f"{row[3]:.6f}", f"{row[4]:.0e}"] if len(row) > 3 else [*row, "", ""]
            for row in part["maps"]]
    reasons = [[row[0], row[1], row[2], f"{row[3]:.0e}"] for row in part["reasons"]]
    resized = [[name, *(f"{gap:.0e}" for gap in gaps)] for name, gaps in part["resize"].items()]
    return "\n\n".join([
        "## Agreement on identical weights",
        "The course network, eight scenes, the scene's class as target; for PyTorch it is rebuilt with the same "
        "weights. Raw maps, before scaling and resizing; after the ReLU where a library cannot leave it out. "
        "*Difference*: largest, over the largest value; *scaled*: once each map is divided by its largest.",
        table(["camlib", "against", "difference", "correlation", "scaled"], rows),
        "Where a library differs, this is why: its maps were computed anew with exactly that change, and then they "
        "are equal.", table(["method", "library", "what it does otherwise", "difference left"], reasons),
        "Resizing a 7 × 7 map with `camlib.resize_map` against others. The last two lie on a grid aligned at the "
        "corners, on purpose.", table(["", "to 224 × 224", "to 96 × 130"], resized)])
