/** The package as a program uses it. */
"use strict";

const assert = require("node:assert/strict");
const { readFileSync, readdirSync } = require("node:fs");
const { join } = require("node:path");
const { test } = require("node:test");
const vm = require("node:vm");
const { Worker } = require("node:worker_threads");

const { Catalogue, CatalogueError, RenderError, answer, check, isCertain, version, written } = require("alertwire-catalogue");

const SAMPLES = process.env.ALERTWIRE_CATALOGUE_SAMPLES;
const PACKAGE = join(require.resolve("alertwire-catalogue"), "..");
const BACKUPS = `
category = "Backups"

[[event]]
code    = "backup.failed"
subject = "Backup Failed"
body    = "Backup of {hostname:host} failed"

[[event.example]]
body   = "Backup of db-1 failed"
fields = [{ hostname = "db-1" }]
`;

const catalogue = Catalogue.builtin();
const sample = (name) => readFileSync(join(SAMPLES, `${name}.payload`));

test("the four samples of the guide are read in full", () => {
  const expected = {
    "001-guide-asset": ["system.asset_added", "mac", "00:1B:44:11:3A:B7"],
    "002-guide-port": ["system.port_open_probe", "port", 443],
    "003-guide-vulnerability": ["problem.critical", "vul_id", "CVE-2021-44228"],
    "004-guide-login": ["entra.login_failure", "ip", "203.0.113.10"],
  };
  for (const [name, [event, field, value]] of Object.entries(expected)) {
    const [alert] = catalogue.read(sample(name)).alerts;
    assert.deepEqual([alert.event, alert.match, alert.ambiguous, alert.records[0][field]], [event, "full", [], value], name);
  }
});

test("the broken sample is repaired and kept as it came", () => {
  const payload = sample("003-guide-vulnerability");
  const reading = catalogue.read(payload);
  assert.deepEqual([reading.decode, reading.repairs.map((repair) => repair.rule)], ["repaired", ["kept_backslash"]]);
  assert.deepEqual(reading.raw, payload);
  payload.fill(0);
  assert.deepEqual(reading.raw, sample("003-guide-vulnerability"));
});

test("every example is read as its kind or an alternative", () => {
  const kinds = catalogue.kinds();
  assert.ok(kinds.length > 40);
  for (const kind of kinds) {
    for (const example of kind.examples) {
      const alert = catalogue.readAlert(kind.subject, example.body);
      assert.ok([alert.event, ...alert.alternatives].includes(kind.code), example.body);
      assert.deepEqual(alert.records, example.records);
    }
  }
});

test("buffers, arrays of bytes and strings are payloads", () => {
  const payload = sample("001-guide-asset");
  for (const given of [new Uint8Array(payload), payload.toString()]) {
    assert.deepEqual(answer(catalogue.read(given)), answer(catalogue.read(payload)));
  }
  for (const wrong of [null, undefined, 5, {}, [1]]) {
    assert.throws(() => catalogue.read(wrong), { name: "TypeError", message: /a payload is a Buffer, a Uint8Array or a string, not/ });
  }
});

test("what is no JSON comes back whole", () => {
  for (const payload of ["hello", "", Buffer.from([0xff, 0xfe, 0]), '{"subject": "Asset', "\ud800"]) {
    const reading = catalogue.read(payload);
    assert.deepEqual([reading.decode, reading.alerts[0].event], ["failed", null]);
  }
  assert.equal(catalogue.read("hello").alerts[0].body, "hello");
});

test("no bytes whatever throw", () => {
  const payloads = readdirSync(SAMPLES).filter((name) => name.endsWith(".payload")).map((name) => readFileSync(join(SAMPLES, name)));
  let seed = 7;
  const dice = (end) => (seed = (seed * 48_271) % 0x7fffffff) % end;
  for (let turn = 0; turn < 3000; turn += 1) {
    const payload = Buffer.from(payloads[dice(payloads.length)]);
    for (let edits = dice(6); edits > 0 && payload.length > 0; edits -= 1) payload[dice(payload.length)] = dice(256);
    assert.ok(catalogue.read(payload).alerts.length >= 1);
  }
  for (const hostile of ["[".repeat(100_000), '{"a":'.repeat(100_000), Buffer.alloc(2_000_000), `{"subject": "${"x".repeat(1_000_000)}"}`]) {
    catalogue.read(hostile);
  }
});

test("an array is read alert by alert", () => {
  const reading = catalogue.read(`[${sample("001-guide-asset")},${sample("002-guide-port")}]`);
  assert.deepEqual(reading.alerts.map((alert) => alert.event), ["system.asset_added", "system.port_open_probe"]);
  assert.ok(Array.isArray(answer(reading)));
});

test("a field is shown as it was written", () => {
  const alert = catalogue.readAlert("Asset Ports", "Open Port 53/UDP Discovered for Asset 10.0.0.5, hostname Ünder.example.com.");
  assert.deepEqual([alert.records[0].protocol, written(alert, "port"), written(alert, "mac")], ["udp", "53/UDP", undefined]);
  assert.ok(isCertain(alert, "port"));
});

test("an ambiguous field has both readings", () => {
  const [alert] = catalogue.read(sample("052-login-ambiguous")).alerts;
  const [found] = alert.ambiguous;
  assert.ok(!isCertain(alert, found.field, found.record));
  assert.notEqual(found.readings[0], found.readings[1]);
});

