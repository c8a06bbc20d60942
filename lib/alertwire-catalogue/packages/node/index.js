/**
 * Reads the prose of security alerts as fields, and writes fields as alerts. Start at `Catalogue.read` for the way in
 * and at `Catalogue.render` for the way out. Nothing here opens a file or a socket, but for loading the addon itself.
 */
"use strict";

const native = load();

/** The event cannot be written as an alert; the message says what is wrong, with the nearest name. */
class RenderError extends Error {}
RenderError.prototype.name = "RenderError";

/** The files make no catalogue; the message shows each place with a caret. */
class CatalogueError extends Error {
  constructor(message, diagnostics = []) {
    super(message);
    this.diagnostics = diagnostics;
  }
}
CatalogueError.prototype.name = "CatalogueError";

/** All event kinds, compiled. It never changes: make one and share it. */
class Catalogue {
  #native;

  /** The built-in kinds, with those of further files: the text of each by its name. */
  constructor(files = undefined) {
    this.#native =
      files === undefined ? native.Catalogue.builtin() : refusing(catalogueError, () => native.Catalogue.withFiles(sources(files)));
  }

  static builtin() {
    return new Catalogue();
  }

  static withFiles(files) {
    return new Catalogue(files);
  }

  /** Reads a payload. Never throws for what the payload says, whatever its bytes are. */
  read(payload) {
    const raw = bytes(payload);
    return reading(raw, this.#native.read(raw));
  }

  /** The same on another thread. */
  async readAsync(payload) {
    const raw = bytes(payload);
    return reading(raw, await this.#native.readAsync(raw));
  }

  /** Reads an alert whose subject and body are known already. */
  readAlert(subject, body) {
    return JSON.parse(this.#native.readAlert(text(subject), text(body)));
  }

  /** The alert of an event: one record for each asset, port or item that it speaks of. */
  render(code, records = [], { company } = {}) {
    const given = JSON.stringify(Array.isArray(records) ? records : [records], plain);
    return JSON.parse(refusing(renderError, () => this.#native.render(text(code), given, company === undefined ? undefined : text(company))));
  }

  /** The event that an `alertwire-fields` header speaks of, or null: believed only if it renders to this very alert. */
  believeHeader(header, subject, body) {
    return JSON.parse(this.#native.believeHeader(text(header), text(subject), text(body)));
  }

  /** All kinds, in the order of the files. */
  kinds() {
    return JSON.parse(this.#native.kinds());
  }
}

/** Everything that is wrong with catalogue files beside the built-in ones, as `alertwire catalog check` finds it. */
function check(files) {
  return JSON.parse(refusing(catalogueError, () => native.check(sources(files))));
}

/** What `alertwire parse` prints: an object, or for an array of alerts a list of them. */
function answer(reading, { spans = false } = {}) {
  const answers = reading.alerts.map((alert) => {
    const { spans: places, ...rest } = alert;
    return spans ? { ...rest, spans: places } : rest;
  });
  return reading.isArray ? answers : answers[0];
}

/** A field as it stands in the body, before it was made canonical; undefined when the record has none of that name. */
function written(alert, name, record = 0) {
  const span = alert.spans[record]?.[name];
  return span && Buffer.from(alert.body).subarray(span.start, span.end).toString();
}

/** Whether there is only one reading of a field. */
function isCertain(alert, name, record = 0) {
  return !alert.ambiguous.some((found) => found.record === record && found.field === name);
}

function reading(raw, json) {
  const { alerts, is_array: isArray } = JSON.parse(json);
  return { raw, decode: alerts[0].decode, repairs: alerts[0].repairs, alerts, isArray };
}

/** A copy, so that what is kept stays as it came when the caller's buffer is used again. */
function bytes(payload) {
  if (typeof payload === "string" || payload instanceof Uint8Array) return Buffer.from(payload);
  throw new TypeError(`a payload is a Buffer, a Uint8Array or a string, not ${payload === null ? "null" : typeof payload}`);
}

/** Half a surrogate pair becomes the replacement character, as it does in any text that leaves JavaScript. */
function text(value) {
  if (typeof value === "string") return Buffer.from(value).toString();
  throw new TypeError(`a string is needed, not ${value === null ? "null" : typeof value}`);
}

function sources(files) {
  const given = Object.entries(files ?? {});
  if (given.some(([, source]) => typeof source !== "string")) {
    throw new TypeError("files are given as strings by their names: {'mine.toml': 'category = …'}");
  }
  return JSON.stringify(Object.fromEntries(given.map(([name, source]) => [text(name), text(source)])));
}

/** JSON would turn what it cannot say into null, and null means absent: better to refuse it. */
function plain(name, value) {
  if (["bigint", "function", "symbol"].includes(typeof value) || (typeof value === "number" && !Number.isFinite(value))) {
    throw new RenderError(`the field \`${name}\` is neither a string nor a number that JSON can say; give its digits as a string`);
  }
  return value;
}

/** Runs a call of the addon; its refusals are JSON, and become an error of ours. */
function refusing(make, call) {
  try {
    return call();
  } catch (error) {
    if (error.code !== "InvalidArg") throw error;
    throw make(JSON.parse(error.message));
  }
}

function renderError({ message }) {
  return new RenderError(message);
}

function catalogueError({ message, diagnostics }) {
  return new CatalogueError(message, diagnostics);
}

function load() {
  const name = `${process.platform}-${process.arch}`;
  try {
    return require(`./native/${name}.node`);
  } catch (cause) {
    throw new Error(`alertwire-catalogue: the addon for ${name} is missing or does not fit this system; build it by \`cargo xtask packages\``, { cause });
  }
}

module.exports = { Catalogue, CatalogueError, RenderError, answer, check, isCertain, written, version: native.version() };
