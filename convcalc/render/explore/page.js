"use strict";
// Draws what convcalc computed: fields, costs and graphs arrive as data and are only looked up here.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const make = (tag, attributes = {}, text = "") => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
};
const draw = (tag, attributes = {}) => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// What unit `unit` sees along an axis: [first, last]. An axis is 0 (sees all), [first, step, size,
// units] where the first position moves evenly, or [[first, last], ...] for each unit.
const seen = (axis, unit, size) => {
  if (axis === 0) return [0, size - 1];
  if (Array.isArray(axis[0]) || axis[0] === null) return axis[clamp(unit, 0, axis.length - 1)];
  const first = axis[0] + clamp(unit, 0, axis[3] - 1) * axis[1];
  return [first, first + axis[2] - 1];
};
const reaches = (axis, units, position, size) => {
  let found = null;
  for (let unit = 0; unit < units; unit++) {
    const part = seen(axis, unit, size);
    if (part && part[0] <= position && position <= part[1]) found = found ? [found[0], unit] : [unit, unit];
  }
  return found;
};
const span = ([low, high]) => (low === high ? `${low}` : `${low} to ${high}`);
const cut = ([low, high], size) => [clamp(low, 0, size - 1), clamp(high, 0, size - 1)];
const plane = (sizes) => (sizes.length === 0 ? [1, 1] : sizes.length === 1 ? [1, sizes[0]] : sizes.slice(-2));

// A picture of shares: one digit (base 36) each, packed as text, in rows.
const paint = (canvas, picture) => {
  const [rows, columns, text] = picture;
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const share = parseInt(text[i], 36) / 35;
    image.data.set([230, 159, 0, share ? 60 + 195 * share : 0], 4 * i);
  }
  context.putImageData(image, 0, 0);
};

class Frame {
  // A map drawn to scale; `moved` is told the position under the pointer.
  constructor(title, moved) {
    this.figure = make("figure", { class: "map" });
    this.caption = make("figcaption");
    this.box = make("div", { class: "frame", role: "img", "aria-label": title });
    this.canvas = make("canvas", { "aria-hidden": "true", hidden: "" });
    this.svg = draw("svg", { "aria-hidden": "true", preserveAspectRatio: "none" });
    this.shade = draw("path", { class: "shade", "fill-rule": "evenodd" });
    this.edge = draw("path", { class: "edge" });
    this.cross = draw("path", { class: "cross" });
    this.svg.append(this.shade, this.edge, this.cross);
    this.box.append(this.canvas, this.svg);
    this.figure.append(this.caption, this.box);
    this.title = title;
    const tell = (event) => {
      const area = this.box.getBoundingClientRect();
      const x = Math.floor(((event.clientX - area.left) / area.width) * this.size[1]);
      const y = Math.floor(((event.clientY - area.top) / area.height) * this.size[0]);
      moved([clamp(y, 0, this.size[0] - 1), clamp(x, 0, this.size[1] - 1)]);
    };
    this.box.addEventListener("pointermove", tell);
    this.box.addEventListener("pointerdown", tell);
  }
  resize(size, label) {
    this.size = size;
    this.caption.textContent = `${this.title}, ${label}`;
    this.svg.setAttribute("viewBox", `0 0 ${size[1]} ${size[0]}`);
    this.box.style.aspectRatio = `${size[1]} / ${Math.max(size[0], size[1] / 12)}`;
    this.box.style.maxWidth = `${Math.min(340, (340 * size[1]) / size[0])}px`;
    this.show(null, null);
  }
  show(rows, columns, mark) {
    const [height, width] = this.size;
    const rect = (y, x) => `M${x[0]} ${y[0]}H${x[1] + 1}V${y[1] + 1}H${x[0]}Z`;
    this.shade.setAttribute("d", rows ? `M0 0H${width}V${height}H0Z` + rect(rows, columns) : "");
    this.edge.setAttribute("d", rows ? rect(rows, columns) : "");
    this.cross.setAttribute("d", mark ? rect([mark[0], mark[0]], [mark[1], mark[1]]) : "");
  }
  picture(picture, rows, columns) {
    this.canvas.hidden = !picture;
    if (!picture) return;
    if (this.painted !== picture) paint(this.canvas, picture);
    this.painted = picture;
    const [height, width] = this.size;
    Object.assign(this.canvas.style, {
      left: `${(100 * columns[0]) / width}%`, top: `${(100 * rows[0]) / height}%`,
      width: `${(100 * (columns[1] - columns[0] + 1)) / width}%`,
      height: `${(100 * (rows[1] - rows[0] + 1)) / height}%`,
    });
  }
}

let panes = [];
const started = performance.now();

