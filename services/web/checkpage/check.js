// Checks a receipt or a published list in this browser; nothing is sent and nothing is fetched.
"use strict";

const LIST = "subsidy-public-list/1", RECEIPT = "subsidy-receipt/1", MARK = 8, ED25519 = 1, COSIGNATURE = 4, FAULTS_SHOWN = 50;

// --- bytes ---------------------------------------------------------------------------------------

const utf8 = (text) => new TextEncoder().encode(text);
const unhex = (text) => Uint8Array.from((text.match(/^([0-9a-f]{2})*$/) ? text.match(/../g) : null) || [], (pair) => parseInt(pair, 16));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unbase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};
const sha256 = (...parts) => noble.sha256(joined(...parts));
const same = (one, other) => one.length === other.length && one.every((byte, i) => byte === other[i]);
const wide = (number, bytes) => {
  const found = new Uint8Array(bytes);
  for (let at = bytes - 1, left = BigInt(number); at >= 0; at--, left >>= 8n) found[at] = Number(left & 255n);
  return found;
};
const counted = (bytes) => joined(wide(bytes.length, 4), bytes);

// --- trees (RFC 9162, sections 2.1.1 and 2.1.3.2) and notes (C2SP signed-note) -------------------

const leafOf = (bytes) => sha256([0], bytes);
const nodeOf = (left, right) => sha256([1], left, right);

function rootOver(leaves) {
  const peaks = [];
  leaves.forEach((leaf, number) => {
    let found = leaf;
    for (let left = number; left % 2 === 1; left = Math.floor(left / 2)) found = nodeOf(peaks.pop(), found);
    peaks.push(found);
  });
  return peaks.length ? peaks.reduceRight((found, peak) => nodeOf(peak, found)) : sha256([]);
}

function rootOf(leaf, index, size, path) {
  let first = index, last = size - 1, found = leaf;
  if (!(first >= 0 && first <= last)) return null;
  for (const each of path) {
    if (last === 0) return null;
    if (first % 2 === 1 || first === last) {
      found = nodeOf(each, found);
      while (first % 2 === 0 && first !== 0) { first = Math.floor(first / 2); last = Math.floor(last / 2); }
    } else {
      found = nodeOf(found, each);
    }
    first = Math.floor(first / 2); last = Math.floor(last / 2);
  }
  return last === 0 ? found : null;
}

function readNote(note) {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n")) throw new Error("note");
  const signatures = note.slice(cut + 2, -1).split("\n").map((line) => {
    const [, name, text] = line.match(/^— ([^\s+]+) ([A-Za-z0-9+/]+=*)$/) || [];
    const raw = unbase64(text || "");
    if (raw.length < 5 || btoa(String.fromCharCode(...raw)) !== text) throw new Error("signature");
    return { name, id: raw.slice(0, 4), signature: raw.slice(4) };
  });
  return { body: note.slice(0, cut + 1), signatures };
}

// A public key, and behind "@" the size and root at which one that was replaced ends.
function readKey(text) {
  const [plain, ...ended] = text.trim().split("@"), [name, id, ...rest] = plain.split("+");
  const raw = unbase64(rest.join("+"));
  if (ended.length > 1 || raw.length !== 33 || hex(sha256(utf8(`${name}\n`), raw).slice(0, 4)) !== id) throw new Error(text);
  return { name, id: unhex(id), kind: raw[0], key: raw.slice(1), end: ended.length ? readEnd(ended[0]) : null };
}

function readEnd(text) {
  const [, size, root] = text.match(/^(0|[1-9][0-9]{0,15}):([A-Za-z0-9+/]{43}=)$/) || [];
  if (!size) throw new Error(text);
  return { size: Number(size), root: unbase64(root), paths: {} };
}

