"use strict";

live.figure("league", (widget, data) => {
  const { make, number, value } = live;
  const names = Object.keys(data.rows);
  const best = (column) => (data.small.includes(column) ? 1 : -1);
  let group = Object.keys(data.groups)[0];
  let sorted = data.groups[group][0];
  let scene = Object.keys(data.scenes)[0];

  const ordered = (column) => [...names].sort((a, b) => best(column) * (data.rows[a][column] - data.rows[b][column]));
  // 1 for the best; methods that tie share a rank.
  const rank = (name, column, among = names) => 1 + among.filter((other) =>
    best(column) * (data.rows[other][column] - data.rows[name][column]) < 0).length;
  const show = (x, column) => number(x, column === "passes" ? 0 : data.groups["three checks"].includes(column) ? 1 : 2);

  const groups = live.choice("Measures", Object.keys(data.groups).map((name) => [name, name]), {
    value: group, change: (name) => { group = name; sorted = data.groups[name][0]; update(); },
  });
  const picks = live.choice("Scene", Object.keys(data.scenes).map((name) => [name, name]), {
    value: scene, change: (name) => { scene = name; update(); },
  });
  const heads = make("tr");
  const body = make("tbody");
  const table = make("table", {}, make("caption", {}, "Best first by the chosen column; mean of 100 scenes, of 20 for the checks"),
    make("thead", {}, heads), body);
  const panels = make("div", { class: "side trio" });
  const says = live.sentence();

  function head(column) {
    const press = live.button(column, () => {
      sorted = column;
      update();
      heads.querySelector("[aria-sort] button").focus();
    });
    return make("th", { scope: "col", "aria-sort": column === sorted && (best(column) > 0 ? "ascending" : "descending") }, press);
  }

  function cell(name, column) {
    const all = names.map((other) => data.rows[other][column]);
    const low = Math.min(0, ...all), x = data.rows[name][column];
    const share = (100 * (x - low)) / (Math.max(...all) - low || 1);
    const interval = column === "pointing" && sorted === column && data.rows[name].interval;
    return make("td", { class: column === sorted ? "sorted" : "", style: column === sorted && `--share: ${share}%` },
      make("span", { "data-column": column }, show(x, column)),
      interval ? make("small", {}, `${number(interval[0])} to ${number(interval[1])}`) : "");
  }

  function row(name, columns) {
    const baseline = data.baselines.includes(name);
    return make("tr", { class: baseline ? "baseline" : "" },
      make("th", { scope: "row" }, make("span", { class: "name" }, name), baseline ? make("small", {}, "knows no network") : ""),
      make("td", {}, make("img", { class: "pixels", src: data.rows[name].maps[scene], alt: "", width: 44, height: 44 })),
      ...columns.map((column) => cell(name, column)));
  }

  function panel(title, src, alt, box) {
    const picture = make("div", { class: "framed" }, make("img", { class: "pixels", src, alt, width: 144, height: 144 }));
    const part = (x) => `${(100 * x) / data.size}%`;
    if (box) {
      picture.append(make("span", { class: "box", style: `left: ${part(box[0])}; top: ${part(box[1])}; ` +
        `width: ${part(box[2] - box[0])}; height: ${part(box[3] - box[1])}` }));
    }
    return make("div", { class: "panel" }, make("div", { class: "title" }, title), picture);
  }

  function update() {
    const columns = [...data.groups[group], "passes"];
    const order = ordered(sorted);
    const { image, box, asked } = data.scenes[scene];
    heads.replaceChildren(make("th", { scope: "col" }, "method"), make("th", { scope: "col" }, "map"), ...columns.map(head));
    body.replaceChildren(...order.map((name) => row(name, columns)));
    const [first, last] = [order[0], order.at(-1)];
    panels.replaceChildren(panel(`asked for: ${asked}`, image, `the scene: ${scene}`, box),
      panel(`first: ${first}`, data.rows[first].maps[scene], `map by ${first}`, box),
      panel(`last: ${last}`, data.rows[last].maps[scene], `map by ${last}`, box));
    const players = names.filter((name) => !data.baselines.includes(name));
    const winner = players.reduce((a, b) => (rank(b, sorted, players) < rank(a, sorted, players) ? b : a));
    const worst = Object.values(data.groups).flat().reduce((a, b) => (rank(winner, b, players) > rank(winner, a, players) ? b : a));
    says.say("First in ", sorted, " among the methods: ", make("strong", { "data-name": "winner" }, winner), ". In ",
      make("span", { "data-name": "worst" }, worst), " it is number ", value("rank", String(rank(winner, worst, players))), ` of ${players.length}.`);
  }

  widget.append(groups.element, picks.element, panels, says.element, make("div", { class: "table" }, table));
  update();
});
