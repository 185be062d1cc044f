"use strict";

live.figure("backward", (widget, data) => {
  const { make } = live;
  const q = 2, side = 4;
  const rules = ["gradient", "deconvnet", "guided"];
  const x = data.x.map((row) => [...row]); // the ReLU's input
  const R = data.R.map((row) => [...row]); // the signal from above
  let unit = data.units[0];
  let at = [1, 1];

  // There: A = max(x, 0), and of each window the first of its largest cells.
  const A = (i, j) => Math.max(x[i][j], 0);
  const home = (i, j) => [Math.floor(i / q), Math.floor(j / q)]; // the window of a cell
  const cellsOf = (I, J) => [...Array(q * q).keys()].map((n) => [q * I + Math.floor(n / q), q * J + (n % q)]);
  const place = (I, J) => cellsOf(I, J).reduce((best, cell) => (A(...cell) > A(...best) ? cell : best));
  const isPlace = (i, j) => place(...home(i, j)).join() === [i, j].join();

  // And back: unpooling, and the ReLU's rule.
  const above = (i, j) => { const [I, J] = home(i, j); return R[I][J]; };
  const unpooled = (i, j) => (switches.value ? (isPlace(i, j) ? above(i, j) : 0) : above(i, j) / (q * q));
  const stops = (i, j) => (unpooled(i, j) === 0 ? [] : [
    ...(rule.value !== "deconvnet" && x[i][j] <= 0 ? ["x ≤ 0"] : []),
    ...(rule.value !== "gradient" && unpooled(i, j) < 0 ? ["R < 0"] : []),
  ]);
  const passed = (i, j) => (stops(i, j).length ? 0 : unpooled(i, j));

  const show = (number) => live.number(number, 0);
  const where = (i, j, row = "row") => `${row} ${i + 1}, column ${j + 1}`;
  const state = (name = rule.value, on = switches.value) => `${name} ${on}`;
  const word = (on) => `switches ${on ? "on" : "off"}`;

  const rule = live.choice("Rule at ReLU", rules.map((name) => [name, name]), { value: "gradient", change: update });
  const switches = live.toggle("with switches", { value: true, change: update });

  const pick = (i, j) => {
    if (one(i, j)) return;
    at = [i, j];
    grids.x.go(i, j);
    grids.out.go(i, j);
    update();
  };
  const walked = { pick, hover: false, size: "2.4rem" }, still = { size: "2.4rem" };
  const grids = {
    x: live.grid("Input x of the ReLU", side, side, walked),
    A: live.grid("Map A behind the ReLU", side, side, still),
    P: live.grid("Pooled map P", q, q, still),
    out: live.grid("Signal that goes on", side, side, walked),
    U: live.grid("Unpooled signal", side, side, still),
    R: live.grid("Signal R from above", q, q, still),
  };
  const input = live.slider("its input x", { min: -5, max: 5, value: 0, show, change: (number) => {
    x[at[0]][at[1]] = number;
    update();
  } });
  const signal = live.slider("its window's R", { min: -8, max: 8, step: q * q, value: 0, show, change: (number) => {
    const [I, J] = home(...at);
    R[I][J] = number;
    update();
  } });
  const says = live.sentence();

  const one = (i, j) => at.join() === [i, j].join();
  const its = (I, J) => home(...at).join() === [I, J].join();
  const signed = (limit) => (number) => live.colour(data.signed, number, -limit, limit);
  const flow = (number) => (number ? signed(8)(number) : "");
  const heat = (number) => live.colour(data.heat, number, 0, 6);
  const fill = (grid, number, ground, chosen, { ring = () => false, why = () => [] } = {}) => grid.paint((i, j) => {
    const reasons = why(i, j), text = show(number(i, j)), colour = reasons.length ? "" : ground(number(i, j));
    const marks = { here: chosen(i, j), place: ring(i, j), stopped: reasons.length > 0, nothing: !colour };
    return { colour, text: reasons.length ? reasons.join("\n").replaceAll(" ", "") : text,
             name: `${where(i, j)}: ${reasons.length ? `stopped, ${reasons.join(" and ")}` : text}`,
             marks: Object.keys(marks).filter((mark) => marks[mark]).join(" ") };
  });

  function paint() {
    fill(grids.x, (i, j) => x[i][j], signed(5), one);
    fill(grids.A, A, heat, one, { ring: isPlace });
    fill(grids.P, (I, J) => A(...place(I, J)), heat, its);
    fill(grids.R, (I, J) => R[I][J], flow, its);
    fill(grids.U, unpooled, flow, one, { ring: (i, j) => switches.value && isPlace(i, j) });
    fill(grids.out, passed, flow, one, { why: stops });
  }

  // One sentence: what arrives in the chosen cell, and what its gate does with it.
  function arrives() {
    const [i, j] = at, r = above(i, j);
    if (r === 0) return "nothing comes from above";
    if (!switches.value) return `a quarter of ${show(r)} arrives`;
    if (!isPlace(i, j)) return `nothing arrives, the switch points to ${where(...place(...home(i, j)))}`;
    const equal = cellsOf(...home(i, j)).filter((cell) => A(...cell) === A(i, j)).length;
    return `${show(r)} arrives, ${equal > 1 ? `the first of ${equal} equal cells` : "the maximum was here"}`;
  }
  function gate() {
    const [i, j] = at, why = stops(i, j);
    if (unpooled(i, j) === 0) return "";
    if (why.length) return `; it is stopped because ${why.join(" and ")}`;
    const open = { gradient: "x > 0", deconvnet: "R > 0, whatever x was", guided: "x > 0 and R > 0" };
    return `; it passes because ${open[rule.value]}`;
  }

  // What the same choice draws on the course network: one picture large, all six small.
  const scene = make("img", { class: "pixels" });
  const large = make("img", { class: "pixels" });
  const title = make("div", { class: "title" });
  const thumb = (name, on) => {
    const image = make("img", { alt: "" }), number = make("span");
    const choose = () => { rule.value = name; switches.value = on; update(); };
    return { key: state(name, on), image, number,
             element: make("div", { class: "thumb", onclick: choose }, make("span", {}, name), image, number) };
  };
  const thumbs = [true, false].map((on) => rules.map((name) => thumb(name, on)));
  const three = (row, on) => make("div", { class: "three" }, make("div", { class: "title" }, word(on)),
    ...row.map(({ element }) => element));
  const units = live.choice("Unit", data.units.map(({ name, channel }) => [name, `${name}, channel ${channel}`]), {
    value: unit.name, change: (chosen) => { unit = data.units.find(({ name }) => name === chosen); update(); },
  });
  const share = live.sentence();

  function draw() {
    title.textContent = `${rule.value}, ${word(switches.value)}`;
    Object.assign(scene, { src: unit.scene, alt: `Part of a scene: ${unit.name}` });
    Object.assign(large, { src: unit.pictures[state()], alt: `What the unit draws: ${title.textContent}` });
    for (const { key, image, number, element } of thumbs.flat()) {
      image.src = unit.pictures[key];
      number.textContent = live.number(unit.shares[key]);
      element.classList.toggle("chosen", key === state());
    }
    share.say("On the object lies ", live.value("share", live.number(unit.shares[state()])),
              " of the magnitude; it covers ", live.value("area", live.number(unit.area)),
              " of what the unit can see.");
  }

  function update() {
    input.value = x[at[0]][at[1]];
    signal.value = above(...at);
    paint();
    says.say(`${where(...at, "Row")}: ${arrives()}${gate()}. On goes `, live.value("cell", show(passed(...at))), ".");
    draw();
  }

  const panel = (name, child) => make("div", { class: "panel" }, make("div", { class: "title" }, name), child);
  const arrow = (text) => make("span", { class: "arrow", "aria-hidden": "true" }, text);
  widget.append(
    make("div", { class: "side" }, rule.element, switches.element),
    make("div", { class: "ways" },
      panel("input x", grids.x.element), arrow("→"),
      panel("ReLU: A, ○ maxima", grids.A.element), arrow("→"), panel("max: P", grids.P.element),
      panel("goes on", grids.out.element), arrow("←"),
      panel("unpooled", grids.U.element), arrow("←"), panel("signal R", grids.R.element)),
    says.element,
    make("div", {}, input.element, signal.element),
    units.element,
    make("div", { class: "pair" },
      panel("what the unit can see", scene), make("div", { class: "panel" }, title, large)),
    share.element,
    make("div", { class: "side" }, three(thumbs[0], true), three(thumbs[1], false)));
  grids.x.go(...at);
  grids.out.go(...at);
  update();
});
