// Compiled by `cargo xtask audit`, never run: the types say what the package does.
import { Catalogue, CatalogueError, RenderError, answer, check, isCertain, written, version, type Alert, type Reading } from "alertwire-catalogue";
const catalogue: Catalogue = Catalogue.builtin();
const reading: Reading = catalogue.read(Buffer.from("x"));
const alert: Alert = reading.alerts[0]!;
const v: string | number | undefined = alert.records[0]?.["ip"];
catalogue.readAsync(new Uint8Array()).then((r) => r.raw.length);
const r = catalogue.render("a.b", { ip: "x", port: 5, mac: null }, { company: "c" });
const h: string | null = r.fields_header;
console.log(v, h, answer(reading), check({}), isCertain(alert, "ip"), written(alert, "ip"), version, CatalogueError, RenderError, catalogue.kinds()[0]?.class);
// @ts-expect-error a number is no payload
catalogue.read(5);
// @ts-expect-error a boolean is no value
catalogue.render("a.b", { ip: true });
