// audit looks at the page as it is laid out now and lists what is wrong with
// it. It runs in the browser test; want tells what this view must hold.
(want) => {
  const bad = [], say = (...a) => bad.push(a.join(" "));
  const seen = e => { const r = e.getBoundingClientRect(), s = getComputedStyle(e); return r.width > 0 && r.height > 0 && s.visibility !== "hidden" && s.display !== "none" && (!e.checkVisibility || e.checkVisibility()); };
  const name = e => e.tagName.toLowerCase() + (typeof e.className === "string" && e.className ? "." + e.className.replaceAll(" ", ".") : "") + " " + JSON.stringify((e.textContent || "").trim().slice(0, 30));
  const root = document.documentElement;
  // layout
  if (root.scrollWidth > root.clientWidth) {
    say("the page is", root.scrollWidth, "wide in", root.clientWidth);
    for (const e of document.querySelectorAll("body *")) if (seen(e) && e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest(".scroll,.sr,pre")) { say(" sticks out:", name(e)); break; }
  }
  for (const a of document.querySelectorAll(".plot .area")) {
    if (!seen(a)) continue;
    const r = a.getBoundingClientRect(), v = a.querySelector("svg").getBoundingClientRect();
    if (v.width < .9 * r.width || v.height < .9 * r.height) say("a plot fills", v.width, "x", v.height, "of", r.width, "x", r.height);
    if (root.clientWidth <= 400 && (r.width < 240 || r.height < 140)) say("a plot is", r.width, "x", r.height, name(a.closest("figure")));
  }
  const events = document.querySelector(".events .scroll");
  if (events && root.clientWidth <= 400 && events.scrollWidth > events.clientWidth + 1) say("the events table is cut:", events.scrollWidth, "in", events.clientWidth);
  // texts
  const texts = [];
  for (const e of document.querySelectorAll("body *")) {
    if (!seen(e) || ["SCRIPT", "STYLE"].includes(e.tagName) || e.closest(".sr")) continue;
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    texts.push(e);
    if (!want.print && parseFloat(getComputedStyle(e).fontSize) < 11) say("text of", getComputedStyle(e).fontSize, name(e));
  }
  // contrast: the colour of a text against the nearest painted ground
  const rgb = c => { const m = /rgba?\(([^)]*)\)/.exec(c) || /color\(srgb ([^)]*)\)/.exec(c); if (!m) return null; const p = m[1].split(/[ ,\/]+/).map(Number); const k = c.startsWith("color") ? 255 : 1; return [p[0] * k, p[1] * k, p[2] * k, p.length > 3 ? p[3] : 1]; };
  const lum = c => { const f = v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }; return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const ratio = (a, b) => { const x = lum(a), y = lum(b); return (Math.max(x, y) + .05) / (Math.min(x, y) + .05); };
  const ground = e => { const over = []; for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c && c[3] > 0) { over.push(c); if (c[3] >= .999) break; } }
    let g = over.length && over[over.length - 1][3] >= .999 ? over.pop() : rgb(getComputedStyle(root).backgroundColor); while (over.length) { const c = over.pop(); g = [0, 1, 2].map(i => c[i] * c[3] + g[i] * (1 - c[3])); } return g; };
  if (!want.forced) {
    for (const e of texts) { if (e.disabled) continue; const c = rgb(getComputedStyle(e).color), g = ground(e), k = ratio(c, g); if (k < 4.5) say("text contrast", k.toFixed(2), name(e)); }
    const page = ground(document.body);
    for (const p of document.querySelectorAll("path.line,path.dots,path.gap,path.missing")) {
      const k = ratio(rgb(getComputedStyle(p).stroke), page); if (k < 3) say("line contrast", k.toFixed(2), p.getAttribute("class"));
    }
  }
  // overlaps within one chart
  for (const f of document.querySelectorAll(".plot,.ribbon,.lanes,.compared")) {
    const t = [...f.querySelectorAll(".y span,.x span,.ends span,.legend li,.limit span,.at,.ev,.band span,figcaption h3,figcaption .sub,.readout,.tick,.mname,.measure .n,.chip,.why,.nobar,.key li")].filter(seen).map(e => [e, e.getBoundingClientRect()]);
    for (let i = 0; i < t.length; i++) for (let j = i + 1; j < t.length; j++) {
      const [a, x] = t[i], [b, y] = t[j]; if (a.contains(b) || b.contains(a)) continue;
      const w = Math.min(x.right, y.right) - Math.max(x.left, y.left), h = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
      if (w > 1 && h > 1) say("overlap of", w.toFixed(1), "x", h.toFixed(1), name(a), "and", name(b));
    }
  }
  // bars of intervals: wide enough, and their marks seen against the page and the band
  for (const e of document.querySelectorAll(".ibar")) if (seen(e) && e.getBoundingClientRect().width < 140) say("a bar is", e.getBoundingClientRect().width, "wide");
  if (!want.forced) for (const e of document.querySelectorAll(".ibar .dot,.ibar .cut")) {
    const c = getComputedStyle(e), mark = rgb(e.matches(".dot") ? c.borderTopColor : c.color), band = e.parentElement.querySelector(".least");
    for (const [what, g] of [["page", ground(document.body)], ["band", rgb(getComputedStyle(band).backgroundColor)]]) if (ratio(mark, g) < 3) say("mark contrast", ratio(mark, g).toFixed(2), "on the", what, e.parentElement.className);
  }
  // targets, names, roles, structure
  for (const e of document.querySelectorAll("a,button,select,summary")) {
    if (!seen(e) || e.closest(".skip")) continue;
    const r = e.getBoundingClientRect();
    if (r.height < 23.9 || r.width < 23.9) say("target of", r.width.toFixed(1), "x", r.height.toFixed(1), name(e));
    const label = e.labels && e.labels.length ? e.labels[0].textContent : e.getAttribute("aria-label") || e.textContent;
    if (!label.trim()) say("no name:", name(e));
  }
  for (const e of document.querySelectorAll("[role=img],[role=slider],[role=region]")) if (!(e.getAttribute("aria-label") || "").trim()) say("no name:", name(e));
  for (const e of document.querySelectorAll("[role=slider]")) if (e.getAttribute("aria-valuemax") === null || e.tabIndex < 0) say("a slider without its range or focus");
  for (const s of document.querySelectorAll("svg")) if (s.getAttribute("aria-hidden") !== "true" && !s.getAttribute("aria-label")) say("an svg without a name");
  if (document.querySelectorAll("h1").length !== 1) say("not one h1");
  if (!root.lang || !document.title || !document.querySelector("main")) say("no language, title or main");
  let level = 0;
  for (const h of document.querySelectorAll("h1,h2,h3,h4")) { const n = +h.tagName[1]; if (n > level + 1) say("a heading of level", n, "after", level, name(h)); level = n; }
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id); if (new Set(ids).size !== ids.length) say("an id is used twice");
  for (const t of document.querySelectorAll("table")) if (!t.querySelector("th[scope=col]")) say("a table without column heads");
  // what may never be there
  if (document.scripts.length !== (want.scripts ?? 1)) say("scripts:", document.scripts.length);
  if (document.images.length || document.querySelector("iframe,object,embed,form")) say("an image, frame or form");
  if (/NaN|Infinity|undefined|\[object/.test(document.body.innerText)) say("an unprintable value:", /.{0,30}(NaN|Infinity|undefined|\[object).{0,30}/.exec(document.body.innerText)[0]);
  if ([...document.querySelectorAll("path")].some(p => /NaN|Inf|undefined/.test(p.getAttribute("d")))) say("a path with NaN");
  // first screen
  if (want.first) {
    const need = [".word", ".trust", ...(want.first > 1 ? [".ribbon"] : [])].map(s => document.querySelector(s));
    for (const e of [...need, ...document.querySelectorAll(".card.fail")]) if (e && e.getBoundingClientRect().bottom + scrollY > innerHeight) say("below the first screen:", name(e));
    const c1 = document.querySelector(".latency .area"); if (want.first > 1 && c1 && c1.getBoundingClientRect().top + scrollY > innerHeight - 40) say("the latency chart is below the first screen");
  }
  // marks told apart without colour
  const dashed = s => { const p = document.querySelector(s); return !p || getComputedStyle(p).strokeDasharray !== "none"; };
  if (!dashed("path.p999") || !dashed("path.offered")) say("p99.9 or offered is not dashed");
  for (const b of document.querySelectorAll(".band.fault,.band.idle,.band.late")) if (!getComputedStyle(b).backgroundImage.includes("gradient")) say("a band without its pattern:", b.className);
  for (const e of document.querySelectorAll("*")) { const s = getComputedStyle(e); if (s.animationName !== "none" || s.transitionDuration.split(",").some(d => parseFloat(d) > 0)) { say("moves:", name(e)); break; } }
  return bad;
}
