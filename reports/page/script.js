"use strict";
// Cursor, zoom and switches for the charts of the report. Without this script
// the page is complete; with it the same columns are drawn again for a shorter
// stretch of time, by the rules of package series.
(() => {
document.documentElement.classList.add("js");
const W = 10000, H = 1000, OCTAVE = 32, LIMIT = 900, MAXLINE = 10000;
const STEPS = [100, 200, 500, 1e3, 2e3, 4e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5];
const TICKS = [100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 144e5, 432e5, 864e5];
const QS = [["p50", .5], ["p90", .9], ["p99", .99], ["p99.9", .999]];
const CLASSES = ["refused", "reset", "timeout", "TLS", "5xx proxy", "5xx origin", "4xx", "short or wrong body", "protocol", "local", "error answer"];
const KINDS = ["fault", "moment", "seen", "missed"];

// --- figures, as package units prints them
const group = s => { const [w, f] = s.split("."); const g = w.replace(/\B(?=(\d{3})+$)/g, "\u202f"); return f === undefined ? g : g + "." + f; };
const num = v => { const a = Math.abs(v); return group(a === 0 ? "0" : v.toFixed(a < .0005 ? 5 : a < .0995 ? 3 : a < 9.995 ? 2 : a < 99.95 ? 1 : 0)); };
const lat = us => { for (const [k, u] of [[1, "µs"], [1e3, "ms"]]) if (us / k < 999.5) return num(us / k) + " " + u; return num(us / 1e6) + " s"; };
const trim = s => { const [n, ...u] = s.split(" "); return [n.includes(".") ? n.replace(/0+$/, "").replace(/\.$/, "") : n, ...u].join(" "); };
const two = n => String(n).padStart(2, "0");
const clock = (ms, tenths) => {
  const t = Math.floor(ms / (tenths ? 100 : 1000)), sign = t < 0 ? "-" : "", a = Math.abs(t), s = tenths ? Math.floor(a / 10) : a;
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return sign + (h ? h + ":" + two(m) : m) + ":" + two(s % 60) + (tenths ? "." + a % 10 : "");
};

// --- data
async function inflate(text) {
  const bin = atob(text.replace(/-/g, "+").replace(/_/g, "/")), bytes = Uint8Array.from(bin, c => c.charCodeAt(0));
  const out = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(out).arrayBuffer());
}
function unpack(b) {
  let i = 0;
  const n = () => { let v = 0, k = 1, c; do { c = b[i++]; v += (c & 127) * k; k *= 128; } while (c > 127); return v; };
  const s = () => { const v = n(); return v % 2 ? -(v + 1) / 2 : v / 2; };
  const d = { start: s(), end: s(), zero: s(), low: n(), high: n(), limit: n(), events: [], cols: [] };
  for (let k = n(); k > 0; k--) d.events.push({ id: n(), a: s(), b: s(), kind: KINDS[n()] });
  let last = d.start;
  for (let k = n(); k > 0; k--) {
    const c = { a: last + s() }, len = n();
    c.b = c.a + (len >> 1); c.edge = len % 2 === 1; c.offered = n(); c.completed = n(); c.good = n(); c.err = {};
    for (let e = n(); e > 0; e--) { const cl = n(); c.err[cl] = n(); }
    c.max = n(); c.ok = []; c.n = 0;
    for (let p = n(), bin = 0; p > 0; p--) { bin += n(); const q = n(); c.ok.push([bin, q]); c.n += q; }
    d.cols.push(c); last = c.b;
  }
  return d;
}

// --- the truth rules of package series
const addBins = (x, y) => {
  if (!x.length) return y; if (!y.length) return x;
  const out = []; let i = 0, j = 0;
  while (i < x.length || j < y.length) {
    if (j >= y.length || (i < x.length && x[i][0] < y[j][0])) out.push(x[i++]);
    else if (i >= x.length || y[j][0] < x[i][0]) out.push(y[j++]);
    else { out.push([x[i][0], x[i][1] + y[j][1]]); i++; j++; }
  }
  return out;
};
const binValue = b => 2 ** ((b + .5) / OCTAVE);
const quantile = (bins, n, q) => {
  let rank = Math.min(Math.max(Math.floor(q * n + .5), 1), n);
  for (const [b, c] of bins) { if (c >= rank) return binValue(b); rank -= c; }
  return 0;
};
const enough = (q, n, beyond) => n >= Math.round(beyond / (1 - q));
const same = (a, b, zero, step) => !b.edge && a.b === b.a && Math.floor((a.a - zero) / step) === Math.floor((b.a - zero) / step);
function overview(raw, zero, limit) {
  let step;
  for (step of STEPS) { let k = 0; raw.forEach((c, i) => { if (!i || !same(raw[i - 1], c, zero, step)) k++; }); if (k <= limit) break; }
  const out = [];
  raw.forEach((c, i) => {
    if (!i || !same(raw[i - 1], c, zero, step)) { out.push({ ...c, err: { ...c.err } }); return; }
    const o = out[out.length - 1];
    o.b = c.b; o.offered += c.offered; o.completed += c.completed; o.good += c.good; o.n += c.n;
    for (const k in c.err) o.err[k] = (o.err[k] || 0) + c.err[k];
    o.ok = addBins(o.ok, c.ok); o.max = Math.max(o.max, c.max);
  });
  return [out, step];
}
const empty = c => !c.offered && !c.ok.length;
function line(cols, q) {
  const out = [];
  const joins = (i, j) => { const c = cols[j]; return (c.ok.length || empty(c)) && (i === j || (!c.edge && cols[j - 1].b === c.a && c.b - cols[i].a <= MAXLINE)); };
  for (let i = 0; i < cols.length;) {
    let j = i, n = 0, sum = [];
    for (; j < cols.length && joins(i, j) && !enough(q, n, 3); j++) { sum = addBins(sum, cols[j].ok); n += cols[j].n; }
    if (j === i) { i++; continue; }
    const last = out[out.length - 1];
    if (enough(q, n, 3)) out.push({ a: cols[i].a, b: cols[j - 1].b, v: quantile(sum, n, q), n, i });
    else if (last && last.b === cols[i].a && !cols[i].edge && cols[j - 1].b - last.a <= MAXLINE) {
      sum = []; n = 0;
      for (let k = last.i; k < j; k++) { sum = addBins(sum, cols[k].ok); n += cols[k].n; }
      Object.assign(last, { b: cols[j - 1].b, v: quantile(sum, n, q), n });
    }
    i = j;
  }
  return out;
}
const errSum = (c, list) => list.reduce((s, k) => s + (c.err[k] || 0), 0);
const allErr = c => Object.values(c.err).reduce((s, v) => s + v, 0);
function layersOf(cols) {
  const total = {};
  for (const c of cols) for (const k in c.err) total[k] = (total[k] || 0) + c.err[k];
  const list = Object.keys(total).map(Number).sort((a, b) => total[b] - total[a] || a - b);
  if (list.length <= 5) return list.map(k => [k]);
  return [...list.slice(0, 4).map(k => [k]), list.slice(4)];
}

// --- drawing
const nice = v => { const p = 10 ** Math.floor(Math.log10(v)); for (const m of [1, 2, 2.5, 5]) if (m * p >= v * (1 - 1e-9)) return m * p; return 10 * p; };
const lin = top => { if (top <= 0) top = 1; const step = nice(top / 3); top = step * Math.ceil(top / step - 1e-9);
  return { top, step, y: v => Math.round(H * (1 - Math.min(Math.max(v / top, 0), 1))) }; };
class Path {
  constructor() { this.d = ""; this.open = false; }
  move(x, y) { this.d += "M" + x + " " + y; this.x = x; this.y = y; this.open = true; }
  h(x) { if (x !== this.x) { this.d += "h" + (x - this.x); this.x = x; } }
  v(y) { if (y !== this.y) { this.d += "v" + (y - this.y); this.y = y; } }
  step(a, b, y) { if (this.open && this.x === a) this.v(y); else this.move(a, y); this.h(Math.max(b, a + 1)); }
}
const per = (n, c) => n * 1000 / Math.max(c.b - c.a, 1);
const el = (tag, props, ...kids) => { const e = Object.assign(document.createElement(tag), props); e.append(...kids); return e; };

class Stack {
  constructor(node) {
    this.node = node; this.id = node.dataset.cell; this.plots = {};
    for (const f of node.querySelectorAll("[data-plot]")) this.plots[f.dataset.plot] = f;
    this.titles = new Map([...node.querySelectorAll(".ev")].map(a => [a.textContent, a]));
  }
  ready() { return this.loading ??= this.load(); }
  async load() {
    if (!this.plots.latency || typeof DecompressionStream === "undefined") return this;
    this.d = unpack(await inflate(this.node.dataset.raw));
    this.a = this.d.start; this.b = this.d.end; this.layers = layersOf(this.d.cols);
    this.tools(); this.compute(); this.at = -1;
    for (const f of Object.values(this.plots)) this.wire(f);
    return this;
  }
  tools() {
    const b = (text, label, fn) => { const x = el("button", { type: "button", textContent: text, onclick: fn }); if (label) x.setAttribute("aria-label", label); return x; };
    this.heatButton = b("Heat map", "", () => this.toggleHeat());
    this.heatButton.setAttribute("aria-pressed", "false");
    this.resetButton = b("Reset zoom", "", () => this.zoom(this.d.start, this.d.end));
    this.width = el("span", { className: "sub" });
    const bar = el("div", { className: "tools" }, b("+", "Zoom in", () => this.scale(.5)), b("−", "Zoom out", () => this.scale(2)), this.resetButton);
    if (this.d.events.length) bar.append(b("‹ event", "Previous event", () => this.jump(-1)), b("event ›", "Next event", () => this.jump(1)));
    bar.append(this.heatButton);
    this.plots.latency.querySelector("figcaption").append(bar);
    this.readout = el("p", { className: "readout" }); this.readout.setAttribute("role", "status");
    this.readout.textContent = "Move over a chart, or focus it and use the arrow keys, n and p for events, + - 0 to zoom.";
    this.plots.latency.querySelector(".frame").after(this.readout);
    this.canvas = el("canvas", { hidden: true }); this.canvas.setAttribute("aria-hidden", "true");
    this.plots.latency.querySelector(".area").prepend(this.canvas);
    this.key = el("div", { className: "heatkey", hidden: true });
    this.plots.latency.querySelector("figcaption").after(this.key);
  }
  wire(f) {
    const area = f.querySelector(".area"), t = e => { const r = area.getBoundingClientRect(); return this.a + (e.clientX - r.left) / r.width * (this.b - this.a); };
    area.tabIndex = 0; area.setAttribute("role", "slider");
    area.setAttribute("aria-valuemin", 0);
    area.append(el("div", { className: "cursor", hidden: true }), el("div", { className: "sel", hidden: true }));
    this.limits();
    area.addEventListener("pointermove", e => { if (this.from !== undefined) this.select(this.from, t(e)); this.cursor(this.indexAt(t(e))); });
    area.addEventListener("pointerdown", e => { if (e.button === 0 && e.pointerType !== "touch") { this.from = t(e); area.setPointerCapture(e.pointerId); } });
    const up = e => {
      if (this.from === undefined) return;
      const a = Math.min(this.from, t(e)), b = Math.max(this.from, t(e)); this.from = undefined; this.select();
      if ((b - a) / (this.b - this.a) > .008) this.zoom(a, b);
    };
    area.addEventListener("pointerup", up);
    area.addEventListener("pointercancel", () => { this.from = undefined; this.select(); });
    area.addEventListener("keydown", e => this.keydown(e));
    area.addEventListener("focus", () => { if (this.at < 0) this.cursor(0); });
  }
  keydown(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const last = this.cols.length - 1, go = i => this.cursor(Math.min(Math.max(i, 0), last));
    const move = k => {
      const was = this.at; go(this.at + k);
      if (e.shiftKey) { if (this.anchor === undefined) this.anchor = Math.max(was, 0); this.select(this.cols[Math.min(this.anchor, this.at)].a, this.cols[Math.max(this.anchor, this.at)].b); }
      else { this.anchor = undefined; this.select(); }
    };
    switch (e.key) {
      case "ArrowRight": move(1); break;
      case "ArrowLeft": move(-1); break;
      case "PageDown": move(10); break;
      case "PageUp": move(-10); break;
      case "Home": go(0); break;
      case "End": go(last); break;
      case "+": case "=": case "Enter": if (this.picked) this.zoom(...this.picked); else this.scale(.5); break;
      case "-": this.scale(2); break;
      case "0": case "Escape": this.zoom(this.d.start, this.d.end); break;
      case "n": this.jump(1); break;
      case "p": this.jump(-1); break;
      default: return;
    }
    e.preventDefault();
  }
  indexAt(ms) {
    let lo = 0, hi = this.cols.length - 1;
    while (lo < hi) { const m = (lo + hi + 1) >> 1; if (this.cols[m].a <= ms) lo = m; else hi = m - 1; }
    return lo;
  }
  jump(dir) {
    const now = this.at < 0 ? this.a - 1 : this.mark ?? this.cols[this.at].a;
    const list = this.d.events.map(e => e.a).sort((x, y) => x - y);
    const next = dir > 0 ? list.find(t => t > now) : list.reverse().find(t => t < now);
    if (next === undefined) return;
    if (next < this.a || next > this.b) { const half = (this.b - this.a) / 2; this.zoom(next - half, next + half); }
    this.cursor(this.indexAt(next)); this.mark = next;
  }
  select(a, b) {
    this.picked = a === undefined ? undefined : [Math.min(a, b), Math.max(a, b)];
    for (const s of this.node.querySelectorAll(".sel")) {
      s.hidden = !this.picked;
      if (this.picked) { s.style.left = this.pct(this.picked[0]) + "%"; s.style.width = this.pct(this.picked[1]) - this.pct(this.picked[0]) + "%"; }
    }
  }
  pct(ms) { return (Math.min(Math.max(ms, this.a), this.b) - this.a) * 100 / (this.b - this.a); }
  limits() { for (const f of Object.values(this.plots)) f.querySelector(".area").setAttribute("aria-valuemax", Math.max(this.cols.length - 1, 0)); }
  cursor(i) {
    if (i === this.at && this.mark === undefined) return;
    this.at = i; this.mark = undefined;
    const c = this.cols[i]; if (!c) return;
    const parts = [["", clock(c.a - this.d.zero, true) + (c.b - c.a >= 1000 ? " to " + clock(c.b - this.d.zero, true) : "")], ["n", num(c.n)]];
    QS.forEach(([name], k) => { const s = this.lines[k].find(s => s.a <= c.a && c.b <= s.b); parts.push([name, s && c.ok.length ? lat(s.v) : "-"]); });
    parts.push(["max", c.ok.length ? lat(c.max) : "-"], ["offered", num(per(c.offered, c)) + "/s"], ["good", num(per(c.good, c)) + "/s"], ["errors", num(per(allErr(c), c)) + "/s"]);
    for (const k of Object.keys(c.err)) parts.push([CLASSES[k], String(c.err[k])]);
    const ev = this.d.events.filter(e => e.a < c.b && Math.max(e.b, e.a + 1) > c.a).map(e => e.id);
    if (ev.length) parts.push(["event", ev.length > 4 ? ev[0] + "-" + ev[ev.length - 1] : ev.join(", ")]);
    this.readout.replaceChildren(...parts.map(([k, v]) => el("span", {}, k ? k + " " : "", el("b", { textContent: v }))));
    const text = parts.map(p => p.join(" ").trim()).join(", "), x = this.pct((c.a + c.b) / 2);
    for (const f of Object.values(this.plots)) {
      const area = f.querySelector(".area"), k = area.querySelector(".cursor");
      k.hidden = false; k.style.left = x + "%";
      area.setAttribute("aria-valuenow", i); area.setAttribute("aria-valuetext", text);
    }
  }
  scale(k) {
    const mid = this.at >= 0 && k < 1 ? (this.cols[this.at].a + this.cols[this.at].b) / 2 : (this.a + this.b) / 2, half = (this.b - this.a) * k / 2;
    this.zoom(mid - half, mid + half);
  }
  zoom(a, b, quiet) {
    const d = this.d, span = Math.min(Math.max(b - a, 1000), d.end - d.start);
    a = Math.min(Math.max(a, d.start), d.end - span); b = a + span;
    const at = this.at >= 0 ? this.cols[this.at].a : undefined;
    this.a = Math.round(a); this.b = Math.round(b); this.anchor = undefined; this.select();
    this.compute(); this.draw();
    if (at !== undefined && at >= this.a && at < this.b) { this.at = -1; this.cursor(this.indexAt(at)); }
    else { this.at = -1; for (const k of this.node.querySelectorAll(".cursor")) k.hidden = true; }
    if (!quiet) {
      const full = this.a === d.start && this.b === d.end, h = "#" + this.id + "=" + (this.a - d.zero) + ".." + (this.b - d.zero);
      history.replaceState(null, "", full ? "#" + this.id : h);
    }
  }
  compute() {
    const list = this.d.cols.filter(c => c.b > this.a && c.a < this.b);
    [this.cols, this.step] = overview(list, this.d.zero, LIMIT);
    this.lines = QS.map(q => line(this.cols, q[1]));
    if (this.resetButton) this.resetButton.disabled = this.a === this.d.start && this.b === this.d.end;
  }
  // paths draws every chart's curves for the stretch in view.
  paths() {
    const d = this.d, cols = this.cols, x = ms => Math.round((ms - this.a) * W / (this.b - this.a));
    const ly = v => Math.round(H * (1 - Math.min(Math.max((Math.log10(Math.max(v, 1e-9)) - d.low) / (d.high - d.low), 0), 1)));
    const out = {};
    QS.forEach(([name], k) => { const p = new Path(); for (const s of this.lines[k]) p.step(x(s.a), x(s.b), ly(s.v)); out[name] = p.d; });
    const dots = new Path(), gap = new Path();
    for (const c of cols) if (c.ok.length) { dots.move(x((c.a + c.b) / 2), ly(c.max)); dots.d += "h0"; }
    let g; const close = () => { if (!g) return; for (const t of [g.a, g.b]) { gap.move(x(t), H); gap.v(H - 30); } gap.move(x(g.a), H - 2); gap.h(x(g.b)); g = undefined; };
    for (const c of cols) { if (c.ok.length || empty(c)) { close(); continue; } if (g && g.b === c.a) g.b = c.b; else { close(); g = { a: c.a, b: c.b }; } }
    close();
    out.max = dots.d; out.gap = gap.d;
    const levels = y => { const p = new Path(); for (const c of cols) p.step(x(c.a), x(c.b), y(c)); return p.d; };
    const area = (top, bottom) => {
      const p = new Path(); let i = 0;
      while (i < cols.length) {
        if (top(cols[i]) === bottom(cols[i])) { i++; continue; }
        let j = i + 1; while (j < cols.length && cols[j].a === cols[j - 1].b && top(cols[j]) !== bottom(cols[j])) j++;
        p.move(x(cols[i].a), bottom(cols[i]));
        for (let k = i; k < j; k++) { p.v(top(cols[k])); p.h(x(cols[k].b)); }
        for (let k = j - 1; k >= i; k--) { p.v(bottom(cols[k])); p.h(x(cols[k].a)); }
        p.d += "Z"; p.open = false; i = j;
      }
      return p.d;
    };
    const hatch = (top, bottom, every) => {
      const p = new Path();
      for (const c of cols) { const t = top(c), u = bottom(c); if (t >= u) continue; for (let k = Math.ceil(x(c.a) / every) * every; k < x(c.b); k += every) { p.move(k, t); p.v(u); } }
      return p.d;
    };
    const r = this.rateScale = lin(Math.max(...cols.map(c => Math.max(per(c.offered, c), per(c.completed, c))), 0));
    const ro = c => r.y(per(c.offered, c)), rg = c => r.y(per(c.good, c));
    out.good = area(rg, () => H); out.missing = hatch(ro, rg, 50); out.completed = levels(c => r.y(per(c.completed, c))); out.offered = levels(ro);
    const e = this.errScale = lin(Math.max(...cols.map(c => per(allErr(c), c)), 0));
    const sum = (c, k) => e.y(per(errSum(c, this.layers.slice(0, k).flat()), c));
    this.layers.forEach((_, k) => {
      const top = c => sum(c, k + 1), bottom = c => sum(c, k);
      out["e" + k] = area(top, bottom); if (k) out["e" + k + "h"] = hatch(top, bottom, Math.floor(160 / (k + 1)));
    });
    return out;
  }
  draw() {
    const d = this.d, out = this.paths();
    for (const p of this.node.querySelectorAll("path[data-k]")) p.setAttribute("d", out[p.dataset.k] ?? "");
    for (const b of this.node.querySelectorAll("[data-a]")) {
      const a = b.dataset.a / 1000, z = b.dataset.b / 1000;
      b.hidden = z < this.a || a > this.b; b.style.left = this.pct(a) + "%"; b.style.width = this.pct(z) - this.pct(a) + "%";
    }
    const ticks = this.ticks();
    for (const [name, f] of Object.entries(this.plots)) {
      f.querySelector(".x").replaceChildren(...ticks.map(t => { const s = el("span", { textContent: t.text }); s.style.left = t.at + "%"; return s; }));
      let ys = [...f.querySelectorAll(".y span")].map(s => parseFloat(s.style.top));
      const sc = name === "rates" ? this.rateScale : name === "errors" ? this.errScale : null;
      if (sc) {
        const spans = []; ys = [];
        for (let k = 0; k * sc.step <= sc.top * (1 + 1e-9); k++) { const at = 100 * (1 - k * sc.step / sc.top); ys.push(at); const s = el("span", { textContent: trim(num(k * sc.step)) }); s.style.top = at + "%"; spans.push(s); }
        f.querySelector(".y").replaceChildren(...spans);
      }
      const p = new Path();
      for (const y of ys) { p.move(0, Math.round(y * H / 100)); p.h(W); }
      for (const t of ticks) { p.move(Math.round(t.at * W / 100), 0); p.v(H); }
      f.querySelector("path.grid").setAttribute("d", p.d);
    }
    const ends = this.plots.latency.querySelector(".ends"); ends.hidden = this.a !== d.start || this.b !== d.end;
    const wide = this.cols.some(c => c.b - c.a > this.step);
    this.plots.latency.querySelector(".sub").textContent = "OK responses, from the intended start. 1 column = " + trim(lat(this.step * 1000)) + (wide && this.step < 1000 ? " near events, 1 s elsewhere" : "");
    this.chips(); this.limits(); this.heat();
  }
  ticks() {
    const room = this.plots.latency.querySelector(".area").clientWidth, most = Math.max(2, Math.min(10, Math.floor(room / 75)));
    const step = TICKS.find(s => (this.b - this.a) / s <= most) || this.b - this.a, out = [];
    for (let t = Math.ceil((this.a - this.d.zero) / step) * step; t <= this.b - this.d.zero; t += step) out.push({ at: this.pct(t + this.d.zero), text: clock(t, step < 1000) });
    return out;
  }
  chips() {
    const room = this.plots.latency.querySelector(".area").clientWidth;
    for (const row of this.node.querySelectorAll(".rplot.chips")) {
      const seen = row.dataset.row === "seen", groups = [];
      const text = g => g.ev.length === 1 ? String(g.ev[0].id) : g.ev[0].id + "-" + g.ev[g.ev.length - 1].id;
      const size = g => Math.max(26, 8 * text(g).length + 20) * 100 / room;
      for (const e of this.d.events) {
        if ((e.kind === "seen") !== seen || e.b < this.a || e.a > this.b) continue;
        let g = { ev: [e], at: this.pct(e.a) };
        while (groups.length) {
          const last = groups[groups.length - 1]; if (g.at - last.at >= (size(last) + size(g)) / 2) break;
          const ev = last.ev.concat(g.ev); g = { ev, at: (this.pct(ev[0].a) + this.pct(ev[ev.length - 1].a)) / 2 }; groups.pop();
        }
        groups.push(g);
      }
      const make = g => {
        const a = g.ev[0].a, b = g.ev[g.ev.length - 1].b, margin = Math.max((b - a) / 2, 4000), kinds = new Set(g.ev.map(e => e.kind)), was = this.titles.get(text(g));
        const c = el("a", { className: "ev " + (kinds.size > 1 ? "fault" : g.ev[0].kind), textContent: text(g), title: was ? was.title : "events " + text(g) + ": zoom" });
        c.href = was ? was.getAttribute("href") : "#" + this.id + "=" + (Math.max(a - margin, this.d.start) - this.d.zero) + ".." + (Math.min(b + margin, this.d.end) - this.d.zero);
        c.setAttribute("aria-label", c.title); c.style.left = Math.min(Math.max(g.at, size(g) / 2 - 1), 101 - size(g) / 2) + "%";
        return c;
      };
      for (const set of row.querySelectorAll(".set")) set.replaceChildren(...groups.map(make));
    }
  }
  toggleHeat() {
    this.hot = !this.hot; this.heatButton.setAttribute("aria-pressed", String(this.hot));
    this.canvas.hidden = this.key.hidden = !this.hot;
    for (const p of this.plots.latency.querySelectorAll("path[data-k]")) p.style.display = this.hot && p.dataset.k !== "gap" ? "none" : "";
    this.plots.latency.querySelector(".ends").style.visibility = this.plots.latency.querySelector(".legend").style.visibility = this.hot ? "hidden" : "";
    this.heat();
  }
  heat() {
    if (!this.hot) return;
    const c = this.canvas, r = devicePixelRatio || 1, w = c.width = Math.round(c.clientWidth * r), h = c.height = Math.round(c.clientHeight * r), g = c.getContext("2d");
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--s2"), { low, high } = this.d;
    const most = Math.max(2, ...this.cols.map(c => Math.max(0, ...c.ok.map(p => p[1]))));
    const shade = n => .18 + .82 * Math.log(n) / Math.log(most);
    g.fillStyle = ink;
    for (const k of this.cols) {
      const x0 = Math.round((k.a - this.a) / (this.b - this.a) * w), x1 = Math.max(x0 + 1, Math.round((k.b - this.a) / (this.b - this.a) * w));
      for (const [bin, n] of k.ok) {
        const y = v => h * (1 - (v * Math.log10(2) / OCTAVE - low) / (high - low)), t = y(bin + 1), u = y(bin);
        g.globalAlpha = shade(n); g.fillRect(x0, Math.floor(t), x1 - x0, Math.max(1, Math.ceil(u - t)));
      }
    }
    const marks = [1]; for (let n = 10; n < most; n *= 10) marks.push(n); marks.push(most);
    this.key.replaceChildren("responses per cell", ...[...new Set(marks)].map(n => { const i = el("i", {}); i.style.cssText = "width:18px;opacity:" + shade(n) + ";background:" + ink; return el("span", {}, i, " " + num(n)); }));
  }
}

// --- the page
const stacks = [...document.querySelectorAll(".stack")].map(n => new Stack(n));
async function follow() {
  const m = /^#(c\d+)(?:=(-?\d+)\.\.(-?\d+))?$/.exec(location.hash);
  if (!m) return;
  const s = stacks.find(s => s.id === m[1]); if (!s) return;
  const box = s.node.closest("details.cell"); if (box) box.open = true;
  await s.ready();
  if (!s.d || m[2] === undefined) return;
  s.zoom(+m[2] + s.d.zero, +m[3] + s.d.zero, true);
  s.plots.latency.scrollIntoView({ block: "nearest" });
}
for (const s of stacks) {
  const box = s.node.closest("details.cell");
  if (!box) s.ready().then(() => document.documentElement.dataset.ready = "1");
  else box.addEventListener("toggle", () => { if (box.open) s.ready(); });
}
addEventListener("hashchange", follow);
follow();
let timer;
addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(() => stacks.forEach(s => { if (s.d && (s.hot || s.a !== s.d.start || s.b !== s.d.end)) s.draw(); }), 100); });

const pick = document.getElementById("measure");
if (pick) pick.addEventListener("change", () => { for (const v of document.querySelectorAll(".mval")) v.hidden = v.dataset.m !== pick.value; });

for (const a of document.querySelectorAll("a[data-z]")) a.addEventListener("click", async e => {
  if (a.dataset.made || !a.dataset.z || typeof DecompressionStream === "undefined") return;
  e.preventDefault();
  a.href = URL.createObjectURL(new Blob([await inflate(a.dataset.z)])); a.dataset.made = "1"; a.click();
});
window.benchStacks = stacks;
})();
