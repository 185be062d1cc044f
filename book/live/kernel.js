"use strict";

live.figure("kernel", (widget, data) => {
  const { make, number } = live;
  const size = 10, k = 3, stops = size - k + 1;
  let picture = Object.values(data.pictures)[0];
  let kernel = Object.values(data.kernels)[0].map((row) => [...row]);
  let turned = false;
  let terms = k * k; // so many products of the sum at this stop are added
  let timer = null;

  const weight = (m, n) => (turned ? kernel[k - 1 - m][k - 1 - n] : kernel[m][n]);
  const products = (i, j) => kernel.flatMap((row, m) => row.map((_, n) => [weight(m, n), picture[i + m][j + n]]));
  const sum = (i, j, count = k * k) => products(i, j).slice(0, count).reduce((total, [w, x]) => total + w * x, 0);
  const show = (x) => number(x, Number.isInteger(x) ? 0 : 1);

  const input = live.grid("Picture, 10 by 10", size, size, { size: "1.7rem" });
  const output = live.grid("Sums, 8 by 8: arrow keys move the window", stops, stops, { size: "1.9rem", pick: () => { terms = k * k; update(); } });
  const typed = kernel.map((row, m) => row.map((w, n) => make("input", {
    type: "number", step: "any", value: w, "aria-label": `weight in row ${m + 1}, column ${n + 1}`,
    oninput: (event) => { kernel[m][n] = event.target.valueAsNumber || 0; update(); },
  })));
  const table = make("div", { class: "weights", role: "group", "aria-label": "Kernel: type your own weights" }, ...typed.flat());
  const built = make("p", { class: "built" });
  const says = live.sentence();

  const ready = make("select", { id: "live-kernel-ready", onchange: (event) => {
    kernel = data.kernels[event.target.value].map((row) => [...row]);
    typed.forEach((row, m) => row.forEach((field, n) => { field.value = kernel[m][n]; }));
    update();
  } }, ...Object.keys(data.kernels).map((name) => make("option", { value: name }, name)));
  const pictures = live.choice("Picture", Object.keys(data.pictures).map((name) => [name, name]), {
    value: Object.keys(data.pictures)[0], change: (name) => { picture = data.pictures[name]; update(); },
  });
  const turn = live.toggle("turn it by 180°", {
    change: (on) => { turned = on; update(); },
  });
  const play = live.button("Slide", () => (timer ? stop() : start()));
  const step = live.button("Add one product", () => { stop(); add(); });

  function add() {
    if (terms === k * k) {
      const [i, j] = output.at;
      const next = (i * stops + j + 1) % (stops * stops);
      output.go(Math.floor(next / stops), next % stops);
      terms = 0;
    }
    terms += 1;
    update();
  }
  function start() {
    timer = setInterval(add, 180);
    play.textContent = "Stop";
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Slide";
  }

  function update() {
    const [i, j] = output.at;
    const largest = Math.max(1, ...[...Array(stops * stops).keys()].map((s) => Math.abs(sum(Math.floor(s / stops), s % stops))));
    input.paint((y, x) => {
      const inside = y >= i && y < i + k && x >= j && x < j + k;
      const term = (y - i) * k + (x - j);
      return { text: picture[y][x], colour: live.colour(data.grey, picture[y][x], 0, 9),
               marks: inside ? (term === terms - 1 && terms < k * k ? "here" : "under") : "" };
    });
    output.paint((y, x) => {
      const here = y === i && x === j;
      const value = here ? sum(y, x, terms) : sum(y, x);
      return { text: show(value), colour: live.colour(data.signed, value, -largest, largest), marks: here ? "here" : "",
               name: `row ${y + 1}, column ${x + 1}: ${show(value)}` };
    });
    built.replaceChildren(...products(i, j).flatMap(([w, x], t) => [
      t && t % k === 0 ? make("br") : "",
      make("span", { class: t < terms ? "" : "later" }, `${t ? " + " : ""}${w < 0 ? `(${show(w)})` : show(w)}·${x}`),
    ]));
    const part = terms < k * k ? ` after ${terms} of 9 products` : "";
    says.say(`Window at row ${i + 1}, column ${j + 1}: the sum${part} is `,
             live.value("sum", show(sum(i, j, terms))), ".");
  }

  const panel = (title, ...children) => make("div", { class: "panel" }, make("div", { class: "title" }, title), ...children);
  widget.append(
    pictures.element,
    make("div", { class: "side" },
      panel("picture: 0 black, 9 white", input.element),
      panel("kernel: type your own", table, make("label", { for: "live-kernel-ready", class: "ready" }, "or take one"), ready, turn.element)),
    make("div", { class: "side" },
      panel("sums: arrow keys move the window", output.element),
      panel("at this stop", built, says.element, make("div", { class: "side" }, play, step))));
  update();
});
