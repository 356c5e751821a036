// The table of all molecules. Only the rows in view are in the document, so ten thousand cost as little as twenty.

const ROW_HEIGHT = 58; // as in the style sheet
const SPARE_ROWS = 4;
const WIDTHS = { number: 86, boolean: 98, list: 200, text: 150 };

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key.startsWith("data-") || key === "role" || key === "scope") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

function written(value) {
  if (value === null) return "–";
  if (value === true) return "yes";
  if (value === false) return "no";
  if (typeof value !== "number") return value;
  const short = Number.isInteger(value) ? String(value) : Math.abs(value) >= 100 ? value.toFixed(1) : String(Number(value.toPrecision(3)));
  return short.replace("-", "−");
}

function classesOf(text) {
  return text ? text.split(";").map((part) => part.trim().replace(/ \d+$/, "")).filter(Boolean) : [];
}

function classTitle(name) { return name.replace(/^fr_/, "").replaceAll("_", " "); }

function makeTable(columns, structureOf) {
  const byId = (id) => document.getElementById(id);
  const count = columns.length ? columns[0].values.length : 0;
  const nameColumn = columns.find((column) => column.name === "name");
  const smilesColumn = columns.find((column) => column.name === "smiles");
  const label = (row) => (nameColumn && nameColumn.values[row]) || "record " + (row + 1);
  const scroller = byId("rows"), body = byId("rows-body"), head = byId("rows-head");
  const selected = new Set(), filters = new Map(), chips = [];
  let visible = Array.from({ length: count }, (_, row) => row), sorting = null, current = -1, lastTicked = -1, words = [];
  let shownColumns = columns.filter((column) => column.shown);

  // What is searched for freely: everything that is text.
  const searched = columns.filter((column) => column.kind === "text" || column.kind === "list");
  let haystack = null;
  function haystackOf(row) {
    haystack ||= Array.from({ length: count }, (_, r) => searched.map((column) => column.values[r] || "").join("\n").toLowerCase());
    return haystack[row];
  }

  // Classes: each name in a column of lists, the rows that have it, and how often it occurs.
  const classes = columns.filter((column) => column.kind === "list").map((column) => {
    const members = new Map();
    column.values.forEach((text, row) => {
      for (const name of new Set(classesOf(text))) {
        if (!members.has(name)) members.set(name, []);
        members.get(name).push(row);
      }
    });
    const ranked = Array.from(members).sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1)).slice(0, 150);
    return { column, ranked };
  }).filter((entry) => entry.ranked.length);

  function passes() {
    const tests = [];
    if (words.length) tests.push((row) => words.every((word) => haystackOf(row).includes(word)));
    for (const [column, filter] of filters) {
      const values = column.values;
      if (column.kind === "number") {
        const low = filter.low ?? -Infinity, high = filter.high ?? Infinity;
        tests.push((row) => values[row] !== null && values[row] >= low && values[row] <= high);
      } else if (column.kind === "boolean") {
        tests.push((row) => values[row] === filter.wanted);
      } else {
        const text = filter.text.toLowerCase(), exact = column === smilesColumn ? filter.text : null;
        tests.push(exact === null ? (row) => (values[row] || "").toLowerCase().includes(text) : (row) => (values[row] || "").includes(exact));
      }
    }
    for (const chip of chips) tests.push((row) => chip.members.has(row) === chip.has);
    return (row) => tests.every((test) => test(row));
  }

  function update() {
    const test = passes(), rows = [];
    for (let row = 0; row < count; row++) if (test(row)) rows.push(row);
    if (sorting) {
      const { column, down } = sorting, values = column.values, sign = down ? -1 : 1;
      const missing = (v) => v === null || v === "";
      rows.sort((a, b) => {
        const x = values[a], y = values[b];
        if (missing(x) || missing(y)) return missing(x) - missing(y) || a - b; // what is not known comes last, either way
        return (x < y ? -sign : x > y ? sign : 0) || a - b;
      });
    }
    visible = rows;
    scroller.scrollTop = 0;
    body.parentElement.setAttribute("aria-rowcount", String(visible.length + 2));
    say();
    render(true);
  }

  function chosen() { return selected.size ? visible.filter((row) => selected.has(row)).concat(hiddenChosen()) : visible; }
  function hiddenChosen() {
    const here = new Set(visible);
    return Array.from(selected).filter((row) => !here.has(row)).sort((a, b) => a - b);
  }

  function say() {
    const number = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");
    byId("count").textContent = (visible.length === count ? `${number(count)} molecules` : `${number(visible.length)} of ${number(count)} molecules`) + (selected.size ? `, ${number(selected.size)} selected` : "");
    const which = selected.size ? `${number(selected.size)} selected` : `all ${number(visible.length)} shown`;
    for (const button of document.querySelectorAll("[data-take]")) button.title = `${button.dataset.title}: ${which}`;
  }

  // Head: titles that sort, and below each its filter.
  function buildHead() {
    const titles = element("tr", {}, element("th", { className: "tick", scope: "col" }, element("span", { className: "hidden", textContent: "selected" })),
      element("th", { className: "thumb", scope: "col" }, element("span", { className: "hidden", textContent: "drawing" })));
    const fields = element("tr", { className: "filters" }, element("td", { className: "tick" }), element("td", { className: "thumb" }));
    let width = 40 + 108;
    for (const column of shownColumns) {
      const sort = element("button", { type: "button", title: column.meaning }, column.title);
      sort.addEventListener("click", () => {
        sorting = sorting && sorting.column === column ? (sorting.down ? null : { column, down: true }) : { column, down: false };
        buildHead();
        update();
      });
      const state = sorting && sorting.column === column ? (sorting.down ? "descending" : "ascending") : "none";
      const cell = element("th", { scope: "col", className: column.kind, "aria-sort": state }, sort);
      const wide = column === smilesColumn ? 172 : WIDTHS[column.kind];
      cell.style.width = wide + "px";
      width += wide;
      titles.append(cell);
      fields.append(element("td", { className: column.kind }, ...filterFields(column)));
    }
    head.replaceChildren(titles, fields);
    head.parentElement.style.width = width + "px";
  }

  function filterFields(column) {
    const filter = filters.get(column) || {};
    const set = (change) => {
      const next = { ...(filters.get(column) || {}), ...change };
      if (Object.values(next).every((value) => value === null || value === "")) filters.delete(column);
      else filters.set(column, next);
      update();
    };
    if (column.kind === "number") {
      return ["low", "high"].map((end) => {
        const field = element("input", { type: "text", inputMode: "decimal", placeholder: end === "low" ? "≥" : "≤", value: filter[end] ?? "", "aria-label": `${column.title}, ${end === "low" ? "smallest" : "largest"}` });
        field.addEventListener("input", () => {
          const number = field.value.trim() === "" ? null : Number(field.value.trim().replace(",", ".").replace("−", "-"));
          const wrong = number !== null && !Number.isFinite(number);
          field.setAttribute("aria-invalid", String(wrong));
          if (!wrong) set({ [end]: number });
        });
        return field;
      });
    }
    if (column.kind === "boolean") {
      const field = element("select", { "aria-label": column.title });
      for (const [value, text] of [["", "any"], ["true", "yes"], ["false", "no"]]) field.append(element("option", { value, textContent: text, selected: String(filter.wanted ?? "") === value }));
      field.addEventListener("change", () => set({ wanted: field.value === "" ? null : field.value === "true" }));
      return [field];
    }
    const field = element("input", { type: "text", placeholder: "contains", value: filter.text || "", "aria-label": `${column.title} contains` });
    field.addEventListener("input", () => set({ text: field.value }));
    return [field];
  }

  // Body: the rows in view between two spacers.
  let first = -1, last = -1;
  function render(force = false) {
    const height = scroller.clientHeight || 560;
    const from = Math.max(0, Math.floor(scroller.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const to = Math.min(visible.length, Math.ceil((scroller.scrollTop + height) / ROW_HEIGHT) + SPARE_ROWS);
    if (!force && from === first && to === last) return;
    first = from;
    last = to;
    const focused = document.activeElement && body.contains(document.activeElement) ? document.activeElement.dataset.open : null;
    const spacer = (rows) => {
      const made = element("tr", { className: "spacer", "aria-hidden": "true" }, element("td", { colSpan: shownColumns.length + 2 }));
      made.style.height = rows * ROW_HEIGHT + "px";
      return made;
    };
    const made = [];
    for (let place = from; place < to; place++) made.push(rowElement(visible[place], place));
    body.replaceChildren(...(from ? [spacer(from)] : []), ...made, ...(to < visible.length ? [spacer(visible.length - to)] : []));
    if (!visible.length) body.append(element("tr", {}, element("td", { colSpan: shownColumns.length + 2, className: "none", textContent: "No molecule passes these filters." })));
    for (const canvas of body.querySelectorAll("canvas")) drawSketch(canvas, structureOf(Number(canvas.dataset.row)));
    if (focused !== null) body.querySelector(`[data-open="${focused}"]`)?.focus({ preventScroll: true });
  }

  function rowElement(row, place) {
    const tick = element("input", { type: "checkbox", checked: selected.has(row), "aria-label": `select ${label(row)}` });
    tick.addEventListener("click", (event) => {
      const range = event.shiftKey && lastTicked >= 0 ? visible.slice(Math.min(place, lastTicked), Math.max(place, lastTicked) + 1) : [row];
      for (const one of range) tick.checked ? selected.add(one) : selected.delete(one);
      lastTicked = place;
      say();
      if (range.length > 1) render(true);
    });
    const made = element("tr", { className: row === current ? "current" : "", "aria-rowindex": String(place + 3) },
      element("td", { className: "tick" }, tick), element("td", { className: "thumb" }, element("canvas", { width: 100, height: 54, "data-row": row, "aria-hidden": "true" })));
    if (!shownColumns.includes(nameColumn)) made.firstChild.append(opener(row, place, "hidden"));
    for (const column of shownColumns) {
      const value = column.values[row];
      const text = column.kind === "list" ? classesOf(value).map(classTitle).join(", ") : written(value);
      const cell = element("td", { className: column.kind + (column === smilesColumn ? " smiles" : "") });
      if (column === nameColumn) cell.append(opener(row, place, "name"));
      else cell.append(element("span", { className: column.kind === "boolean" && value !== null ? (value ? "yes" : "no") : "", textContent: text || "–", title: column.kind === "text" || column.kind === "list" ? text : "" }));
      made.append(cell);
    }
    made.addEventListener("click", (event) => { if (!event.target.closest("input, button")) open(row); });
    return made;
  }

  function opener(row, place, className) {
    const button = element("button", { type: "button", className: "open " + className, textContent: label(row), "data-open": String(row), title: label(row) });
    button.addEventListener("click", () => open(row));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !(place + step in visible)) return;
      event.preventDefault();
      const next = visible[place + step];
      const top = (place + step) * ROW_HEIGHT, margin = head.offsetHeight + ROW_HEIGHT;
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      if (top > scroller.scrollTop + scroller.clientHeight - margin - ROW_HEIGHT) scroller.scrollTop = top - scroller.clientHeight + margin + ROW_HEIGHT;
      render(true);
      body.querySelector(`[data-open="${next}"]`)?.focus({ preventScroll: true });
      open(next, false);
    });
    return button;
  }

  const stage = makeStage(byId("stage"));
  function open(row, follow = true) {
    current = row;
    for (const each of body.querySelectorAll("tr.current")) each.classList.remove("current");
    body.querySelector(`[data-row="${row}"]`)?.closest("tr").classList.add("current");
    const m = structureOf(row);
    byId("detail-name").textContent = label(row);
    byId("detail-smiles").textContent = (smilesColumn && smilesColumn.values[row]) || "";
    byId("sketch").setAttribute("aria-label", `drawing of ${label(row)}`);
    byId("stage").setAttribute("aria-label", `3D structure of ${label(row)}, ${m.count} atoms`);
    byId("sketch-missing").hidden = m.drawn;
    byId("stage-missing").hidden = m.solid;
    byId("given-note").hidden = !m.given.some(Boolean);
    drawSketch(byId("sketch"), m);
    stage(m);
    const list = byId("detail-figures");
    list.replaceChildren();
    for (const column of columns) {
      const value = column.values[row];
      if (column === nameColumn || column === smilesColumn || value === null || value === "") continue;
      const text = column.name === "functional_groups" || column.name === "alerts" ? classesOf(value).map(classTitle).join(", ") : written(value);
      list.append(element("div", {}, element("dt", { textContent: column.title, title: column.meaning }), element("dd", { textContent: text })));
    }
    const detail = byId("detail");
    if (follow && detail.getBoundingClientRect().top > window.innerHeight * 0.7) detail.scrollIntoView({ block: "nearest" });
  }

  // Controls.
  byId("search").addEventListener("input", () => { words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean); update(); });
  const classField = byId("class");
  for (const { column, ranked } of classes) {
    const group = element("optgroup", { label: column.title });
    ranked.forEach(([name, rows], place) => group.append(element("option", { value: `${columns.indexOf(column)} ${place}`, textContent: `${classTitle(name)} (${rows.length})` })));
    classField.append(group);
  }
  classField.closest("label").hidden = !classes.length;
  classField.addEventListener("change", () => {
    if (!classField.value) return;
    const [index, place] = classField.value.split(" ").map(Number);
    const entry = classes.find(({ column }) => column === columns[index]).ranked[place];
    chips.push({ title: `${columns[index].title}: ${classTitle(entry[0])}`, members: new Set(entry[1]), has: true });
    classField.value = "";
    showChips();
    update();
  });
  function showChips() {
    byId("chips").replaceChildren(...chips.map((chip) => {
      const turn = element("button", { type: "button", textContent: chip.has ? "has" : "has not", title: "turn round" });
      const drop = element("button", { type: "button", textContent: "×", "aria-label": `remove the filter ${chip.title}` });
      turn.addEventListener("click", () => { chip.has = !chip.has; showChips(); update(); });
      drop.addEventListener("click", () => { chips.splice(chips.indexOf(chip), 1); showChips(); update(); });
      return element("li", {}, turn, element("span", { textContent: chip.title }), drop);
    }));
  }
  for (const column of columns) {
    const tick = element("input", { type: "checkbox", checked: column.shown });
    tick.addEventListener("change", () => {
      column.shown = tick.checked;
      shownColumns = columns.filter((each) => each.shown);
      if (!column.shown) filters.delete(column);
      buildHead();
      update();
    });
    byId("column-list").append(element("li", {}, element("label", { title: column.meaning }, tick, ` ${column.title}`)));
  }
  const takes = {
    all: () => { for (const row of visible) selected.add(row); say(); render(true); },
    none: () => { selected.clear(); say(); render(true); },
    clear: () => {
      filters.clear();
      chips.length = 0;
      words = [];
      byId("search").value = "";
      sorting = null;
      showChips();
      buildHead();
      update();
    },
    smiles: () => {
      const lines = chosen().map((row) => smilesColumn && smilesColumn.values[row]).filter(Boolean);
      copy(lines.join("\n") + "\n");
      return `${lines.length} SMILES copied`;
    },
    csv: () => { const rows = chosen(); download(asCsv(columns, rows), "text/csv", "molecules.csv"); return `${rows.length} rows written to molecules.csv`; },
    sdf: () => {
      const rows = chosen(), { text, without } = asSdf(columns, rows, structureOf);
      download(text, "chemical/x-mdl-sdfile", "molecules.sdf");
      return `${rows.length - without} molecules written to molecules.sdf` + (without ? `; ${without} have no structure on this page` : "");
    },
    "one-smiles": () => { copy(byId("detail-smiles").textContent); return "SMILES copied"; },
  };
  for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => {
    const words = takes[button.dataset.do]();
    byId("said").textContent = words || "";
  });

  scroller.addEventListener("scroll", () => requestAnimationFrame(() => render()), { passive: true });
  new ResizeObserver(() => render(true)).observe(scroller);
  dark.addEventListener("change", () => { render(true); if (current >= 0) drawSketch(byId("sketch"), structureOf(current)); });
  new ResizeObserver(() => { if (current >= 0) drawSketch(byId("sketch"), structureOf(current)); }).observe(byId("sketch"));
  buildHead();
  update();
  if (visible.length) open(visible[0], false);
}

// Tables that are wider than their place say so.
function hintAtWideTables() {
  const look = new ResizeObserver((entries) => {
    for (const { target } of entries) target.classList.toggle("overflows", target.scrollWidth > target.clientWidth + 1);
  });
  for (const each of document.querySelectorAll(".scroll")) look.observe(each);
}

async function start() {
  hintAtWideTables();
  const bench = document.getElementById("bench");
  if (bench) {
    const [columns, structures] = await Promise.all([unpack("column-data"), unpack("structure-data")]);
    bench.hidden = false;
    document.getElementById("bench-loading").hidden = true;
    const structureOf = readStructures(structures), seen = new Map();
    makeTable(JSON.parse(new TextDecoder().decode(columns)), (row) => {
      if (!seen.has(row)) {
        if (seen.size > 500) seen.clear();
        seen.set(row, structureOf(row));
      }
      return seen.get(row);
    });
  }
  document.documentElement.dataset.report = "ready"; // what the browser test waits for
}
start().catch((error) => {
  const place = document.getElementById("bench-loading");
  if (place) place.textContent = "The table cannot be shown: " + error.message + ". This page needs a browser of 2023 or later.";
});
