"""The live figure of chapter 10: for every threshold its box, areas and IoU are camlib's, and so is the set's best."""

import functools

import numpy as np
import pytest

from book.live import boxes as figure
from camlib.localization import (
    bounding_boxes,
    box_accuracy,
    box_hits,
    box_masks,
    intersection_over_union,
    max_box_accuracy,
)

THRESHOLDS = figure.THRESHOLDS
six, whole_set = functools.cache(figure.six), functools.cache(figure.whole_set)


@pytest.fixture
def boxes(live):
    return live("boxes", "10_localization")


def shown(boxes):
    """All that the figure shows at this moment, asked for at once."""
    return boxes.widget.evaluate("""widget => {
        const all = (selector) => [...widget.querySelectorAll(selector)];
        return {
            t: Number(widget.querySelector("output").textContent),
            others: all("path.other").length,
            boxes: all("rect.found").map((r) => [r.x, r.y, r.width, r.height].map((side) => side.baseVal.value)),
            found: all(".choice [role=img]").map((mark) => mark.ariaLabel === "found"),
            ...Object.fromEntries(all("[data-value]").map((v) => [v.dataset.value, parseFloat(v.textContent)])),
        };
    }""")


def drawn(boxes, n):
    """The heights, 0 to 1, of the n-th curve."""
    lines, levels = ([path.get_attribute("d") for path in boxes.widget.locator(f"path.{name}").all()]
                     for name in ("curve", "axis"))
    zero, _, one = (float(level.split("H")[0].split()[1]) for level in levels[3 * n:3 * n + 3])
    return [(float(point.split()[1]) - zero) / (one - zero) for point in lines[n][1:].split("L")]


def overlap(n, t):
    """Boxes at t and IoU of the n-th of the six scenes."""
    scenes, maps = six()
    found = bounding_boxes(maps[n], t)
    return found, intersection_over_union(found[0], scenes.boxes[n])


def test_box_areas_and_iou(boxes):
    """In all six scenes by key from Home to End and back a bit; every threshold by the curve.

    At 0.30 only a corner connects two regions of the fish; at 0.97 and 0.99 the leaf's two largest are equally large.
    """
    scenes, maps = six()
    keys = ["Home", *["PageUp"] * 3, "ArrowLeft", *["PageUp"] * 6, "End", *["ArrowLeft"] * 7]
    steps = [1, 11, 21, 31, 30, *range(40, 100, 10), *range(100, 92, -1)]
    for n, truth in enumerate(scenes.boxes):
        boxes.press(f"input[type=radio] >> nth={max(n - 1, 0)}", *["ArrowRight"] * bool(n))
        for key, step in zip(keys, steps, strict=True):
            boxes.press("input[type=range]", key)
            t, state = step / 100, shown(boxes)
            found, iou = overlap(n, t)
            one, true = box_masks([found[0], truth], 96)
            x0, y0, x1, y1 = found[0]
            assert (state["t"], state["others"]) == (t, len(found) - 1)
            assert state["boxes"] == [[x0, y0, x1 - x0, y1 - y0]] * 4, "in both pictures, each with its edge"
            assert (state["both"], state["union"]) == ((one & true).sum(), (one | true).sum())
            assert abs(state["iou"] - iou) <= 0.0005 + 1e-9
            assert state["found"] == box_hits(maps, scenes.boxes, t).tolist()
            assert state["count"] == sum(state["found"])
        np.testing.assert_allclose(drawn(boxes, 0), [overlap(n, t)[1] for t in THRESHOLDS], rtol=0, atol=0.001)


def test_the_curve_of_the_set_and_its_best_threshold(boxes):
    """Share of found boxes for each t; where it is largest; and that a t for each picture is more."""
    others, maps = whole_set()
    shares = [box_accuracy(maps, others.boxes, t) for t in THRESHOLDS]
    np.testing.assert_allclose(drawn(boxes, 1), shares, rtol=0, atol=0.001)
    for key, t in (("End", 1), ("PageDown", 0.9), ("ArrowLeft", 0.89), ("Home", 0.01), ("PageUp", 0.11)):
        boxes.press("input[type=range]", key)
        state = shown(boxes)
        assert (state["t"], state["share"]) == (t, pytest.approx(100 * shares[THRESHOLDS.index(t)]))
    most, best = max_box_accuracy(maps, others.boxes, THRESHOLDS)
    boxes.press("input[type=checkbox]", "Space")
    assert shown(boxes)["common"] == best
    each = np.mean([box_hits(maps, others.boxes, t) for t in THRESHOLDS], axis=0) > 0
    assert shown(boxes)["share"] == pytest.approx(100 * each.mean()) and each.mean() > most
    boxes.press("input[type=checkbox]", "Space")
    assert (shown(boxes)["t"], shown(boxes)["share"]) == (best, pytest.approx(100 * most))


def test_a_threshold_for_each_picture_flatters(boxes):
    """In each scene its best t, and what that gains over the set's; more of the six are found than by any one t."""
    scenes, maps = six()
    boxes.press("input[type=checkbox]", "Space")
    common = shown(boxes)["common"]
    for n in range(len(maps)):
        boxes.press(f"input[type=radio] >> nth={max(n - 1, 0)}", *["ArrowRight"] * bool(n))
        ious = [overlap(n, t)[1] for t in THRESHOLDS]
        state = shown(boxes)
        assert state["t"] == THRESHOLDS[int(np.argmax(ious))]
        assert abs(state["iou"] - max(ious)) <= 0.0005 + 1e-9
        assert abs(state["gain"] - (max(ious) - overlap(n, common)[1])) <= 0.0005 + 1e-9
        assert state["count"] == 6 > max(box_hits(maps, scenes.boxes, t).sum() for t in THRESHOLDS)
    boxes.press("input[type=range]", "ArrowRight")
    assert not boxes.widget.locator("input[type=checkbox]").is_checked(), "the reader's own t again"