class Pane {
  constructor(index) {
    this.element = make("section", { class: "pane" });
    this.list = make("div", { class: "graph", role: "listbox", tabindex: "0" });
    const maps = make("div", { class: "maps" });
    this.heading = make("h2");
    this.input = new Frame("Input", (at) => this.point(at));
    this.units = new Frame("Output of the layer", (at) => this.select(this.layer, at));
    this.facts = make("dl");
    this.live = make("p", { "aria-live": "polite" });
    const pair = make("div", { class: "pair" });
    pair.append(this.input.figure, this.units.figure);
    maps.append(this.heading, pair, this.live, this.facts);
    this.element.append(this.list, maps);
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("pointerover", (event) => this.over(event));
    this.list.addEventListener("click", (event) => this.over(event));
    this.open(index);
  }
  open(index) {
    this.index = index;
    this.network = data.networks[index];
    this.element.setAttribute("aria-label", this.network.name);
    this.list.setAttribute("aria-label", `Layers of ${this.network.name}`);
    this.list.textContent = "";
    const { width, height, edges } = this.network.graph;
    const lines = draw("svg", { width, height, "aria-hidden": "true" });
    lines.append(draw("path", { d: edges }));
    this.list.append(lines);
    this.nodes = this.network.layers.map((layer, number) => {
      const node = make("div", { class: "node", role: "option", id: `n${index}-${number}`, title: layer.name }, layer.spec);
      node.style.cssText = `left:${layer.x}px;top:${layer.y}px;--share:${layer.share}%`;
      node.dataset.layer = number;
      node.setAttribute("aria-label", `${layer.name}: ${layer.spec}, output ${layer.output}`);
      node.setAttribute("aria-selected", "false");
      this.list.append(node);
      return node;
    });
    this.input.resize(plane(this.network.input.spatial), this.network.input.text);
    this.select(this.network.start);
  }
  // Bring the selected layer into the middle of its list.
  centre() {
    const node = this.nodes[this.layer];
    this.list.scrollLeft = node.offsetLeft + node.offsetWidth / 2 - this.list.clientWidth / 2;
    this.list.scrollTop = node.offsetTop - this.list.clientHeight / 2;
  }
  select(number, unit = null, tell = true) {
    const layer = this.network.layers[number];
    if (this.layer !== number || this.shownIn !== this.network) {
      if (this.shownIn === this.network) this.nodes[this.layer].setAttribute("aria-selected", "false");
      this.layer = number;
      this.shownIn = this.network;
      this.nodes[number].setAttribute("aria-selected", "true");
      this.list.setAttribute("aria-activedescendant", this.nodes[number].id);
      this.heading.textContent = layer.name;
      this.units.resize(plane(layer.spatial), layer.output);
      this.facts.replaceChildren(...layer.facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
    }
    const [rows, columns] = plane(layer.spatial);
    this.unit = unit || [Math.floor(rows / 2), Math.floor(columns / 2)];
    const sizes = this.network.input.spatial;
    const full = layer.seen.map((axis, i) => seen(axis, this.at(layer, layer.moves[i]), sizes[i]));
    const text = full.map((part, i) => (part ? span(cut(part, sizes[i])) : "nothing")).join(", ");
    if (full.every(Boolean)) {
      const inside = full.map((part, i) => cut(part, sizes[i]));
      const [y, x] = [inside.at(-2) || [0, 0], inside.at(-1) || [0, 0]];
      this.input.show(y, x);
      this.input.picture(layer.picture < 0 ? null : this.network.pictures[layer.picture], full.at(-2) || [0, 0], full.at(-1) || [0, 0]);
    }
    this.units.show(null, null, this.unit);
    this.live.textContent = sizes.length ? `Unit ${this.unit.slice(-Math.max(layer.spatial.length, 1)).join(",")} sees ${text}.` : "";
    if (tell) for (const pane of panes) if (pane !== this) pane.follow(layer);
  }
  // The unit's place along an axis of the layer's map; frames show the last two axes.
  at(layer, axis) {
    if (axis === null) return 0;
    const shown = axis - layer.spatial.length + 2;
    return shown < 0 ? Math.floor(layer.spatial[axis] / 2) : this.unit[shown];
  }
  follow(layer) {
    const layers = this.network.layers;
    let best = layers.findIndex((other) => other.name === layer.name);
    if (best < 0) best = layers.reduce((kept, other, i) => (Math.abs(other.depth - layer.depth) < Math.abs(layers[kept].depth - layer.depth) ? i : kept), 0);
    this.select(best, null, false);
    this.nodes[best].scrollIntoView({ block: "nearest" });
  }
  point(at) {
    const layer = this.network.layers[this.layer];
    const sizes = this.network.input.spatial;
    const units = plane(layer.spatial);
    const found = units.map((count) => [0, count - 1]);
    layer.seen.forEach((axis, i) => {
      const shown = layer.moves[i] === null ? -1 : layer.moves[i] - layer.spatial.length + 2;
      if (shown >= 0) found[shown] = reaches(axis, units[shown], at[i - sizes.length + 2], sizes[i]);
    });
    this.input.cross.setAttribute("d", `M${at[1]} ${at[0]}h1v1h-1Z`);
    if (found.some((part) => !part)) {
      this.units.show([0, -1], [0, -1]);
      this.live.textContent = `Position ${at.slice(-sizes.length).join(",")} reaches no unit.`;
    } else {
      this.units.show(found[0], found[1]);
      this.live.textContent = `Position ${at.slice(-sizes.length).join(",")} lies in the fields of units ${found.slice(-Math.max(layer.spatial.length, 1)).map(span).join(", ")}.`;
    }
  }
  over(event) {
    const node = event.target.closest(".node");
    if (node) this.select(Number(node.dataset.layer));
  }
  key(event) {
    const layers = this.network.layers;
    const beside = (step) => {
      const row = layers.map((layer, i) => i).filter((i) => layers[i].y === layers[this.layer].y);
      row.sort((a, b) => layers[a].x - layers[b].x);
      return row[clamp(row.indexOf(this.layer) + step, 0, row.length - 1)];
    };
    const moves = {
      ArrowDown: () => this.layer + 1, ArrowUp: () => this.layer - 1, ArrowRight: () => beside(1),
      ArrowLeft: () => beside(-1), Home: () => 0, End: () => layers.length - 1,
      PageDown: () => this.layer + 10, PageUp: () => this.layer - 10,
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    this.select(clamp(move(), 0, layers.length - 1));
    this.nodes[this.layer].scrollIntoView({ block: "nearest" });
  }
}

const rows = data.networks.map((network) => {
  const row = make("tr");
  row.append(...network.totals.map((cell) => make("td", {}, cell)));
  $("totals").append(row);
  return row;
});
// The front of a search: each point opens its network.
const points = [];
const choose = (index) => {
  $("variant").value = index;
  arrange();
};
const plot = ({ x, y, points: places }) => {
  const [left, right, top, bottom] = [64, 412, 8, 208];
  const svg = $("scatter").querySelector("svg");
  const across = (place) => left + (right - left) * place;
  const up = (place) => bottom - (bottom - top) * place;
  const label = (at, text) => {
    const node = draw("text", at);
    node.textContent = text;
    svg.append(node);
  };
  svg.append(draw("path", { class: "axis", fill: "none", d: `M${left} ${top}V${bottom}H${right}` }));
  for (const [place, text] of x.ticks) label({ x: across(place), y: bottom + 14, "text-anchor": "middle" }, text);
  for (const [place, text] of y.ticks) label({ x: left - 6, y: up(place) + 4, "text-anchor": "end" }, text);
  label({ x: right, y: bottom + 30, "text-anchor": "end" }, x.label);
  $("scatter").querySelector("figcaption").textContent = `${y.label} against ${x.label}: each point opens its network`;
  places.forEach((place, index) => {
    if (!place) return;
    const name = `${data.networks[index].name}: ${place.text}`;
    const point = draw("circle", { class: index ? "point" : "point first", cx: across(place.x), cy: up(place.y), r: 6, role: "button", tabindex: "0", "aria-label": name });
    const title = draw("title");
    title.textContent = name;
    point.append(title);
    point.addEventListener("click", () => choose(index));
    point.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(index);
    });
    svg.append(point);
    points[index] = point;
  });
  $("scatter").hidden = false;
};

const arrange = () => {
  const several = data.networks.length > 1;
  const chosen = several ? Number($("variant").value) : 0;
  const shown = several && $("both").checked && chosen !== 0 ? [0, chosen] : [chosen];
  if (panes.length === shown.length) {
    shown.forEach((index, i) => {
      if (panes[i].index === index) return;
      panes[i].open(index);
      panes[i].centre();
    });
  } else {
    const made = shown.map((index) => new Pane(index));
    panes = made;
    document.querySelector("main").replaceChildren(...panes.map((pane) => pane.element));
    panes.forEach((pane) => pane.centre());
  }
  rows.forEach((row, i) => row.setAttribute("aria-current", String(shown.includes(i))));
  points.forEach((point, index) => point.setAttribute("aria-pressed", String(index === chosen)));
  if (several) $("name").textContent = data.networks[chosen].name;
};
if (data.networks.length > 1) {
  $("controls").hidden = false;
  $("variant").max = data.networks.length - 1;
  $("variant").value = 1;
  $("variant").addEventListener("input", arrange);
  $("both").addEventListener("change", arrange);
}
if (data.scatter) plot(data.scatter);
arrange();
document.documentElement.dataset.drawn = String(performance.now() - started);
