/** Rust, Python and JavaScript say the same: the cases come from the Rust crate (`cargo xtask packages` writes them). */
"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { test } = require("node:test");

const { Catalogue, answer } = require("alertwire-catalogue");

test("every case has the answer of the Rust crate", () => {
  const catalogue = Catalogue.builtin();
  let [read, rendered] = [0, 0];
  for (const line of readFileSync(process.env.ALERTWIRE_CATALOGUE_CASES, "utf8").trimEnd().split("\n")) {
    const expected = JSON.parse(line);
    if (expected.read === undefined) {
      rendered += 1;
      checkRendering(catalogue, expected);
    } else {
      read += 1;
      const said = answer(catalogue.read(Buffer.from(expected.read, "base64")), { spans: true });
      assert.deepEqual(said, expected.answer);
      assert.equal(JSON.stringify(said), JSON.stringify(expected.answer));
    }
  }
  assert.ok(read > 5000 && rendered > 500, `${read} read, ${rendered} rendered`);
});

function checkRendering(catalogue, { render, records, company, answer: expected, error, contradicts }) {
  let said = null;
  let refused = null;
  try {
    said = catalogue.render(render, records, company === null ? {} : { company });
  } catch (refusal) {
    refused = refusal.message;
  }
  if (contradicts) {
    assert.match(refused, /and the company to name is/);
  } else {
    assert.deepEqual([said, refused], [expected, error]);
  }
}
