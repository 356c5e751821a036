// The selection as text for other programs: CSV, SDF, SMILES.

// Spreadsheets run text that begins like a formula; an apostrophe before it makes it text.
function csvCell(value) {
  if (value === null) return "";
  let text = value === true ? "True" : value === false ? "False" : String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

function asCsv(columns, rows) {
  const lines = [columns.map((column) => csvCell(column.name)).join(",")];
  for (const row of rows) lines.push(columns.map((column) => csvCell(column.values[row])).join(","));
  return lines.join("\r\n") + "\r\n";
}

function oneLine(value) { return String(value).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " "); }

function padded(value, width) { return String(value).padStart(width); }

// One record of format V2000. A molecule without positions in space is written as it is drawn.
function sdfRecord(m, name, fields) {
  const title = oneLine(name).replace(/^(\$\$\$\$|>)/, " $1");
  const lines = [title, "  moldiff " + " ".repeat(10) + (m.solid ? "3D" : "2D"), ""];
  const kept = [];
  for (let i = 0; i < m.count; i++) if (m.solid || m.flat[2 * i] !== m.hidden) kept.push(i);
  const number = new Map(kept.map((i, k) => [i, k + 1]));
  const bonds = [];
  for (let b = 0; b < m.bonds; b++) if (number.has(m.begin[b]) && number.has(m.end[b])) bonds.push(b);
  lines.push(padded(kept.length, 3) + padded(bonds.length, 3) + "  0  0  0  0  0  0  0  0999 V2000");
  for (const i of kept) {
    const at = m.solid ? [0, 1, 2].map((k) => m.position[3 * i + k] * m.unit) : [m.flat[2 * i] / 100, m.flat[2 * i + 1] / 100, 0];
    lines.push(at.map((v) => padded(v.toFixed(4), 10)).join("") + " " + m.elements[m.element[i]][0].padEnd(3) + " 0  0  0  0  0  0  0  0  0  0  0  0");
  }
  for (const b of bonds) {
    const wedge = m.solid ? 0 : m.wedge[b] === 1 ? 1 : m.wedge[b] === 2 ? 6 : 0;
    lines.push(padded(number.get(m.begin[b]), 3) + padded(number.get(m.end[b]), 3) + padded(m.order[b] || 8, 3) + padded(wedge, 3));
  }
  for (const [tag, values] of [["CHG", m.charge], ["ISO", m.isotope], ["RAD", m.radical]]) {
    const set = kept.filter((i) => values[i]);
    const code = (i) => (tag === "RAD" ? Math.min(values[i] + 1, 3) : values[i]); // electrons: doublet 2, triplet 3
    for (let k = 0; k < set.length; k += 8) {
      const part = set.slice(k, k + 8);
      lines.push(`M  ${tag}` + padded(part.length, 3) + part.map((i) => padded(number.get(i), 4) + padded(code(i), 4)).join(""));
    }
  }
  lines.push("M  END");
  for (const [field, value] of fields) {
    if (value === null || value === "") continue;
    const text = oneLine(value === true ? "True" : value === false ? "False" : value);
    lines.push(`>  <${field}>`, /^(\$\$\$\$|>)/.test(text) ? " " + text : text, "");
  }
  lines.push("$$$$");
  return lines.join("\n") + "\n";
}

function asSdf(columns, rows, structureOf) {
  const name = columns.find((column) => column.name === "name");
  const parts = [];
  let without = 0;
  for (const row of rows) {
    const m = structureOf(row);
    if (!m.count || !(m.solid || m.drawn)) { without++; continue; }
    const given = Array.from(m.given.keys()).filter((i) => m.given[i]).map((i) => i + 1).join(",");
    const fields = columns.filter((column) => column !== name).map((column) => [column.name, column.values[row]]);
    parts.push(sdfRecord(m, name && name.values[row] !== null ? name.values[row] : "", m.solid && given ? [...fields, ["moldiff_given_atoms", given]] : fields));
  }
  return { text: parts.join(""), without };
}

function download(text, type, file) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = file;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea"); // where the page is not trusted with the clipboard
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