// What the reader trusts: keys, proofs that lead to their ends, and statements of rotations or of lost keys.
function readTrust(text) {
  const statements = [], proofs = [];
  const rest = text.replace(/\r/g, "").replace(/^[^\n]+\n[0-9]+\n[A-Za-z0-9+/]{43}=\n(?:(?:rotated-(?:from|to)|lost-key|new-key|old-key-ends) [^\n]+\n)+\n(?:— [^\n]+(?:\n|$))+/gm, (note) => { statements.push(readStatement(`${note.trimEnd()}\n`)); return ""; });
  let keys = [];
  for (const line of rest.split("\n").map((each) => each.trim()).filter((each) => each)) {
    const [, first, end, path] = line.match(/^proof ([0-9]+) ([0-9]+)((?: [A-Za-z0-9+/]{43}=)*)$/) || [];
    if (first) proofs.push({ first: Number(first), end: Number(end), path: path.trim().split(" ").filter((each) => each).map(unbase64) });
    else keys.push(readKey(line));
  }
  const known = (key) => keys.findIndex((each) => each.name === key.name && same(each.key, key.key));
  for (let left = statements.length; left > 0; left--) for (const { old, followed, proven } of statements) {
    if (known(followed) < 0 && !(proven && known(old) >= 0)) continue;
    const at = known(old), given = at < 0 ? null : keys[at].end;
    if (given && (given.size !== old.end.size || !same(given.root, old.end.root))) throw new Error("end");
    if (at < 0) keys.push(old); else if (!given) keys[at] = old;
    if (known(followed) < 0) keys.push(followed);
  }
  for (const { first, end, path } of proofs) for (const key of keys) if (key.end && key.end.size === end) key.end.paths[first] = path;
  return keys;
}

function readStatement(text) {
  const note = readNote(text), lines = note.body.split("\n");
  const valueOf = (mark) => (lines.find((line) => line.startsWith(`${mark} `)) || "").slice(mark.length + 1);
  const proven = valueOf("rotated-from") !== "";
  const old = readKey(valueOf(proven ? "rotated-from" : "lost-key")), followed = readKey(valueOf(proven ? "rotated-to" : "new-key"));
  if ((proven ? [old, followed] : [followed]).some((key) => !signing(note, [key]).length)) throw new Error("statement");
  return { old: { ...old, end: readEnd(valueOf("old-key-ends") || `${lines[1]}:${lines[2]}`) }, followed, proven };
}

// Whether one log is the beginning of another (RFC 9162, section 2.1.4.2).
function continues(first, second, firstRoot, secondRoot, path) {
  if (first === second) return !path.length && same(firstRoot, secondRoot);
  const steps = Number.isInteger(Math.log2(first)) ? [firstRoot, ...path] : path.slice();
  if (first < 1 || first > second || !steps.length) return false;
  let fn = first - 1, sn = second - 1;
  while (fn % 2 === 1) { fn = (fn - 1) / 2; sn = Math.floor(sn / 2); }
  let older = steps[0], newer = steps[0];
  for (const each of steps.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      older = nodeOf(each, older); newer = nodeOf(each, newer);
      while (fn % 2 === 0 && fn !== 0) { fn /= 2; sn = Math.floor(sn / 2); }
    } else newer = nodeOf(newer, each);
    fn = Math.floor(fn / 2); sn = Math.floor(sn / 2);
  }
  return sn === 0 && same(older, firstRoot) && same(newer, secondRoot);
}

// Why a key that was replaced does not count for a checkpoint; null where it does, or where it never ended.
function objectionTo(key, checkpoint) {
  if (!key.end) return null;
  const { size, root, paths } = key.end, [, at, signed] = checkpoint ? checkpoint.split("\n") : [], number = Number(at);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(at || "") || number > size) return ["key-ended", size];
  if (number !== size && !paths[number]) return ["key-proof", size, number];
  return continues(number, size, unbase64(signed), root, paths[number] || []) ? null : ["key-other", size, number];
}

// The names of the keys that signed a note, and count for the checkpoint that it is, or goes with.
const vouching = (note, keys, checkpoint) => signing(note, keys).filter((key) => objectionTo(key, checkpoint) === null).map((key) => key.name);

function signing(note, keys) {
  return keys.filter((key) => note.signatures.some((each) => {
    if (each.name !== key.name || !same(each.id, key.id)) return false;
    let message = utf8(note.body), signature = each.signature;
    if (key.kind === COSIGNATURE) {
      const time = signature.slice(0, 8).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
      message = utf8(`cosignature/v1\ntime ${time}\n${note.body}`);
      signature = signature.slice(8);
    } else if (key.kind !== ED25519) return false;
    try { return noble.verify(signature, message, key.key); } catch { return false; }
  }));
}