test("a number that JavaScript would round comes as its digits", () => {
  const file = 'category = "X"\n[[event]]\ncode = "x.y"\nsubject = "Counted"\nbody = "Counted {count:int} of {total:int}"\n';
  const alert = Catalogue.withFiles({ "x.toml": file }).readAlert("Counted", "Counted 7 of 900719925474099267");
  assert.deepEqual(alert.records, [{ count: 7, total: "900719925474099267" }]);
});

test("many readings go on at once on other threads", async () => {
  const payload = sample("003-guide-vulnerability");
  const expected = answer(catalogue.read(payload));
  const readings = await Promise.all(Array.from({ length: 200 }, () => catalogue.readAsync(payload)));
  for (const reading of readings) assert.deepEqual(answer(reading), expected);
});

test("workers have catalogues of their own", async () => {
  const work = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { Catalogue, answer } = require(workerData.from);
    parentPort.postMessage(answer(Catalogue.builtin().read(workerData.payload)));`;
  const payload = sample("004-guide-login");
  const said = (worker) => new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  const workers = Array.from({ length: 4 }, () => new Worker(work, { eval: true, workerData: { from: PACKAGE, payload } }));
  for (const one of await Promise.all(workers.map(said))) assert.deepEqual(one, answer(catalogue.read(payload)));
});

test("what is rendered is read back", () => {
  for (const kind of catalogue.kinds()) {
    const { subject, body, records } = catalogue.render(kind.code, kind.examples[0].records);
    const [alert] = catalogue.read(JSON.stringify({ subject, body })).alerts;
    assert.deepEqual([alert.match, alert.records], ["full", records], kind.code);
  }
});

test("a hostile value travels in the header", () => {
  const record = { company: "Acme\nSource evil" };
  const alert = catalogue.render("system.company_created", record);
  const believed = catalogue.believeHeader(alert.fields_header, alert.subject, alert.body);
  assert.deepEqual(believed, { event: "system.company_created", records: [record] });
  assert.equal(catalogue.believeHeader(alert.fields_header, alert.subject, "another body"), null);
  assert.equal(catalogue.believeHeader("no header", alert.subject, alert.body), null);
});

test("a company is written where the wording names one", () => {
  assert.match(catalogue.render("system.company_created", [], { company: "Müller & Co" }).body, /Müller & Co/);
  const contradiction = () => catalogue.render("system.company_created", { company: "Other" }, { company: "Acme" });
  assert.throws(contradiction, { name: "RenderError", message: /says `Other`, and the company to name is `Acme`/ });
});

test("errors say what is wrong", () => {
  const refused = [
    [{ ipp: "10.0.0.1" }, /has no field `ipp`; did you mean `ip`/],
    [{ ip: "10.0.0.256" }, /`10.0.0.256` is not/],
    [{ ip: true }, /the records cannot be used: .*expected a text or a number/],
    [{ ip: NaN }, /the field `ip` is neither a string nor a number/],
    [{ ip: 5n }, /the field `ip` is neither a string nor a number/],
    [[5], /the records cannot be used/],
  ];
  for (const [records, message] of refused) {
    assert.throws(() => catalogue.render("system.asset_added", records), (error) => error instanceof RenderError && message.test(error.message));
  }
  assert.throws(() => catalogue.readAlert("Asset Ports"), { name: "TypeError", message: "a string is needed, not undefined" });
});

test("kinds of one's own are read, and faults have their place", () => {
  assert.deepEqual(check({ "backups.toml": BACKUPS }), []);
  const alert = Catalogue.withFiles({ "backups.toml": BACKUPS }).readAlert("backup failed", "Backup of db-1 failed");
  assert.deepEqual([alert.event, alert.records], ["backup.failed", [{ hostname: "db-1" }]]);
  const faulty = { "mine.toml": BACKUPS.replace(":host}", ":hots}") };
  assert.throws(() => Catalogue.withFiles(faulty), (error) => {
    const [found] = error.diagnostics;
    assert.deepEqual([error instanceof CatalogueError, found.file, found.line], [true, "mine.toml", 7]);
    return error.message.includes("^");
  });
  assert.ok(check({ "mine.toml": BACKUPS.replace("Backup of db-1 failed", "Nothing of the sort") }).length > 0);
  assert.throws(() => Catalogue.withFiles({ "mine.toml": 5 }), { name: "TypeError", message: /files are given as strings by their names/ });
});

test("a wording is added to a built-in kind", () => {
  const taught = "[[extend]]\ncode = 'system.asset_added'\naliases = ['Device Found']\nvariants = ['Found device {ip:ip}']\n";
  const alert = Catalogue.withFiles({ "taught.toml": taught }).readAlert("Device Found", "Found device 10.0.0.7");
  assert.deepEqual([alert.event, alert.match, alert.records], ["system.asset_added", "full", [{ ip: "10.0.0.7" }]]);
});

test("the code of the README runs as it stands", () => {
  const page = readFileSync(join(PACKAGE, "README.md"), "utf8");
  const blocks = [...page.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code);
  assert.equal(blocks.length, 2);
  const world = vm.createContext({ require, assert, inventory: [], tickets: [], archive: [] });
  vm.runInContext(blocks.join("\n"), world);
  for (const name of ["001-guide-asset", "003-guide-vulnerability", "079-not-json"]) {
    world.payload = sample(name);
    vm.runInContext("receive(globalThis.payload, inventory, tickets, archive)", world);
  }
  assert.deepEqual(world.inventory.map((asset) => asset.ip), ["192.168.1.100"]);
  assert.deepEqual(world.tickets.map((ticket) => ticket.about[0].vul_id), ["CVE-2021-44228"]);
  assert.deepEqual(world.archive[2], sample("079-not-json"));
});

test("the version is that of the package", () => {
  assert.equal(version, JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")).version);
});
