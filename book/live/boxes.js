"use strict";

live.figure("boxes", (widget, data) => {
  const { make, draw, number, value } = live;
  const size = 96; // pixels a side; a threshold is `step` per cent of the map's maximum, 1 to 100
  const steps = Array.from({ length: 100 }, (_, k) => k + 1);
  const known = data.scenes.map(() => []); // what each threshold gave, so that it is computed once
  let scene = 0, step = data.paper;

  // The connected regions of the pixels at or above the threshold, largest first; corners connect.
  function regions(map, step) {
    const seen = new Uint8Array(size * size), found = [];
    for (let start = 0; start < size * size; start++) {
      if (map[start] < step || seen[start]) continue;
      const pixels = [start];
      seen[start] = 1;
      for (const p of pixels) { // grows while it is walked through
        const x = p % size, y = (p - x) / size;
        for (let b = Math.max(y - 1, 0); b <= Math.min(y + 1, size - 1); b++) {
          for (let a = Math.max(x - 1, 0); a <= Math.min(x + 1, size - 1); a++) {
            const q = b * size + a;
            if (map[q] >= step && !seen[q]) { seen[q] = 1; pixels.push(q); }
          }
        }
      }
      found.push({ pixels, box: boxAround(pixels) });
    }
    return found.sort((r, s) => s.pixels.length - r.pixels.length || r.box[1] - s.box[1] || r.box[0] - s.box[0]);
  }

  // x0 y0 x1 y1; x1 and y1 lie just outside.
  function boxAround(pixels) {
    let [x0, y0, x1, y1] = [size, size, 0, 0];
    for (const p of pixels) {
      const x = p % size, y = (p - x) / size;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
    }
    return [x0, y0, x1, y1];
  }

  const area = ([x0, y0, x1, y1]) => Math.max(x1 - x0, 0) * Math.max(y1 - y0, 0);

  function result(n, step) {
    if (!known[n][step]) {
      const { map, truth } = data.scenes[n];
      const kept = regions(map, step), box = kept[0].box;
      const shared = box.map((side, k) => (k < 2 ? Math.max : Math.min)(side, truth[k]));
      const both = area(shared), union = area(box) + area(truth) - both;
      known[n][step] = { kept, box, shared, both, union, iou: both / union };
    }
    return known[n][step];
  }

  const best = (n) => steps.reduce((a, b) => (result(n, b).iou > result(n, a).iou ? b : a));
  const t = (step) => number(step / 100);
  const percent = (share) => `${number(100 * share, 1)} %`;

  // -- controls ------------------------------------------------------------------------------------

  const marks = data.scenes.map(() => make("b", { role: "img" }));
  const pictures = live.choice("Six scenes: ✓ found, ✗ missed", data.scenes.map(({ name, image }, n) =>
    [String(n), make("span", {}, make("img", { src: image, alt: name, class: "pixels" }), marks[n])]), {
    value: "0", change: (n) => { scene = Number(n); choose(); },
  });
  const slider = live.slider("threshold t", { min: 1, max: 100, value: step, show: t, change: (s) => {
    step = s;
    each.value = false;
    update();
  } });
  const each = live.toggle("best t for each picture", { change: (on) => { if (!on) step = data.best; choose(); } });

  function choose() {
    if (each.value) step = best(scene);
    slider.value = step;
    update();
  }

  // -- the two pictures ----------------------------------------------------------------------------

  const view = () => ({ image: make("img", { alt: "", class: "pixels" }),
                        lines: draw("svg", { viewBox: `0 0 ${size} ${size}`, "aria-hidden": true }) });
  const from = view(), to = view(), canvas = make("canvas", { width: size, height: size });

  const rect = ([x0, y0, x1, y1], marks) =>
    draw("rect", { x: x0, y: y0, width: Math.max(x1 - x0, 0), height: Math.max(y1 - y0, 0), class: marks });
  const edged = (box, name) => [rect(box, `${name} edge`), rect(box, name)];

  // The line round a region: each side of a pixel whose neighbour is not in it.
  function outline(pixels) {
    const inside = new Set(pixels);
    return pixels.map((p) => {
      const x = p % size, y = (p - x) / size;
      return (inside.has(p - size) ? "" : `M${x} ${y}h1`) + (inside.has(p + size) ? "" : `M${x} ${y + 1}h1`) +
             (x > 0 && inside.has(p - 1) ? "" : `M${x} ${y}v1`) +
             (x < size - 1 && inside.has(p + 1) ? "" : `M${x + 1} ${y}v1`);
    }).join("");
  }

  function paint({ kept, box, shared }) {
    const { image, map, truth } = data.scenes[scene], context = canvas.getContext("2d");
    context.clearRect(0, 0, size, size);
    for (const p of kept.flatMap(({ pixels }) => pixels)) {
      context.fillStyle = data.heat[map[p]];
      context.fillRect(p % size, Math.floor(p / size), 1, 1);
    }
    from.image.src = to.image.src = image;
    from.lines.replaceChildren(
      ...kept.map(({ pixels }, k) => draw("path", { d: outline(pixels), class: k ? "other" : "largest" })),
      ...edged(box, "found"));
    to.lines.replaceChildren(rect(shared, "shared"), ...edged(truth, "truth"), ...edged(box, "found"));
  }

  // -- the two curves ------------------------------------------------------------------------------

  const [left, right, high] = [26, 352, 78];
  const x = (step) => left + (step / 100) * (right - left);
  const text = (x, y, words, anchor = "start", marks = "") =>
    draw("text", { x, y, "text-anchor": anchor, class: marks }, words);

  function plot(top, title) {
    const curve = draw("path", { class: "curve" }), now = draw("path", { class: "now" });
    const here = draw("circle", { r: 5, class: "here" });
    const y = (share) => top + (1 - share) * high;
    const level = (share, marks) => draw("path", { d: `M${left} ${y(share)}H${right}`, class: marks });
    const ticks = [0, 0.5, 1].flatMap((share) => [level(share, "axis"), text(left - 5, y(share) + 4, share, "end")]);
    function show(shares, share) {
      curve.setAttribute("d", `M${shares.map((s, k) => `${x(k + 1).toFixed(1)} ${y(s).toFixed(1)}`).join("L")}`);
      now.setAttribute("d", `M${x(step)} ${y(1)}V${y(0)}`);
      here.setAttribute("cx", x(step));
      here.setAttribute("cy", y(share));
    }
    return { y, level, show, here, below: [text(left, top - 9, title, "start", "name"), ...ticks, now, curve] };
  }

  function mark(step, words, dx, dy, anchor) {
    const y = all.y(data.share[step - 1]);
    return [draw("path", { d: `M${x(step)} ${y - 5}l5 5l-5 5l-5 -5z`, class: "mark" }),
            text(x(step) + dx, y + dy, `${words}: ${t(step)}`, anchor)];
  }

  const own = plot(24, "IoU of this picture, over t"), all = plot(146, "share found of 200 other pictures, over t");
  const told = "Two curves over t. Of 200 other pictures " +
    `${percent(data.share[data.paper - 1])} are found at the paper's ${t(data.paper)}, ` +
    `at most ${percent(data.share[data.best - 1])}, at ${t(data.best)}; with a t for each, ${percent(data.each)}.`;
  const curves = draw("svg", { viewBox: "0 0 360 246", class: "curves", role: "img", "aria-label": told },
    ...own.below, own.level(0.5, "limit"), text(right, own.y(0.5) - 4, "found", "end"),
    ...all.below, all.level(data.each, "limit"),
    text(right, all.y(data.each) + 15, `a t for each: ${percent(data.each)}`, "end"),
    ...mark(data.paper, "paper", -7, -5, "end"), ...mark(data.best, "one t for all", 0, 20, "middle"),
    ...[0, 20, 40, 60, 80, 100].map((s) => text(x(s), 240, s / 100, "middle")), own.here, all.here);

  // -- what is said --------------------------------------------------------------------------------

  const says = live.sentence();

  function tell({ both, union, iou }) {
    const hits = data.scenes.map((_, n) => result(n, each.value ? best(n) : step).iou >= 0.5);
    const gain = iou - result(scene, data.best).iou;
    const share = each.value ? data.each : data.share[step - 1];
    hits.forEach((hit, n) => {
      marks[n].textContent = hit ? "✓" : "✗";
      marks[n].setAttribute("aria-label", hit ? "found" : "missed");
    });
    says.say("Intersection ", value("both", both), ", union ", value("union", union), " pixels: IoU = ",
      value("iou", number(iou, 3)), iou >= 0.5 ? ", found (IoU ≥ 0.5). " : ", missed (IoU < 0.5). ",
      ...(each.value ? ["Its own t gains ", value("gain", number(gain, 3)), " over one t for all, ",
        value("common", t(data.best)), ": it was chosen by looking at the true box. With a t for each, "]
        : ["With this t for all, "]),
      value("count", hits.filter(Boolean).length), " of the six are found, and ", value("share", percent(share)),
      " of the 200.");
  }

  function update() {
    const now = result(scene, step);
    paint(now);
    own.show(steps.map((s) => result(scene, s).iou), now.iou);
    all.show(data.share, each.value ? data.each : data.share[step - 1]);
    tell(now);
  }

  const panel = (title, ...layers) => make("div", { class: "panel" },
    make("div", { class: "title" }, title), make("div", { class: "view" }, ...layers));
  widget.append(pictures.element, slider.element, each.element,
    make("div", { class: "side" }, panel("kept: M ≥ t · max M", from.image, canvas, from.lines),
                                   panel("found dashed, true solid", to.image, to.lines)),
    says.element, curves);
  update();
});