// --- money ---------------------------------------------------------------------------------------

const plain = (fen) => { const text = String(fen).padStart(3, "0"); return `${text.slice(0, -2)}.${text.slice(-2)}`; };
let sign = "¥";
const SIGNS = { CNY: "¥", USD: "US$", HKD: "HK$", MOP: "MOP$", EUR: "€" };
const yuan = (fen) => `${sign}${plain(fen).replace(/\B(?=(\d{3})+\.)/g, ",")}`;
const shown = (text) => `${sign}${text.replace(/\B(?=(\d{3})+\.)/g, ",")}`;
const sum = (values) => values.reduce((found, value) => found + value, 0);

// Shares of a budget by the largest remainder; equal remainders in the order given.
function apportioned(bases, budget) {
  const total = sum(bases);
  if (total <= budget) return bases.slice();
  const parts = bases.map((basis, at) => ({ at, whole: BigInt(basis) * BigInt(budget) / BigInt(total), left: BigInt(basis) * BigInt(budget) % BigInt(total) }));
  let spare = BigInt(budget) - parts.reduce((found, part) => found + part.whole, 0n);
  parts.sort((one, other) => (one.left === other.left ? one.at - other.at : one.left > other.left ? -1 : 1));
  for (const part of parts) if (spare > 0n) { part.whole += 1n; spare -= 1n; }
  const shares = [];
  for (const part of parts) shares[part.at] = Number(part.whole);
  return shares;
}

const potsOf = (closing) => closing.pots && closing.pots.length ? closing.pots
  : [["", closing.budget_fen, closing.sharing_fen, 0, closing.cut_remainder, closing.cut_key]];

function shareOf(basis, closing, key, pot) {
  const [, has, sharing, , remainder, cutKey] = potsOf(closing).find((each) => each[0] === (pot || "")) || ["", 0, 0, 0, "-1", []];
  const budget = BigInt(has), total = BigInt(sharing);
  if (total <= budget) return basis;
  const whole = BigInt(basis) * budget / total, left = BigInt(basis) * budget % total, cut = BigInt(remainder);
  const before = (one, other) => { for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return one[i] < other[i]; return true; };
  const more = cut >= 0n && (left > cut || (left === cut && before(key, cutKey)));
  return Number(whole + (more ? 1n : 0n));
}

// --- JSON as every reader sees it alike: no key twice, whole numbers, whole characters --------------

class Unreadable extends Error {}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]|[^\s{}[\],:"]+/g;

function parsed(text) {
  let value;
  try { value = JSON.parse(text); } catch { throw new Unreadable(told(text.trim() ? "not-json" : "empty")); }
  const open = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const within = open[open.length - 1];
    if (token === "{") open.push({ names: new Set(), naming: true });
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ",") { if (within) within.naming = true; }
    else if (token[0] === '"') {
      const string = JSON.parse(token);
      if (/\p{Cs}/u.test(string)) throw new Unreadable(told("half", token));
      if (!within || !within.naming) continue;
      if (within.names.has(string)) throw new Unreadable(told("twice", string));
      within.names.add(string);
      within.naming = false;
    } else if (/[-\d]/.test(token[0]) && !(/^(0|-?[1-9]\d*)$/.test(token) && Number.isSafeInteger(Number(token)))) throw new Unreadable(told("not-whole", token));
  }
  return value;
}

// --- canonical JSON (RFC 8785 for values without fractions) and the marks of single values --------

const canonical = (value) => Array.isArray(value) ? `[${value.map(canonical).join(",")}]`
  : value && typeof value === "object" ? `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`
  : JSON.stringify(value);
const digestOf = (value) => hex(sha256(utf8(canonical(value))));

function marksOf(value, place = "", found = {}) {
  const inner = value && typeof value === "object" ? Object.keys(value) : [];
  if (!inner.length) found[place] = digestOf(value).slice(0, MARK);
  for (const key of inner) marksOf(value[key], `${place}/${key.replace(/~/g, "~0").replace(/\//g, "~1")}`, found);
  return found;
}

