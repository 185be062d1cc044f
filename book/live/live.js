// What the live figures share: elements, controls, grids of numbers, colours.
// A figure is `live.figure(name, (widget, data) => { … })`: it fills the empty `widget` and keeps it up to date.
"use strict";

const live = (() => {
  let ids = 0;

  // <tag …>children</tag>; a function as attribute listens, as in { onclick: () => … }.
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  }

  // The same for pictures made of lines: <svg>, <rect>, <path>.
  function draw(tag, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // 2 digits after the point, a true minus sign, no "−0.00".
  function number(x, digits = 2) {
    const text = x.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  }

  // A control with its name before it: {element, value (read, write)}. `change` hears every new value.
  function slider(name, { min, max, step = 1, value, show = String, change }) {
    const id = `live-${++ids}`;
    const input = make("input", { type: "range", id, min, max, step, value });
    const output = make("output", { for: id });
    const tell = () => {
      output.textContent = show(input.valueAsNumber);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => { tell(); change(input.valueAsNumber); });
    tell();
    return {
      element: make("div", { class: "control" }, make("label", { for: id }, name), input, output),
      input,
      get value() { return input.valueAsNumber; },
      set value(x) { input.value = x; tell(); },
    };
  }

  // Radio buttons; options: [[value, text], …].
  function choice(name, options, { value, change }) {
    const group = `live-${++ids}`;
    const inputs = options.map(([key]) => make("input", {
      type: "radio", name: group, value: key, checked: key === value, onchange: () => change(key),
    }));
    const labels = options.map(([, text], i) => make("label", {}, inputs[i], make("span", {}, text)));
    return {
      element: make("fieldset", { class: "choice" }, make("legend", {}, name), ...labels),
      get value() { return options[inputs.findIndex((input) => input.checked)][0]; },
      set value(key) { inputs[options.findIndex(([k]) => k === key)].checked = true; },
    };
  }

  function toggle(name, { value = false, change }) {
    const input = make("input", { type: "checkbox", checked: value, onchange: () => change(input.checked) });
    return {
      element: make("label", { class: "check" }, input, make("span", {}, name)),
      get value() { return input.checked; },
      set value(x) { input.checked = x; },
    };
  }

  function button(text, click) {
    return make("button", { type: "button", onclick: click }, text);
  }

  // A table of cells that arrow keys walk through. `pick(i, j)` hears which cell has the focus or the pointer;
  // `hover: false`: only a click or a key picks, so that a chosen cell stays while its controls are used.
  // `paint(f)`: f(i, j) returns {text, colour, name, marks}: what stands in the cell, its ground, what a screen
  // reader says, and its classes.
  function grid(name, rows, columns, { pick = null, size = null, hover = true } = {}) {
    const cells = [];
    let at = [0, 0];
    const element = make("div", { role: "grid", "aria-label": name, class: "grid", style: `--columns: ${columns}` +
      (size ? `; --cell: ${size}` : "") });
    const go = (i, j, focus = false) => {
      cells[at[0]][at[1]].tabIndex = -1;
      at = [Math.min(Math.max(i, 0), rows - 1), Math.min(Math.max(j, 0), columns - 1)];
      cells[at[0]][at[1]].tabIndex = 0;
      if (focus) cells[at[0]][at[1]].focus();
      if (pick) pick(...at);
    };
    for (let i = 0; i < rows; i++) {
      const row = make("div", { role: "row" });
      cells.push([]);
      for (let j = 0; j < columns; j++) {
        const cell = make("div", { role: "gridcell", tabindex: pick && !i && !j ? 0 : -1 });
        if (!pick) cell.removeAttribute("tabindex");
        else if (hover) cell.addEventListener("pointerenter", () => go(i, j));
        cells[i].push(cell);
        row.append(cell);
      }
      element.append(row);
    }
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
                    Home: [0, -columns], End: [0, columns], PageUp: [-rows, 0], PageDown: [rows, 0] };
    if (pick) {
      element.addEventListener("keydown", (event) => {
        if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        go(at[0] + steps[event.key][0], at[1] + steps[event.key][1], true);
      });
      element.addEventListener("click", (event) => {
        const i = cells.findIndex((row) => row.includes(event.target.closest("[role=gridcell]")));
        if (i >= 0) go(i, cells[i].indexOf(event.target.closest("[role=gridcell]")), true);
      });
    }
    return {
      element,
      cells,
      go,
      get at() { return at; },
      paint(look) {
        cells.forEach((row, i) => row.forEach((cell, j) => {
          const { text = "", colour = "", name = null, marks = "" } = look(i, j);
          cell.textContent = text;
          cell.className = marks;
          cell.style.background = colour;
          cell.style.color = colour && ink(colour);
          if (name === null) cell.removeAttribute("aria-label");
          else cell.setAttribute("aria-label", name);
        }));
      },
    };
  }

  // The colour of x on a scale from `low` to `high`: palette is a list of #rrggbb.
  function colour(palette, x, low, high) {
    const share = high > low ? (x - low) / (high - low) : 0.5;
    return palette[Math.round(Math.min(Math.max(share, 0), 1) * (palette.length - 1))];
  }

  // Black or white: what reads better on #rrggbb.
  function ink(hex) {
    const linear = [1, 3, 5].map((k) => (parseInt(hex.slice(k, k + 2), 16) / 255) ** 2.2);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18 ? "#000" : "#fff";
  }

  // A place for a sentence that screen readers hear when it changes; `say(html parts…)`.
  function sentence() {
    const element = make("p", { class: "says", "aria-live": "polite" });
    return { element, say(...parts) { element.replaceChildren(...parts); } };
  }

  // A number that stands out, and that tests can ask for by its name.
  function value(name, text) {
    return make("strong", { "data-value": name }, text);
  }

  function figure(name, build) {
    const place = document.getElementById(`live-${name}`);
    const widget = make("div", { class: "widget" });
    build(widget, JSON.parse(place.querySelector("script").textContent));
    place.prepend(widget);
    place.classList.add("alive");
  }

  return { make, draw, number, slider, choice, toggle, button, grid, colour, ink, sentence, value, figure };
})();
