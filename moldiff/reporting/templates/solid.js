// Sticks and balls on a canvas.

function turnX(a) { const c = Math.cos(a), s = Math.sin(a); return [1, 0, 0, 0, c, -s, 0, s, c]; }
function turnY(a) { const c = Math.cos(a), s = Math.sin(a); return [c, 0, s, 0, 1, 0, -s, 0, c]; }
function multiply(a, b) {
  const m = [];
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) m.push(a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]);
  return m;
}
function apply(m, v) {
  return [m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2], m[6] * v[0] + m[7] * v[1] + m[8] * v[2]];
}
function minus(a, b) { return [a[0] - b[0], a[1] - b[1], a[2] - b[2]]; }
function along(a, b, t) { return [a[0] + b[0] * t, a[1] + b[1] * t, a[2] + b[2] * t]; }
function dot(a, b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
function unit(v) { const n = Math.sqrt(dot(v, v)); return n > 1e-6 ? [v[0] / n, v[1] / n, v[2] / n] : null; }
function mix(colour, other, t) {
  const a = rgb(colour), b = rgb(other);
  return "rgb(" + a.map((v, i) => Math.round(v + (b[i] - v) * t)).join(",") + ")";
}
function rgb(hex) { return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)); }


// Positions about their centre, turned so that the molecule lies flat before the eye: its axes by Jacobi's rotations of
// the matrix of second moments. Never mirrored.
function faced(m) {
  const points = [], centre = [0, 0, 0];
  for (let i = 0; i < m.count; i++) points.push([0, 1, 2].map((k) => m.position[3 * i + k] * m.unit));
  for (const p of points) for (let k = 0; k < 3; k++) centre[k] += p[k] / points.length;
  for (const p of points) for (let k = 0; k < 3; k++) p[k] -= centre[k];
  if (points.length < 3) return points;
  const a = [[0, 0, 0], [0, 0, 0], [0, 0, 0]], v = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (const p of points) for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) a[i][j] += p[i] * p[j];
  for (let sweep = 0; sweep < 12; sweep++) {
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {
      if (Math.abs(a[p][q]) < 1e-12) continue;
      const angle = 0.5 * Math.atan2(2 * a[p][q], a[q][q] - a[p][p]), c = Math.cos(angle), s = Math.sin(angle);
      for (let k = 0; k < 3; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
      for (let k = 0; k < 3; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
      for (let k = 0; k < 3; k++) [v[k][p], v[k][q]] = [c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]];
    }
  }
  const order = [0, 1, 2].sort((i, j) => a[j][j] - a[i][i]);
  const axes = order.map((i) => [v[0][i], v[1][i], v[2][i]]);
  const cross = (x, y) => [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
  axes[2] = cross(axes[0], axes[1]);
  return points.map((p) => axes.map((axis) => dot(p, axis)));
}

// The second line of a double bond lies in the plane of the atoms around it, as on paper.
const preparations = new WeakMap();
function prepared(m) {
  if (preparations.has(m)) return preparations.get(m);
  const s = { points: faced(m), bonds: [] };
  const around = s.points.map(() => []);
  for (let b = 0; b < m.bonds; b++) {
    s.bonds.push([m.begin[b], m.end[b], m.order[b]]);
    around[m.begin[b]].push(m.end[b]);
    around[m.end[b]].push(m.begin[b]);
  }
  s.sides = s.bonds.map(([i, j]) => {
    const axis = unit(minus(s.points[j], s.points[i])) || [1, 0, 0];
    for (const [a, b] of [[i, j], [j, i]]) {
      for (const k of around[a]) {
        if (k === b) continue;
        const w = minus(s.points[k], s.points[a]);
        const side = unit(along(w, axis, -dot(w, axis)));
        if (side) return side;
      }
    }
    const other = Math.abs(axis[2]) < 0.9 ? [0, 0, 1] : [0, 1, 0];
    return unit(along(other, axis, -dot(other, axis)));
  });
  s.reach = 0.9 + Math.max(0.6, ...s.points.map((p) => Math.sqrt(dot(p, p))));
  preparations.set(m, s);
  return s;
}

function drawSolid(canvas, m, view) {
  const { context: c, width, height } = canvasContext(canvas);
  if (!m.solid) return;
  const s = prepared(m);
  const ground = dark.matches ? "#171b21" : "#ffffff";
  const eye = 5 * s.reach, scale = (view.zoom * 0.5 * Math.min(width * 0.95, height * 1.4)) / s.reach;
  const project = (p) => {
    const f = eye / (eye - p[2]);
    return { x: width / 2 + p[0] * scale * f, y: height / 2 - p[1] * scale * f, z: p[2], f: f * scale };
  };
  const fog = (z) => Math.max(0, Math.min(0.45, 0.22 - (0.28 * z) / s.reach));
  const colour = (i) => m.elements[m.element[i]][1];
  const radius = (i) => (m.element[i] === 1 ? 0.2 : 0.16 + 0.18 * m.elements[m.element[i]][2]);
  const turned = s.points.map((p) => apply(view.turn, p));
  const parts = turned.map((p, i) => ({ z: p[2], i }));
  s.bonds.forEach(([i, j, order], b) => {
    const side = apply(view.turn, s.sides[b]);
    const count = order === 2 || order === 3 ? order : order === 4 ? 2 : 1;
    const gap = 0.2, thick = count === 1 ? 0.2 : count === 2 ? 0.13 : 0.1;
    for (let k = 0; k < count; k++) {
      const offset = (k - (count - 1) / 2) * gap;
      // a stick starts at the surface of its ball, or the nearer one would be drawn over the ball's middle
      const axis = unit(minus(turned[j], turned[i])) || [1, 0, 0];
      const inset = (a) => 0.92 * Math.sqrt(Math.max(0, radius(a) ** 2 - offset ** 2));
      const from = along(along(turned[i], side, offset), axis, inset(i));
      const to = along(along(turned[j], side, offset), axis, -inset(j));
      const middle = along(from, minus(to, from), 0.5);
      const dashed = order === 4 && k === 1;
      parts.push({ z: (from[2] + middle[2]) / 2, from, to: along(middle, axis, 0.01), thick, dashed, i });
      parts.push({ z: (to[2] + middle[2]) / 2, from: to, to: along(middle, axis, -0.01), thick, dashed, i: j });
    }
  });
  parts.sort((a, b) => a.z - b.z);
  for (const part of parts) {
    const shade = mix(colour(part.i), ground, fog(part.z));
    if (part.from) {
      const a = project(part.from), b = project(part.to);
      c.lineCap = "butt";
      c.setLineDash(part.dashed ? [0.12 * a.f, 0.1 * a.f] : []);
      for (const [extra, style] of [[0.05, mix(colour(part.i), dark.matches ? "#000000" : "#1b2330", 0.45)], [0, shade]]) {
        c.lineWidth = Math.max(0.8, (part.thick + extra) * a.f);
        c.strokeStyle = style;
        c.beginPath();
        c.moveTo(a.x, a.y);
        c.lineTo(b.x, b.y);
        c.stroke();
      }
      c.setLineDash([]);
    } else {
      const p = project(turned[part.i]), r = radius(part.i) * p.f;
      const light = c.createRadialGradient(p.x - r * 0.35, p.y - r * 0.4, r * 0.1, p.x, p.y, r);
      light.addColorStop(0, mix(colour(part.i), "#ffffff", 0.55));
      light.addColorStop(0.55, shade);
      light.addColorStop(1, mix(colour(part.i), "#10151c", 0.3));
      c.fillStyle = light;
      c.beginPath();
      c.arc(p.x, p.y, r, 0, 2 * Math.PI);
      c.fill();
      if (m.given[part.i]) {
        c.strokeStyle = "rgba(255,170,40,.9)";
        c.lineWidth = Math.max(1.5, 0.22 * r);
        c.beginPath();
        c.arc(p.x, p.y, r * 1.18, 0, 2 * Math.PI);
        c.stroke();
      }
      const charge = chargeText(m.charge[part.i]);
      const written = (view.labels ? m.elements[m.element[part.i]][0] : "") + charge;
      if (written && r > 3) {
        c.font = "600 " + Math.max(9, Math.min(18, r * 0.95)).toFixed(0) + "px system-ui, sans-serif";
        c.textAlign = "center";
        c.textBaseline = "middle";
        c.lineWidth = 3;
        c.strokeStyle = "rgba(255,255,255,.75)";
        c.strokeText(written, p.x, p.y);
        c.fillStyle = "#10151c";
        c.fillText(written, p.x, p.y);
      }
    }
  }
}


// The stage, which mouse, touch and keys turn.
function makeStage(stage) {
  const tilt = multiply(turnX(-0.35), turnY(0.45));
  const view = { turn: tilt, zoom: 1, labels: false, spin: false };
  let shown = null, pending = false;
  function redraw() {
    if (pending || !shown) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      if (view.spin) { view.turn = multiply(turnY(0.012), view.turn); redraw(); }
      drawSolid(stage, shown, view);
    });
  }
  function rotate(dx, dy) { view.turn = multiply(multiply(turnX(dy), turnY(dx)), view.turn); redraw(); }
  function zoom(factor) { view.zoom = Math.max(0.4, Math.min(6, view.zoom * factor)); redraw(); }
  function reset() { view.turn = tilt; view.zoom = 1; redraw(); }
  const toggle = (name) => (button) => { view[name] = !view[name]; button.setAttribute("aria-pressed", String(view[name])); redraw(); };
  const actions = { "zoom-in": () => zoom(1.2), "zoom-out": () => zoom(1 / 1.2), reset, spin: toggle("spin"), labels: toggle("labels") };
  document.querySelectorAll("[data-action]").forEach((button) => button.addEventListener("click", () => actions[button.dataset.action](button)));

  const touches = new Map();
  stage.addEventListener("pointerdown", (event) => {
    touches.set(event.pointerId, [event.clientX, event.clientY]);
    stage.setPointerCapture(event.pointerId);
    stage.focus({ preventScroll: true });
  });
  stage.addEventListener("pointermove", (event) => {
    const before = touches.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (touches.size === 1) {
      rotate((now[0] - before[0]) * 0.01, (now[1] - before[1]) * 0.01);
    } else {
      const other = Array.from(touches).find(([id]) => id !== event.pointerId)[1];
      const apart = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      zoom(apart(now) / apart(before));
    }
    touches.set(event.pointerId, now);
  });
  for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, (event) => touches.delete(event.pointerId));
  stage.addEventListener("wheel", (event) => {
    if (document.activeElement !== stage) return; // the page scrolls until the view has been clicked
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0015));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => rotate(-0.12, 0), ArrowRight: () => rotate(0.12, 0), ArrowUp: () => rotate(0, -0.12), ArrowDown: () => rotate(0, 0.12),
    "+": () => zoom(1.15), "=": () => zoom(1.15), "-": () => zoom(1 / 1.15), "0": reset, Home: reset,
  };
  stage.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });

  dark.addEventListener("change", redraw);
  new ResizeObserver(redraw).observe(stage);
  return (molecule) => { shown = molecule; reset(); };
}