// --- the published list --------------------------------------------------------------------------

const KINDS = {
  text: (value) => typeof value === "string",
  whole: (value) => Number.isSafeInteger(value),
  basis: (value) => value === null || Number.isSafeInteger(value),
  list: (value) => Array.isArray(value),
  when: (value) => value === undefined || typeof value === "string",
};
const HEAD = { text: "policy title document digest", whole: "year number known budget sharing gross withheld payable enterprises awards", list: "mask columns pots" };
const AWARD = { text: "code name town size sector article measure title pot", whole: "number award_year gross withheld reduction payable", basis: "basis" };
const COLUMNS = "number code name town size sector article measure title award_year pot gross withheld basis reduction payable".split(" ");
const PROOF = { text: "root note marks", whole: "lines position", when: "published" };

function ofKinds(value, kinds, number) {
  for (const [kind, names] of Object.entries(kinds)) {
    for (const name of names.split(" ")) {
      if (!value || !KINDS[kind](value[name])) throw new Unreadable(told("at-line", number, told("kind", name)));
    }
  }
  return value;
}

// Which awards of those that were published are missing, stand twice, or stand elsewhere; in ranges.
function gapsIn(rows, published) {
  const present = new Set(), gaps = [];
  let before = 0, moved = 0;
  for (const { number } of rows) {
    if (present.has(number)) gaps.push(["item-twice", number]);
    else if (number < before) moved += 1;
    present.add(number);
    before = Math.max(before, number);
  }
  for (let first = 1; first <= published && gaps.length < FAULTS_SHOWN; first++) {
    if (present.has(first)) continue;
    let last = first;
    while (last < published && !present.has(last + 1)) last += 1;
    gaps.push(first === last ? ["item-missing", first, first + 1] : ["items-missing", first, last]);
    first = last;
  }
  if (moved) gaps.push(["items-moved", moved]);
  const added = [...present].filter((number) => number < 1 || number > published).length;
  if (added) gaps.push(["items-added", added]);
  return gaps;
}

