/** A whole number beyond 2^53 comes as a string of its digits, for JavaScript would round it. */
export type Value = string | number;
export type FieldValues = Record<string, Value>;
export type Severity = "info" | "low" | "medium" | "high" | "critical";
export type Decode = "ok" | "repaired" | "failed";

/** What had to be mended before the payload was JSON: the rule, and its offset in the payload's bytes. */
export interface Repair {
  offset: number;
  rule: string;
}

/** A field's place in the body, in bytes of its UTF-8; `written` gives the text itself. */
export interface Span {
  start: number;
  end: number;
  /** `UTC` where a time came without a zone. */
  assumed_zone?: string;
}

/** A field that can be read in two ways: never route by it, never close anything by it. */
export interface Ambiguity {
  record: number;
  field: string;
  /** The first is the one in the records. */
  readings: [Value | null, Value | null];
}

/** What one alert says, with the names that `alertwire parse` uses. */
export interface Alert {
  subject: string;
  body: string;
  decode: Decode;
  repairs: Repair[];
  /** The kind that the subject names, also when the body is not recognised: what to route by. */
  event: string | null;
  /** The kind that the body speaks for when the subject is unknown. Never a reason to route. */
  suggested_event?: string;
  category: string | null;
  severity: Severity | null;
  match: "full" | "partial" | "none";
  records: FieldValues[];
  /** Further kinds that the same words may mean. */
  alternatives: string[];
  ambiguous: Ambiguity[];
  /** What stands in the body, recognised or not: addresses, host names, CVEs, ports, … */
  entities: Record<string, Value[]>;
  /** What is left over behind a partial match. */
  remainder: string;
  /** The reading was given up at a bound. */
  read_failed?: true;
  /** For each record the place of each of its fields. */
  spans: Record<string, Span>[];
}

/** What one payload says. */
export interface Reading {
  /** The payload as it came, byte for byte: keep it. */
  raw: Buffer;
  decode: Decode;
  repairs: Repair[];
  /** At least one; several when the payload is an array. */
  alerts: Alert[];
  isArray: boolean;
}

/** An alert, ready to be sent. */
export interface Rendered {
  subject: string;
  body: string;
  /** The records in canonical form, as reading the body gives them back. */
  records: FieldValues[];
  /** The value of the header `alertwire-fields`: the truth, where a hostile value was altered in the text. */
  fields_header: string | null;
}

export interface Kind {
  code: string;
  category: string;
  name: string;
  subject: string;
  aliases: string[];
  severity: Severity;
  wording: "documented" | "proposed";
  class: string;
  action: string;
  key: string[];
  identity: string[];
  product: string[];
  alternatives: string[];
  fields: { name: string; type: string; optional: boolean; free: boolean }[];
  body: string;
  variants: string[];
  examples: { body: string; records: FieldValues[] }[];
}

/** One finding about a catalogue file. */
export interface Diagnostic {
  file: string;
  line: number;
  column: number;
  message: string;
  help: string | null;
}

export type GivenRecord = Record<string, Value | null | undefined>;

/** All event kinds, compiled. It never changes: make one and share it. */
export class Catalogue {
  /** The built-in kinds, with those of further files: the text of each by its name. */
  constructor(files?: Record<string, string>);
  static builtin(): Catalogue;
  /** A kind of a known code takes the place of the old one. */
  static withFiles(files: Record<string, string>): Catalogue;
  /** Reads a payload. Never throws for what the payload says, whatever its bytes are. */
  read(payload: Uint8Array | string): Reading;
  /** The same on another thread. */
  readAsync(payload: Uint8Array | string): Promise<Reading>;
  /** Reads an alert whose subject and body are known already. */
  readAlert(subject: string, body: string): Alert;
  /**
   * The alert of an event. `company` is written where the wording names one; send it in the header
   * `alertwire-company` otherwise.
   */
  render(code: string, records?: GivenRecord | GivenRecord[], options?: { company?: string }): Rendered;
  /** The event that an `alertwire-fields` header speaks of, or null: believed only if it renders to this very alert. */
  believeHeader(header: string, subject: string, body: string): { event: string; records: FieldValues[] } | null;
  /** All kinds, in the order of the files. */
  kinds(): Kind[];
}

/** The files make no catalogue; the message shows each place with a caret. */
export class CatalogueError extends Error {
  diagnostics: Diagnostic[];
}

/** The event cannot be written as an alert; the message says what is wrong, with the nearest name. */
export class RenderError extends Error {}

/** Everything that is wrong with catalogue files beside the built-in ones, as `alertwire catalog check` finds it. */
export function check(files: Record<string, string>): Diagnostic[];

/** What `alertwire parse` prints: an object, or for an array of alerts a list of them. */
export function answer(reading: Reading, options?: { spans?: boolean }): Omit<Alert, "spans"> | Omit<Alert, "spans">[];

/** A field as it stands in the body, before it was made canonical. */
export function written(alert: Alert, name: string, record?: number): string | undefined;

/** Whether there is only one reading of a field. */
export function isCertain(alert: Alert, name: string, record?: number): boolean;

export const version: string;
