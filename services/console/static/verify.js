// Checks in this browser that an event stands in the signed log: RFC 9162, sections 2.1.1 and 2.1.3.2.
"use strict";

const proof = document.getElementById("proof");
const button = document.getElementById("verify");

const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};
const hash = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const unhex = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unbase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const utf8 = (text) => new TextEncoder().encode(text);
const same = (one, other) => one.length === other.length && one.every((byte, i) => byte === other[i]);
const wide = (number) => { const view = new DataView(new ArrayBuffer(8)); view.setBigUint64(0, BigInt(number)); return new Uint8Array(view.buffer); };
const counted = (bytes) => { const view = new DataView(new ArrayBuffer(4)); view.setUint32(0, bytes.length); return joined(new Uint8Array(view.buffer), bytes); };

async function fetched(address, kind) {
  const response = await fetch(address, { cache: "no-store" });
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return kind === "text" ? response.text() : response.json();
}

function readNote(note) {
  const cut = note.lastIndexOf("\n\n");
  const body = note.slice(0, cut + 1);
  const [origin, size, root] = body.split("\n");
  const signatures = note.slice(cut + 2).trim().split("\n").map((line) => {
    const [, name, text] = line.split(" ");
    const raw = unbase64(text);
    return { name, id: raw.slice(0, 4), signature: raw.slice(4) };
  });
  return { body, origin, size: Number(size), root: unbase64(root), signatures };
}

// The leaf: salt, position, version, originator and topic with their lengths, then the stored bytes.
function entry(event) {
  return joined(unhex(event.salt), wide(event.position), wide(event.version),
    counted(utf8(event.originator)), counted(utf8(event.topic)), unbase64(event.state));
}

// The root that a leaf and its path lead to; null where the path does not fit the sizes.
async function rootOf(leaf, position, size, path) {
  let first = position - 1, last = size - 1, found = leaf;
  if (first < 0 || first > last) return null;
  for (const each of path) {
    if (last === 0) return null;
    if (first % 2 === 1 || first === last) {
      found = await hash([1], each, found);
      while (first % 2 === 0 && first !== 0) { first = Math.floor(first / 2); last = Math.floor(last / 2); }
    } else {
      found = await hash([1], found, each);
    }
    first = Math.floor(first / 2); last = Math.floor(last / 2);
  }
  return last === 0 ? found : null;
}

// true, false, or null where this browser knows no Ed25519.
async function signed(checkpoint, keys) {
  for (const text of keys) {
    const [name, , encoded] = [text.split("+")[0], 0, text.split("+").slice(2).join("+")];
    const raw = unbase64(encoded);
    const id = (await hash(utf8(`${name}\n`), raw)).slice(0, 4);
    const mine = checkpoint.signatures.find((each) => each.name === name && same(each.id, id));
    if (!mine || raw[0] !== 1) continue;
    let key;
    try { key = await crypto.subtle.importKey("raw", raw.slice(1), { name: "Ed25519" }, false, ["verify"]); } catch { return null; }
    return crypto.subtle.verify({ name: "Ed25519" }, key, mine.signature, utf8(checkpoint.body));
  }
  return false;
}

function show(step, outcome, shown) {
  const item = proof.querySelector(`[data-step=${step}]`);
  item.className = outcome;
  item.querySelector(".mark").textContent = { good: "✓", bad: "✗", unknown: "?" }[outcome];
  item.querySelector(".outcome").textContent = proof.querySelector(".words").dataset[outcome];
  const code = item.querySelector("code");
  code.hidden = !shown; code.textContent = shown || "";
  return outcome;
}

function conclude(name) {
  for (const each of document.querySelectorAll("#verdict > *")) each.hidden = !each.classList.contains(name);
  document.getElementById("verdict").dataset.verdict = name;
}

async function verify() {
  const position = Number(proof.dataset.position);
  conclude("working");
  if (!globalThis.crypto || !crypto.subtle) { conclude("unknown"); return; }
  try {
    const checkpoint = readNote(await fetched("/v1/log/checkpoint", "text"));
    show("checkpoint", "good", `${checkpoint.size} · ${hex(checkpoint.root)}`);
    const event = await fetched(`/v1/log/events/${position}`);
    const given = await fetched(`/v1/log/proofs/${position}?size=${checkpoint.size}`);
    const leaf = await hash([0], entry(event));
    const fits = event.position === position && hex(leaf) === given.leaf;
    show("leaf", fits ? "good" : "bad", hex(leaf));
    const found = await rootOf(leaf, position, checkpoint.size, given.path.map(unhex));
    show("path", found ? "good" : "bad", found ? `${given.path.length} · ${hex(found)}` : "");
    const rooted = found !== null && same(found, checkpoint.root);
    show("root", rooted ? "good" : "bad", hex(checkpoint.root));
    const vouched = await signed(checkpoint, (await fetched("/v1/log/keys")).keys);
    show("signature", vouched === null ? "unknown" : vouched ? "good" : "bad", checkpoint.signatures.map((each) => each.name).join(", "));
    if (!fits || !rooted || vouched === false) conclude("bad");
    else conclude(vouched === null ? "good-unsigned" : "good");
  } catch (error) {
    console.error(error);
    conclude("unknown");
  }
}

button.hidden = false;
button.addEventListener("click", verify);
verify();