function checkList(lines, edited, keys, report) {
  const values = lines.map((line, at) => {
    try { return parsed(line); } catch (error) { throw new Unreadable(told("at-line", at + 1, error.message)); }
  });
  const proof = ofKinds(values.pop(), PROOF, lines.length), head = ofKinds(values.shift(), HEAD, 1);
  if (head.columns.join() !== COLUMNS.join()) throw new Unreadable(told("at-line", 1, told("kind", "columns")));
  lines = lines.slice(0, -1);
  const rows = values.map((row, at) => {
    if (!Array.isArray(row) || row.length !== COLUMNS.length) throw new Unreadable(told("at-line", at + 2, told("columns")));
    return ofKinds(Object.fromEntries(COLUMNS.map((name, i) => [name, row[i]])), AWARD, at + 2);
  });
  for (const each of head.pots) {
    if (!Array.isArray(each) || each.length !== 3 || typeof each[0] !== "string" || !each.slice(1).every(KINDS.whole)) throw new Unreadable(told("at-line", 1, told("kind", "pots")));
  }
  sign = SIGNS[head.currency] || `${head.currency} `;
  report.about([["policy", () => head.title], ["year", () => head.year], ["list", () => told("list-number", head.number)], ["published", () => told("at", whenOf(proof.published), proof.position)], ["awards", () => rows.length], ["budget", () => yuan(head.budget)], ["payable", () => yuan(head.payable)]]);

  const gaps = gapsIn(rows, proof.lines - 1), complete = gaps.length === 0;
  report.step("complete", gaps.map(([key, ...numbers]) => report.words(key, ...numbers)));

  const worked = { gross: sum(rows.map((r) => r.gross)), withheld: sum(rows.map((r) => r.withheld)), sharing: sum(rows.map((r) => r.basis || 0)), payable: sum(rows.map((r) => r.payable)), awards: rows.length };
  report.step("sums", Object.keys(worked).filter((name) => worked[name] !== head[name])
    .map((name) => report.words("sum-differs", name, worked[name], head[name]))
    .concat(rows.filter((r) => r.gross - r.withheld - r.reduction !== r.payable).map((r) => report.words("row-sum", r.number, r.code))));

  const due = new Map(), wrong = [], left = {};
  for (const [pot, has, sharing] of head.pots) {
    const mine = rows.filter((r) => r.basis && r.pot === pot), shares = apportioned(mine.map((r) => r.basis), has);
    mine.forEach((r, at) => due.set(r, shares[at] - (r.withheld && r.basis === r.gross ? r.withheld : 0)));
    if (sum(mine.map((r) => r.basis)) !== sharing) wrong.push(report.words("sum-differs", pot, sum(mine.map((r) => r.basis)), sharing));
    const budget = pot.split("/")[0];
    if (budget in left && has !== Math.max(left[budget], 0)) wrong.push(report.words("sum-differs", pot, Math.max(left[budget], 0), has));
    left[budget] = has - sharing;
  }
  const unpaid = rows.map((r) => [r, r.basis === null ? r.gross - r.withheld : due.get(r) || 0]).filter(([r, fen]) => fen !== r.payable);
  report.step("payments", wrong.concat(complete || !unpaid.length ? unpaid.map(([r, fen]) => report.words("row-payable", r.number, r.code, yuan(fen), yuan(r.payable)))
    : [report.words("rows-follow", unpaid.length)]));

  const leaves = lines.map((line) => leafOf(utf8(line))), root = hex(rootOver(leaves));
  const note = attempted(() => readNote(proof.note)), when = proof.published === undefined ? "" : `${proof.published}\n`;
  const body = `${LIST}\n${head.policy} ${head.year} ${head.number}\n${leaves.length} ${root}\n${proof.position}\n${when}`;
  const whole = note !== null && note.body === body && vouching(note, keys).length > 0;
  // a line is held against its own mark, wherever it stands now: those behind a gap did not change
  const places = [0, ...rows.map((r, at) => complete || r.number < 1 || r.number >= proof.lines ? at + 1 : r.number)];
  const changed = edited.concat(leaves.map((leaf, at) => [hex(leaf).slice(0, MARK), at]).filter(([mark, at]) => proof.marks.slice(places[at] * MARK, places[at] * MARK + MARK) !== mark)
    .map(([, at]) => report.words(whole ? "mark-changed" : "line-changed", at + 1)));
  if (proof.marks.length !== leaves.length * MARK) changed.push(report.words("marks"));
  if (root !== proof.root || proof.lines !== leaves.length) changed.push(report.words("root"));
  const parts = Object.values(PROOF).join(" ").split(" ");
  for (const name of Object.keys(proof)) if (!parts.includes(name)) changed.push(report.words("extra", lines.length + 1, name));
  report.step("lines", changed, root);
  report.signature("signature", note, keys, null, note && note.body === body ? [] : [report.words("note")]);
}

// --- an enterprise's receipt ---------------------------------------------------------------------

function entryOf(event) {
  return joined(unhex(event.salt), wide(event.position, 8), wide(event.version, 8), counted(utf8(event.originator)), counted(utf8(event.topic)), unbase64(event.state));
}

function checkReceipt(receipt, keys, report, paper) {
  const { marks, seal, ...said } = receipt;
  sign = SIGNS[receipt.currency] || `${receipt.currency} `;
  report.about([["enterprise", () => `${receipt.name} ${receipt.enterprise}`], ["policy", () => receipt.title.zh], ["year", () => receipt.year], ["as-of", () => told("as-of", whenOf(receipt.as_of), readNote(receipt.checkpoint).body.split("\n")[1])], ["list", () => told("list-closed", JSON.parse(receipt.list.head.line).number)], ["factor", () => `${receipt.factor} = ${receipt.percent}`], ["payable", () => shown(receipt.account.payable)], ["paid", () => shown(receipt.account.paid)]]);

  const note = attempted(() => readNote(seal)), checkpoint = attempted(() => readNote(receipt.checkpoint).body);
  report.attempt("values", () => {
    const worked = marksOf(said), whole = note !== null && vouching(note, keys, checkpoint).length > 0 && note.body.split("\n")[2] === digestOf(said);
    const places = [...new Set([...Object.keys(worked), ...Object.keys(marks)])].sort();
    report.step("values", places.filter((place) => worked[place] !== marks[place]).map((place) => report.words(whole ? "value-mark-changed" : "value-changed", place)));
  });
  report.attempt("seal", () => {
    const body = `${RECEIPT}\n${receipt.enterprise} ${receipt.policy} ${receipt.year}\n${digestOf(said)}\n${digestOf(marks)}\n`;
    report.signature("seal", note, keys, checkpoint, note && note.body === body ? [] : [report.words("seal")]);
  });
  report.attempt("checkpoint", () => report.signature("checkpoint", readNote(receipt.checkpoint), keys, checkpoint, []));
  report.attempt("rest", () => checkLog(receipt, report, paper));
}

