// A molecule on paper: its layout was computed by RDKit; here are lines and letters.

const INK = { 5: "#cc746b", 7: "#3d78e6", 8: "#e04740", 9: "#299a6b", 15: "#d97f19", 16: "#b8870a", 17: "#299a4a", 35: "#b36129", 53: "#8f56bd" };

function drawSketch(canvas, m) {
  const { context: c, width, height } = canvasContext(canvas);
  if (!m.drawn) return;
  const style = getComputedStyle(canvas), text = style.color;
  const ink = (i) => INK[m.element[i]] || text;
  const shown = [];
  for (let i = 0; i < m.count; i++) if (m.flat[2 * i] !== m.hidden) shown.push(i);
  const xs = shown.map((i) => m.flat[2 * i] / 100), ys = shown.map((i) => m.flat[2 * i + 1] / 100);
  const low = [Math.min(...xs), Math.min(...ys)], high = [Math.max(...xs), Math.max(...ys)];
  const scale = Math.min((width - 18) / (high[0] - low[0] + 0.9), (height - 12) / (high[1] - low[1] + 0.9), width > 200 ? 26 : 14);
  const place = (i) => [width / 2 + (m.flat[2 * i] / 100 - (low[0] + high[0]) / 2) * scale, height / 2 - (m.flat[2 * i + 1] / 100 - (low[1] + high[1]) / 2) * scale];
  const at = {};
  for (const i of shown) at[i] = place(i);
  const around = {};
  for (const i of shown) around[i] = [];
  for (let b = 0; b < m.bonds; b++) {
    const i = m.begin[b], j = m.end[b];
    if (at[i] && at[j]) { around[i].push(j); around[j].push(i); }
  }
  const labelled = (i) => m.element[i] !== 6 || m.charge[i] || m.radical[i] || m.isotope[i] || !around[i].length;
  const size = Math.max(6.5, Math.min(15, 0.62 * scale));
  c.lineCap = "round";
  c.lineJoin = "round";

  // what was given to the sampler lies on a coloured ground
  c.strokeStyle = c.fillStyle = "rgba(255,184,64,.5)";
  c.lineWidth = 0.62 * scale;
  for (let b = 0; b < m.bonds; b++) {
    if (m.given[m.begin[b]] && m.given[m.end[b]] && at[m.begin[b]] && at[m.end[b]]) line(at[m.begin[b]], at[m.end[b]]);
  }
  for (const i of shown) if (m.given[i]) disc(at[i], 0.31 * scale);

  c.lineWidth = Math.max(0.9, Math.min(1.7, 0.07 * scale));
  for (let b = 0; b < m.bonds; b++) {
    const i = m.begin[b], j = m.end[b];
    if (!at[i] || !at[j]) continue;
    const dx = at[j][0] - at[i][0], dy = at[j][1] - at[i][1], length = Math.hypot(dx, dy) || 1;
    const u = [dx / length, dy / length], n = [-u[1], u[0]], room = 0.62 * size;
    const from = labelled(i) ? move(at[i], u, Math.min(room, 0.4 * length)) : at[i];
    const to = labelled(j) ? move(at[j], u, -Math.min(room, 0.4 * length)) : at[j];
    if (m.wedge[b] === 1) { wedge(from, to, n, i, j); continue; }
    if (m.wedge[b] === 2) { dashes(from, to, n, i, j); continue; }
    const gap = Math.max(1.8, 0.13 * scale);
    if (m.order[b] === 2 || m.order[b] === 4) {
      const side = sideOf(i, j, n);
      if (side) {
        twoColours(from, to, i, j);
        c.setLineDash(m.order[b] === 4 ? [2, 2] : []);
        const cut = (k) => (labelled(k) ? 0 : 0.12 * length);
        twoColours(move(move(from, n, side * gap), u, cut(i)), move(move(to, n, side * gap), u, -cut(j)), i, j);
        c.setLineDash([]);
      } else {
        for (const s of [-0.5, 0.5]) twoColours(move(from, n, s * gap), move(to, n, s * gap), i, j);
      }
    } else {
      if (m.order[b] === 0) c.setLineDash([2, 2]);
      twoColours(from, to, i, j);
      c.setLineDash([]);
      if (m.order[b] === 3) for (const s of [-1, 1]) twoColours(move(from, n, s * gap), move(to, n, s * gap), i, j);
    }
  }
  for (const i of shown) if (labelled(i)) label(i);

  function move(p, v, t) { return [p[0] + v[0] * t, p[1] + v[1] * t]; }
  function line(a, b) { c.beginPath(); c.moveTo(...a); c.lineTo(...b); c.stroke(); }
  function disc(p, r) { c.beginPath(); c.arc(p[0], p[1], r, 0, 2 * Math.PI); c.fill(); }
  function twoColours(a, b, i, j) {
    const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    c.strokeStyle = ink(i);
    line(a, middle);
    c.strokeStyle = ink(j);
    line(middle, b);
  }
  function wedge(a, b, n, i, j) {
    const wide = 0.1 * scale;
    c.fillStyle = ink(i) === ink(j) ? ink(i) : text;
    c.beginPath();
    c.moveTo(...a);
    c.lineTo(...move(b, n, wide));
    c.lineTo(...move(b, n, -wide));
    c.fill();
  }
  function dashes(a, b, n, i, j) {
    c.strokeStyle = ink(i) === ink(j) ? ink(i) : text;
    const count = Math.max(4, Math.round(Math.hypot(b[0] - a[0], b[1] - a[1]) / 3));
    for (let k = 1; k <= count; k++) {
      const p = [a[0] + ((b[0] - a[0]) * k) / count, a[1] + ((b[1] - a[1]) * k) / count], wide = (0.1 * scale * k) / count;
      line(move(p, n, wide), move(p, n, -wide));
    }
  }
  // The second line of a double bond lies where its neighbours are: inside of a ring; on both sides where there is no side.
  function sideOf(i, j, n) {
    const others = [...around[i].filter((k) => k !== j), ...around[j].filter((k) => k !== i)];
    if (around[i].length < 2 || around[j].length < 2) return 0;
    let sum = 0;
    for (const k of others) sum += Math.sign((at[k][0] - at[i][0]) * n[0] + (at[k][1] - at[i][1]) * n[1]);
    const common = ringSide(i, j, n);
    return common || Math.sign(sum);
  }
  // The side of the smallest ring that holds the bond, by a short search from one end to the other.
  function ringSide(i, j, n) {
    const before = new Map([[i, -1]]);
    let front = [i];
    for (let depth = 0; depth < 7 && front.length; depth++) {
      const next = [];
      for (const k of front) {
        for (const l of around[k]) {
          if (before.has(l) || (k === i && l === j)) continue;
          before.set(l, k);
          if (l === j) {
            let x = 0, y = 0, count = 0;
            for (let p = j; p !== -1; p = before.get(p)) { x += at[p][0]; y += at[p][1]; count++; }
            return Math.sign((x / count - at[i][0]) * n[0] + (y / count - at[i][1]) * n[1]);
          }
          next.push(l);
        }
      }
      front = next;
    }
    return 0;
  }
  function label(i) {
    const symbol = (m.isotope[i] ? m.isotope[i] : "") + m.elements[m.element[i]][0];
    const hydrogens = m.hydrogens[i], charge = chargeText(m.charge[i]) + "•".repeat(Math.min(m.radical[i], 3));
    let pull = 0;
    for (const k of around[i]) pull += at[k][0] - at[i][0];
    c.font = `${size.toFixed(1)}px system-ui, sans-serif`;
    c.textBaseline = "middle";
    c.textAlign = "left";
    c.fillStyle = ink(i);
    const half = c.measureText(symbol).width / 2, small = `${(0.72 * size).toFixed(1)}px system-ui, sans-serif`;
    c.fillText(symbol, at[i][0] - half, at[i][1] + 0.5);
    let right = at[i][0] + half;
    if (hydrogens) {
      const normal = c.font, h = c.measureText("H").width;
      c.font = small;
      const digit = hydrogens > 1 ? c.measureText(String(hydrogens)).width : 0;
      c.font = normal;
      const start = pull > 0.1 ? at[i][0] - half - h - digit : right;
      c.fillText("H", start, at[i][1] + 0.5);
      c.font = small;
      if (digit) c.fillText(String(hydrogens), start + h, at[i][1] + 0.32 * size);
      if (pull <= 0.1) right += h + digit;
    }
    c.font = small;
    if (charge) c.fillText(charge, right, at[i][1] - 0.42 * size);
  }
}
