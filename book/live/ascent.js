"use strict";

live.figure("ascent", (widget, data) => {
  const { make, draw, number } = live;
  const { steps, none, own, units } = data;
  const last = steps.length - 1, end = steps[last];
  let unit = Object.keys(units)[0], remedy = none, k = 0; // k: which of the kept pictures
  let timer = null;

  const runs = () => units[unit].runs;
  const named = () => (remedy === none ? "nothing held against it" : `with ${remedy}`);

  // Each strip of pictures, one below the other, is opened once.
  const opened = {};
  function show(canvas, address, row, name) {
    opened[address] ??= make("img", { src: address, onload: showBoth });
    canvas.setAttribute("aria-label", name);
    if (opened[address].naturalWidth) canvas.getContext("2d").drawImage(opened[address], 0, -row * canvas.height);
  }
  function showBoth() {
    show(climber, runs()[remedy].pictures, k, `The picture after ${steps[k]} steps`);
    show(scene, units[unit].scene, 0, "The loudest of 500 scenes");
  }

  const canvas = () => make("canvas", { width: 96, height: 96, role: "img" });
  const climber = canvas(), scene = canvas();
  const above = make("div", { class: "title" });
  const table = make("table", {});
  const says = live.sentence();

  const choose = live.choice("Unit", Object.keys(units).map((name) => [name, name]), {
    value: unit, change: (name) => { unit = name; update(); },
  });
  const held = live.choice("Held against it", Object.keys(runs()).map((name) => [name, name]), {
    value: remedy, change: (name) => { remedy = name; update(); },
  });
  const slider = live.slider("Steps up the hill", {
    min: 0, max: last, value: k, show: (n) => `${steps[n]}`, change: (n) => { stop(); k = n; update(); },
  });
  const play = live.button("Play", () => (timer ? stop() : start()));

  function start() {
    go(k === last ? 0 : k + 1);
    play.textContent = "Stop";
    says.element.setAttribute("aria-live", "off"); // not a sentence every half second
    timer = setInterval(() => (k === last ? stop() : go(k + 1)), 600);
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    says.element.setAttribute("aria-live", "polite");
    update();
  }
  function go(n) {
    k = slider.value = n;
    update();
  }

  // The chart is as wide as the figure when the page opens, so that its letters keep their size.
  const width = Math.min(590, document.getElementById("live-ascent").clientWidth - 40), height = 150;
  const chart = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  const box = { left: 32, right: width - 8, top: 8, bottom: height - 34 };

  function drawChart() {
    const all = Object.values(runs()).flatMap((run) => run.f);
    const low = Math.min(0, ...all), high = Math.max(...all);
    const x = (step) => box.left + (box.right - box.left) * step / end;
    const y = (f) => box.bottom - (box.bottom - box.top) * (f - low) / (high - low);
    const points = (f) => f.slice(0, steps[k] + 1).map((value, step) => `${x(step).toFixed(1)} ${y(value).toFixed(1)}`);
    const curve = (f, look) => draw("path", { class: look, d: `M${points(f).join("L")}` });
    const text = (at, up, anchor, words) => draw("text", { x: at, y: up, "text-anchor": anchor }, words);
    const f = runs()[remedy].f, level = units[unit].f, top = 50 * Math.floor(high / 50);
    chart.setAttribute("aria-label", `Activation over ${steps[k]} steps of ${end}`);
    chart.replaceChildren(
      draw("path", { class: "axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }),
      ...[0, 50, 100].map((step) => text(x(step), box.bottom + 15, step === end ? "end" : "middle", step)),
      text((box.left + box.right) / 2, height - 4, "middle", "steps"),
      ...[0, top / 2, top].map((value) => text(box.left - 5, y(value) + 4, "end", value)),
      draw("path", { class: "scene", d: `M${box.left} ${y(level)}H${box.right}` }),
      text(box.right, y(level) - 5, "end", "loudest scene"),
      curve(runs()[none].f, "bare"),
      curve(f, "run"),
      draw("circle", { class: "run", cx: x(steps[k]), cy: y(f[steps[k]]), r: 5 }));
  }

  // Rows: f and the three measures; columns: this picture, the bare climb's, the scene.
  function fill() {
    const run = runs()[remedy], bare = runs()[none], best = units[unit];
    const cell = (name, value, digits) => make("td", {}, live.value(name, number(value, digits)));
    const row = (name, values, digits) => make("tr", { class: own[remedy] === name ? "own" : null },
      make("th", { scope: "row" }, name, own[remedy] === name ? make("small", {}, " its aim") : ""),
      ...["run", "bare", "scene"].map((column, i) => cell(`${name.split(" ")[0]}-${column}`, values[i], digits)));
    const heads = ["this picture", "without", "scene"].map((name) => make("th", { scope: "col" }, name));
    table.replaceChildren(
      make("thead", {}, make("tr", {}, make("td"), ...heads)),
      make("tbody", {},
        row("activation", [run.f[steps[k]], bare.f[steps[k]], best.f], 1),
        ...Object.keys(best.measures).map((name) =>
          row(name, [run.measures[name][k], bare.measures[name][k], best.measures[name][0]], 2))));
  }

  function tell() {
    const { f } = runs()[remedy], best = units[unit].f, now = f[steps[k]];
    const passed = f.findIndex((value) => value > best);
    const so = passed < 0 || steps[k] < passed ? ["not yet as loud as the loudest of 500 scenes."]
      : ["louder than all 500 scenes from step ", live.value("passed", passed),
         now > best ? `; now ${number(now / best, 1)} times the loudest.` : "; not now."];
    says.say(`After ${steps[k]} steps, ${named()}: `, ...so);
  }

  function update() {
    above.textContent = `after ${steps[k]} steps: ${named()}`;
    showBoth();
    drawChart();
    fill();
    tell();
  }

  widget.append(
    choose.element, held.element,
    make("div", { class: "climb" }, slider.element, play),
    make("div", { class: "side" },
      make("div", { class: "panel" }, above, climber),
      make("div", { class: "panel" }, make("div", { class: "title" }, "loudest of 500 scenes"), scene)),
    make("div", { class: "panel" },
      make("div", { class: "title" }, "activation so far; grey: nothing held against it"), chart),
    table, says.element);
  update();
});