function checkLog(receipt, report, paper) {
  const [, size, root] = readNote(receipt.checkpoint).body.split("\n");
  const events = receipt.events.map((event) => ({ ...event, name: event.topic.split(":")[1], content: JSON.parse(new TextDecoder().decode(unbase64(event.state))) }));
  const mine = [`account:${receipt.policy}:${receipt.year}:${receipt.enterprise}`, `settlement:${receipt.policy}:${receipt.year}`];
  report.step("log", events.filter((event) => {
    const found = rootOf(leafOf(entryOf(event)), event.position - 1, Number(size), event.path.map(unhex));
    return found === null || !same(found, unbase64(root)) || !mine.includes(event.originator);
  }).map((event) => report.words("event", event.position)));

  const last = (name) => (events.filter((event) => event.name === name).pop() || {}).content;
  const published = last("SettlementPublished"), closed = last("SettlementClosed"), settled = last("AwardsSettled");
  if (!published || !closed || !settled) { report.step("awards", [report.words("incomplete")]); return; }

  const wrong = [], lines = settled.lines.map(([measure, year, gross, withheld, reduction, payable, pot]) => ({ measure, award_year: year, gross, withheld, reduction, payable, pot: pot || "" }));
  const rowOf = (line) => receipt.awards.find((each) => each.measure === line.measure && each.award_year === line.award_year);
  for (const line of lines) {
    for (const name of ["gross", "withheld", "reduction", "payable"]) {
      const told = (rowOf(line) || {})[name];
      if (told !== plain(line[name])) wrong.push(report.words("award", `${line.measure} ${line.award_year} ${name}`, plain(line[name]), told));
    }
  }
  if (lines.length !== receipt.awards.length) wrong.push(report.words("incomplete"));
  report.step("awards", wrong);

  const columns = JSON.parse(receipt.list.head.line).columns;
  const rows = receipt.list.rows.map((each) => Object.fromEntries(JSON.parse(each.line).map((value, at) => [columns[at], value])));
  const unfit = [receipt.list.head, ...receipt.list.rows].filter((each) => {
    const found = rootOf(leafOf(utf8(each.line)), each.number, published.list_lines, each.path.map(unhex));
    return found === null || hex(found) !== published.list_root;
  }).map((each) => report.words("list-line", each.number));
  if (receipt.list.root !== published.list_root || rows.length !== lines.length || published.number !== closed.number) unfit.push(report.words("root"));
  report.step("listed", unfit, published.list_root);

  const unpaid = [];
  for (const line of lines) {
    const row = rows.find((each) => each.measure === line.measure && each.award_year === line.award_year);
    const key = [receipt.enterprise, line.measure, String(line.award_year).padStart(4, "0")];
    const due = !row ? NaN : row.basis === null ? line.gross - line.withheld : shareOf(row.basis, closed, key, line.pot) - (row.basis === line.gross ? line.withheld : 0);
    if (due !== line.payable || !row || row.payable !== line.payable) unpaid.push(report.words("award", `${line.measure} ${line.award_year}`, plain(due), plain(line.payable)));
  }
  for (const [name, fen] of [["budget", closed.budget_fen], ["sharing", closed.sharing_fen]]) if (receipt[name] !== plain(fen)) unpaid.push(report.words("award", name, plain(fen), receipt[name]));
  const paid = sum(potsOf(closed).map(([, has, sharing]) => Math.min(has, sharing)));
  const [over, under] = receipt.factor.split("/").map(BigInt);
  if (closed.sharing_fen ? over * BigInt(closed.sharing_fen) !== under * BigInt(paid) : over !== under) unpaid.push(report.words("award", "factor", `${closed.budget_fen}/${closed.sharing_fen}`, receipt.factor));
  report.step("payments", unpaid);

  const account = accountOf(events);
  report.step("account", Object.keys(account).filter((name) => receipt.account[name] !== plain(account[name])).map((name) => report.words("award", name, plain(account[name]), receipt.account[name])));
  if (paper) report.step("paper", paper === paperOf(receipt) ? [] : [report.words("paper-differs")]);
}

