// The molecules of the page, out of the compressed blocks beside the table. Texts in them are other people's: they are
// only ever set as textContent, so a name can do no harm.

async function unpack(id) {
  const text = document.getElementById(id).textContent.trim();
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

const ARRAY_TYPES = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, float32: Float32Array };

function readStructures(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  let at = 4 + length;
  for (const [name, type, count] of header.arrays) {
    at += (8 - (at % 8)) % 8;
    arrays[name] = new ARRAY_TYPES[type](buffer, at, count);
    at += count * ARRAY_TYPES[type].BYTES_PER_ELEMENT;
  }
  const molecules = arrays.atoms.length, firstAtom = new Uint32Array(molecules + 1), firstBond = new Uint32Array(molecules + 1);
  for (let i = 0; i < molecules; i++) {
    firstAtom[i + 1] = firstAtom[i] + arrays.atoms[i];
    firstBond[i + 1] = firstBond[i] + arrays.bonds[i];
  }
  // One molecule as views of the arrays; nothing is copied.
  return (i) => {
    const a = firstAtom[i], b = firstAtom[i + 1], c = firstBond[i], d = firstBond[i + 1];
    return {
      count: b - a, bonds: d - c, solid: arrays.solid[i] === 1, drawn: arrays.drawn[i] === 1, unit: arrays.unit[i],
      element: arrays.element.subarray(a, b), charge: arrays.charge.subarray(a, b), hydrogens: arrays.hydrogens.subarray(a, b),
      radical: arrays.radical.subarray(a, b), isotope: arrays.isotope.subarray(a, b), given: arrays.given.subarray(a, b),
      position: arrays.position.subarray(3 * a, 3 * b), flat: arrays.flat.subarray(2 * a, 2 * b),
      begin: arrays.begin.subarray(c, d), end: arrays.end.subarray(c, d), order: arrays.order.subarray(c, d), wedge: arrays.wedge.subarray(c, d),
      elements: header.elements, hidden: header.hidden,
    };
  };
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function chargeText(charge) {
  return charge ? (Math.abs(charge) > 1 ? Math.abs(charge) : "") + (charge > 0 ? "+" : "−") : "";
}

// A canvas with as many pixels as the screen shows, cleared; its context in CSS pixels.
function canvasContext(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || canvas.width, height = canvas.clientHeight || canvas.height;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
