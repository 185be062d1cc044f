"use strict";

live.figure("shapes", (widget, data) => {
  const { make, draw, value } = live;
  const side = 24; // of a pixel, in the units of the drawing
  const state = { ...data, padding: "same", cell: 0 };

  const slider = (name, key, min, max) => live.slider(name, {
    min, max, value: state[key], change: (x) => { state[key] = x; update(); },
  });
  const cell = slider("cell i", "cell", 0, 1);
  const padding = live.choice("padding", [["valid", "valid"], ["same", "same"], ["even", "the same at both ends"]], {
    value: state.padding, change: (key) => { state.padding = key; update(); },
  });
  const picture = draw("svg", { "aria-hidden": "true" });
  const formula = make("p", { class: "formula" });
  const says = live.sentence();

  const reach = () => state.dilation * (state.kernel - 1) + 1;

  function zeros() {
    const { size, stride } = state;
    if (state.padding === "valid") return [0, 0];
    if (state.padding === "even") return [Math.floor(reach() / 2), Math.floor(reach() / 2)];
    const p = Math.max((Math.ceil(size / stride) - 1) * stride + reach() - size, 0);
    return [Math.floor(p / 2), p - Math.floor(p / 2)];
  }

  const box = (x, y, kind, text) => {
    const group = draw("g", { class: kind }, draw("rect", { x: x * side + 1, y, width: side - 2, height: side - 2, rx: 2 }));
    if (text !== "") group.append(draw("text", { x: (x + 0.5) * side, y: y + 16, "text-anchor": "middle" }, text));
    return group;
  };

  function redraw(cells, [before, after]) {
    const { size, stride, dilation, kernel } = state;
    const across = Math.max(size + before + after, 12);
    picture.setAttribute("viewBox", `0 0 ${across * side} ${4.6 * side}`);
    picture.style.maxWidth = `${across * side * 1.4}px`;
    const taps = [...Array(kernel).keys()].map((m) => state.cell * stride + m * dilation);
    const middle = (i) => i * stride + (reach() - 1) / 2;
    const row = [...Array(size + before + after).keys()].map((x) => {
      const inside = x >= before && x < before + size;
      return box(x, 2, `${inside ? "pixel" : "zero"}${cells && taps.includes(x) ? " tap" : ""}`, inside ? x - before : "0");
    });
    const answers = [...Array(cells).keys()].map((i) => box(middle(i), 3.4 * side, i === state.cell ? "cell here" : "cell", i));
    const rays = cells ? taps.map((x) => draw("line", {
      class: "ray", x1: (x + 0.5) * side, y1: side + 2, x2: (middle(state.cell) + 0.5) * side, y2: 3.4 * side,
    })) : [];
    picture.replaceChildren(...rays, ...row, ...answers);
  }

  function update() {
    const { size, kernel, stride, dilation } = state;
    const [before, after] = zeros();
    const room = size + before + after - reach();
    const cells = room < 0 ? 0 : Math.floor(room / stride) + 1;
    state.cell = Math.min(state.cell, Math.max(cells - 1, 0));
    cell.input.max = Math.max(cells - 1, 0);
    cell.value = state.cell;
    redraw(cells, [before, after]);
    formula.replaceChildren("h = ⌊(", `${size} + ${before + after} − ${dilation}·(${kernel} − 1) − 1) / ${stride}⌋ + 1 = `,
      value("cells", String(cells)));
    if (!cells) {
      says.say(`The kernel reaches over ${reach()} pixels and does not fit into ${size + before + after}: no cell.`);
      return;
    }
    const first = state.cell * stride - before;
    const taps = [...Array(kernel).keys()].map((m) => first + m * dilation);
    const outside = taps.filter((x) => x < 0 || x >= size).length;
    says.say("Zeros: ", value("before", String(before)), " before, ", value("after", String(after)), ` after. Cell ${state.cell} begins at pixel `,
      value("first", live.number(first, 0)), " and takes ", value("inside", String(kernel - outside)), ` pixels and ${outside} zeros.`);
  }

  widget.append(
    make("div", { class: "controls" }, slider("pixels H", "size", 1, 16).element, slider("kernel", "kernel", 1, 5).element,
      slider("stride s", "stride", 1, 4).element, slider("dilation d", "dilation", 1, 2).element),
    padding.element, picture, cell.element, formula, says.element);
  update();
});