function accountOf(events) {
  const payments = {}, found = { payable: 0, clawed_back: 0, recovered: 0 };
  for (const { name, content } of events) {
    if (name === "AwardsSettled") found.payable = content.payable_fen;
    else if (name === "PaymentOrdered") payments[content.payment] = ["ordered", content.amount_fen];
    else if (name === "PaymentMade") payments[content.payment] = ["paid", payments[content.payment][1]];
    else if (name === "PaymentFailed") payments[content.payment] = ["failed", 0];
    else if (name === "ClawbackOrdered") found.clawed_back += content.amount_fen;
    else if (name === "ClawbackRecovered") found.recovered += content.amount_fen;
  }
  const of = (status) => sum(Object.values(payments).filter((each) => each[0] === status).map((each) => each[1]));
  return { ...found, ordered: of("ordered"), paid: of("paid") };
}

// What the code on the printed page says.
const paperOf = (receipt) => ["SLR1", receipt.enterprise, receipt.policy, receipt.year, receipt.account.payable, digestOf((({ marks, seal, ...said }) => said)(receipt)), receipt.list.root].join(" ");

// A UTC instant as clocks in China show it.
const whenOf = (text) => { const at = new Date(Date.parse(text) + 8 * 3600000); return isNaN(at) ? "—" : at.toISOString().slice(0, 16).replace("T", " "); };

// --- the page ------------------------------------------------------------------------------------

const words = JSON.parse(document.getElementById("words").textContent);
const language = () => document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const said = (key) => (words[key] || { zh: key, en: key })[language()];
// What a file says, without characters that turn lines round or cannot be seen.
const plainly = (value) => String(value).replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (each) => `\\u${each.codePointAt(0).toString(16).padStart(4, "0")}`);
const told = (key, ...values) => values.reduce((text, value, at) => text.replaceAll(`{${at}}`, () => plainly(value)), said(key));

class Report {
  constructor() { this.outcome = "good"; this.steps = []; this.facts = []; }
  words(key, ...values) { return told(key, ...values); }
  about(facts) {
    this.facts = facts.map(([name, value]) => { try { return [name, plainly(value())]; } catch { return [name, "—"]; } });
  }
  attempt(name, work) {
    try { work(); } catch (error) { console.error(error); this.step(name, [told("unworkable")]); }
  }
  step(name, faults, detail = "") {
    this.steps.push([name, faults.length ? "bad" : "good", faults, detail]);
    if (faults.length) this.outcome = "bad";
  }
  signature(name, note, keys, checkpoint, faults) {
    const names = note ? vouching(note, keys, checkpoint) : [], others = note ? note.signatures.filter((each) => !signing({ ...note, signatures: [each] }, keys).length).length : 0;
    if (note && !names.length) faults = [...faults, ...signing(note, keys).map((key) => told(...objectionTo(key, checkpoint)))];
    if (!names.length && !this.keyed) { this.steps.push([name, "unknown", [said("no-key"), ...faults], ""]); if (faults.length) this.outcome = "bad"; else if (this.outcome === "good") this.outcome = "unknown"; return; }
    this.step(name, names.length ? faults : [said("unsigned"), ...faults], signersOf(names, name === "checkpoint" ? checkpoint : null, keys) + (names.length && others > 0 ? told("others", others) : ""));
  }
}

