"use strict";

live.figure("swap", (widget, data) => {
  const { make, draw, number, value } = live;
  const { classes, W, b } = data;
  const size = 12, Z = size * size, K = W.length, largest = 6;
  const range = (n) => [...Array(n).keys()];
  const total = (numbers) => numbers.reduce((sum, x) => sum + x, 0);
  const places = range(Z).map((p) => [Math.floor(p / size), p % size]);

  let scene = data.scenes[0];
  let c = scene.labels[0], owner = c; // the class looked at; the class whose weights change alone
  let v = range(K).map(() => 0), forAll = false; // what is added to the channels' weights; for all classes?
  let k = 0; // the channel at the slider
  let M = null; // the map of class c
  let kept = [0, 0]; // the cell to come back to when the pointer leaves

  // The network's last two steps, in both orders.
  const added = (q, d) => (forAll || d === owner ? v[q] : 0);
  const weight = (q, d, changed = true) => W[q][d] + (changed ? added(q, d) : 0);
  const average = (q) => total(places.map(([i, j]) => scene.maps[i][j][q])) / Z; // (7.1)
  const logits = (F, changed) => b.map((bias, d) => total(F.map((f, q) => weight(q, d, changed) * f)) + bias); // (7.2)
  const terms = (i, j) => scene.maps[i][j].map((a, q) => weight(q, c) * a);
  const map = () => range(size).map((i) => range(size).map((j) => total(terms(i, j)))); // (7.5)
  const softmax = (S) => {
    const e = S.map((s) => Math.exp(s - Math.max(...S)));
    return e.map((x) => x / total(e));
  };

  const percent = (p) => `${number(100 * p)}\u00a0%`;
  const signed = (x, digits = 2) => (x > 0 ? "+" : "") + number(x, digits);
  const limit = () => Math.max(...scene.maps.flat().flatMap((a) => (
    b.map((_, d) => Math.abs(total(a.map((x, q) => W[q][d] * x)))))));
  let strongest = limit(); // of all maps with the weights as trained: the end of the colours

  // A thin bar that grows from the middle: to the right for, to the left against.
  function bar(x, full) {
    const width = 50 * Math.min(Math.abs(x) / full, 1);
    return make("span", { class: "bar", "aria-hidden": "true" }, make("span", {
      class: x < 0 ? "against" : "for", style: `width: ${width}%; left: ${x < 0 ? 50 - width : 50}%`,
    }));
  }

  const scenes = live.choice("Scene", data.scenes.map((s, n) => [n, s.labels.map((d) => classes[d]).join(" and ")]), {
    value: 0, change: (n) => { scene = data.scenes[n]; strongest = limit(); look(scene.labels[0]); top(); },
  });
  const names = live.choice("Class", classes.map((name, d) => [d, name]), {
    value: c, change: (d) => { look(d); update(); },
  });
  const rows = [...names.element.querySelectorAll("label")];
  const answers = rows.map((row) => row.appendChild(make("span", { class: "numbers" })));
  const image = draw("image", { width: 96, height: 96, style: "image-rendering: pixelated" });
  const marks = draw("g", { fill: "none", "stroke-linejoin": "round" });
  const view = draw("svg", { viewBox: "0 0 96 96", role: "img" }, image, marks);
  const legend = make("div", { class: "title" });
  const grid = live.grid("Map of 12 by 12 cells: arrow keys choose one", size, size, {
    size: "1.5rem", pick: () => walk(),
  });
  const mapTitle = make("div", { class: "title" });
  const buttons = range(largest).map(() => live.button("", (event) => {
    k = Number(event.currentTarget.value);
    update();
  }));
  const sum = make("div", { class: "sum" });
  const parts = make("div", {
    class: "parts", role: "group", "aria-label": "Largest terms of the cell: choose a channel for the slider",
  }, ...buttons, sum);
  const cellTitle = make("div", { class: "title" });
  const law = make("div", { class: "law" });
  const slider = live.slider("v", {
    min: -5, max: 5, step: 0.1, value: 0, show: (x) => signed(x, 1), change: (x) => { v[k] = x; update(); },
  });
  const scope = live.choice("added for", [["alone", ""], ["all", "all classes"]], {
    value: "alone", change: (key) => { forAll = key === "all"; owner = c; update(); },
  });
  const reset = live.button("Reset", () => { v = v.map(() => 0); owner = c; update(); });
  const says = live.sentence();

  // Another class; what was added to one class alone stays with that class.
  function look(d) {
    c = d;
    names.value = c;
    if (forAll || v.every((x) => x === 0)) owner = c;
  }
  function peak() {
    return places.reduce((best, [i, j]) => (M[i][j] > M[best[0]][best[1]] ? [i, j] : best));
  }
  function keep() { kept = grid.at; }
  function top() {
    update();
    grid.go(...peak());
    keep();
  }

  // Every line with a black edge, as in the figures of the chapters.
  function line(tag, place, colour) {
    return [["#000", 4], [colour, 2]].map(([stroke, width]) => draw(tag, {
      ...place, stroke, "stroke-width": width, "vector-effect": "non-scaling-stroke",
    }));
  }
  function picture([i, j], [y, x]) {
    const boxes = scene.boxes.map(([x0, y0, x1, y1]) => ({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 }));
    const found = scene.labels.map((d, n) => `${classes[d]}: ${["yellow", "cyan"][n]} box`).join(", ");
    image.setAttribute("href", scene.picture);
    marks.replaceChildren(
      ...boxes.flatMap((box, n) => line("rect", box, data.colours[n])),
      ...line("path", { d: `M${8 * x + 1} ${8 * y + 1}l6 6m0 -6l-6 6` }, "#fff"),
      ...line("rect", { x: 8 * j, y: 8 * i, width: 8, height: 8 }, "#fff"));
    view.setAttribute("aria-label", `The scene; the place of row ${i + 1}, column ${j + 1} is framed.`);
    legend.textContent = `${found}. □ the cell, × the map's peak`;
  }
  function classList(S, p) {
    const full = Math.max(10, ...S.map(Math.abs));
    answers.forEach((place, d) => place.replaceChildren(
      bar(S[d], full), value("logits", number(S[d])), value("probabilities", percent(p[d]))));
  }
  function cellSum([i, j]) {
    const whole = M[i][j], all = terms(i, j);
    const order = range(K).sort((q, r) => Math.abs(all[r]) - Math.abs(all[q])).slice(0, largest);
    const rest = whole - total(order.map((q) => all[q]));
    const full = Math.max(strongest / 4, Math.abs(rest), ...all.map(Math.abs));
    buttons.forEach((button, n) => {
      const q = order[n];
      button.value = q;
      button.setAttribute("aria-pressed", q === k);
      button.replaceChildren(
        value("channels", q), make("span", {}, `${number(weight(q, c), 3)} × ${number(scene.maps[i][j][q])}`),
        bar(all[q], full), value("terms", signed(all[q])));
    });
    cellTitle.textContent = `cell in row ${i + 1}, column ${j + 1}: channel, weight × map`;
    sum.replaceChildren(
      make("p", {}, make("span", {}, `the other ${K - largest} together`),
           bar(rest, full), value("rest", signed(rest))),
      make("p", { class: "total" }, make("span", {}, "the cell of the map"), value("cell", signed(whole))));
  }
  function laws(S) {
    const order = (text, what, name, x) => [
      make("span", {}, text), make("span", {}, `${what} `, value(name, number(x))),
      make("span", {}, "+ bias ", value("bias", number(b[c]))),
      make("span", {}, "= ", value("logit", number(x + b[c])))];
    law.replaceChildren(
      ...order("first weight, then average", "mean of the map", "mean", total(M.flat()) / Z), // (7.6)
      ...order("first average, then weight", "sum of W · F", "weighted", S[c] - b[c]),
      make("span", {}, "the network, as trained"), make("span"), make("span"),
      make("span", {}, "= ", value("network", number(scene.logits[c]))));
  }
  function where([i, j]) {
    const [x, y] = [8 * j + 4, 8 * i + 4];
    const n = scene.boxes.findIndex(([x0, y0, x1, y1]) => x > x0 && x < x1 && y > y0 && y < y1);
    return `Its map peaks ${n < 0 ? "in neither box" : `in the box of ${classes[scene.labels[n]]}`}.`;
  }
  function tell(S, old) {
    const name = classes[c], [p, before] = [S, old].map((some) => percent(softmax(some)[c]));
    const move = (from, to) => (from === to ? `stays ${to}` : `goes from ${from} to ${to}`);
    if (v.every((x) => x === 0)) {
      says.say(`Weights as trained: logit of ${name} ${number(S[c])}, probability ${p}. ${where(peak())}`);
    } else {
      says.say(`Weights changed for ${forAll ? "all classes" : `${classes[owner]} alone`}: the logit of ${name} `,
               `${move(number(old[c]), number(S[c]))}, its probability `, make("strong", {}, move(before, p)),
               `. ${where(peak())}`);
    }
  }
  function controls() {
    slider.element.querySelector("label").textContent = `v for channel ${k}`;
    slider.value = v[k];
    scope.element.querySelector("label span").textContent = `${classes[owner]} alone`;
    mapTitle.textContent = `map of ${classes[c]}, in logits: red for, blue against`;
  }

  function walk() {
    const [i, j] = grid.at;
    grid.paint((y, x) => ({
      text: number(M[y][x], 0), colour: live.colour(data.signed, M[y][x], -strongest, strongest),
      name: `row ${y + 1}, column ${x + 1}: ${number(M[y][x])}`, marks: y === i && x === j ? "here" : "",
    }));
    picture(grid.at, peak());
    cellSum(grid.at);
  }
  function update() {
    const F = range(K).map(average), S = logits(F);
    M = map();
    walk();
    classList(S, softmax(S));
    laws(S);
    controls();
    tell(S, logits(F, false));
  }

  grid.element.addEventListener("click", keep);
  grid.element.addEventListener("keydown", keep);
  grid.element.addEventListener("pointerleave", () => grid.go(...kept));
  const panel = (title, ...children) => make("div", { class: "panel" }, title, ...children);
  const title = (text) => make("div", { class: "title" }, text);
  widget.append(
    scenes.element,
    make("div", { class: "side" }, panel(title("the scene"), view, legend), panel(mapTitle, grid.element)),
    make("div", { class: "side halves" },
      panel(title("class: its logit and probability"), names.element), panel(cellTitle, parts)),
    law,
    make("div", { class: "drag" }, slider.element, make("div", {}, scope.element, reset)), says.element);
  top();
  k = Number(buttons[0].value);
  update();
});