// Who signed, told apart: the log itself, by the name that its checkpoint begins with, and witnesses.
function signersOf(names, checkpoint, keys) {
  const origin = checkpoint ? checkpoint.split("\n")[0] : null;
  const witness = (name) => origin !== null ? name !== origin : keys.every((key) => key.name !== name || key.kind === COSIGNATURE);
  return names.map((name) => witness(name) ? told("by-witness", name) : plainly(name)).join(", ");
}

const attempted = (work) => { try { return work(); } catch { return null; } };
const element = (name, text, kind) => { const made = document.createElement(name); made.textContent = text; if (kind) made.className = kind; return made; };

function show(report) {
  const answer = document.getElementById("answer");
  answer.dataset.verdict = report.outcome;
  answer.replaceChildren(element("h2", said(`verdict-${report.outcome}`), report.outcome));
  const facts = document.createElement("dl");
  for (const [name, value] of report.facts) facts.append(element("dt", said(`fact-${name}`)), element("dd", value));
  const steps = document.createElement("ol");
  for (const [name, outcome, faults, detail] of report.steps) {
    const item = element("li", `${{ good: "✓", bad: "✗", unknown: "?" }[outcome]} ${said(`step-${name}`)}`, outcome);
    item.dataset.step = name;
    if (detail) item.append(element("code", detail));
    const list = document.createElement("ul");
    for (const fault of faults.slice(0, FAULTS_SHOWN)) list.append(element("li", fault));
    if (faults.length > FAULTS_SHOWN) list.append(element("li", report.words("more", faults.length - FAULTS_SHOWN)));
    if (faults.length) item.append(list);
    steps.append(item);
  }
  answer.append(facts, steps);
  answer.hidden = false;
  answer.focus();
}

function check(bytes) {
  const report = new Report();
  try {
    const keys = readTrust(document.getElementById("keys").value);
    report.keyed = keys.length > 0;
    const [lines, edited] = linesOf(bytes);
    if (lines[0].includes(`"${LIST}"`) || (lines.length > 1 && lines[1].startsWith("["))) checkList(lines, edited, keys, report);
    else {
      const receipt = parsed(lines.join("\n"));
      if (receipt.format !== RECEIPT) throw new Error(said("unreadable"));
      checkReceipt(receipt, keys, report, document.getElementById("paper").value.trim());
    }
  } catch (error) {
    console.error(error);
    report.step("read", [error instanceof Unreadable ? error.message : told("unreadable")]);
  }
  show(report);
}

// The file's lines, and what an editor did to them: a receipt's values stand whatever its line ends,
// of a list every byte counts.
function linesOf(bytes) {
  let text;
  try { text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes); } catch { throw new Unreadable(told("encoding")); }
  if (text.slice(0, 2).includes("\0")) throw new Unreadable(told("encoding"));
  const edited = [["bom", text.startsWith("\ufeff")], ["line-ends", text.includes("\r\n")]].filter(([, found]) => found);
  const lines = text.replace(/^\ufeff/, "").split("\n").map((line) => line.replace(/\r$/, ""));
  if (lines.length > 1 && lines[lines.length - 1] === "") lines.pop();
  return [lines, edited.map(([name]) => told(name))];
}

let latest = null;
const named = (name) => { const shown = document.getElementById("named"); shown.removeAttribute("data-words"); shown.textContent = name; };
const take = async (file) => { if (file) { latest = new Uint8Array(await file.arrayBuffer()); named(file.name); check(latest); } };
const drop = document.getElementById("drop");
document.getElementById("file").addEventListener("click", (event) => { event.target.value = ""; });
document.getElementById("file").addEventListener("change", (event) => take(event.target.files[0]));
for (const name of ["dragover", "drop"]) drop.addEventListener(name, (event) => { event.preventDefault(); if (name === "drop") take(event.dataTransfer.files[0]); });
for (const id of ["keys", "paper"]) document.getElementById(id).addEventListener("change", () => { if (latest !== null) check(latest); });

function speak(to) {
  document.documentElement.lang = to;
  document.title = said("title");
  for (const each of document.querySelectorAll("[data-words]")) each.textContent = said(each.dataset.words);
  if (latest !== null) check(latest);
}
for (const each of document.querySelectorAll("[data-speak]")) each.addEventListener("click", () => speak(each.dataset.speak));
speak(document.documentElement.lang);
