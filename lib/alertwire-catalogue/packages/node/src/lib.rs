//! The addon: the bridge for Node. It hands text over; what a program sees is made in `index.js`.

use alertwire_catalogue_bridge::{Bridge, Refusal, check as check_files};
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi::{Env, Error, Result, Status, Task};
use napi_derive::napi;
use serde_json::Value as Json;

/// Whole numbers beyond this are rounded by JavaScript.
const LARGEST_EXACT: u64 = (1 << 53) - 1;

fn refused(refusal: Refusal) -> Error {
    Error::new(Status::InvalidArg, refusal.to_string())
}

/// The JSON as text, with the digits of a number as a text where JavaScript would round it.
fn exact(mut json: Json) -> String {
    spell_out(&mut json);
    json.to_string()
}

fn spell_out(json: &mut Json) {
    match json {
        Json::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs);
            if size.or(number.as_u64()).unwrap_or(0) > LARGEST_EXACT {
                *json = Json::String(number.to_string());
            }
        }
        Json::Array(items) => items.iter_mut().for_each(spell_out),
        Json::Object(fields) => fields.values_mut().for_each(spell_out),
        Json::Null | Json::Bool(_) | Json::String(_) => {}
    }
}

#[napi(js_name = "Catalogue")]
#[derive(Debug)]
pub struct Catalogue {
    bridge: Bridge,
}

#[napi]
impl Catalogue {
    #[napi(factory, catch_unwind)]
    pub fn builtin() -> Self {
        Self {
            bridge: Bridge::builtin(),
        }
    }

    #[napi(factory, catch_unwind)]
    pub fn with_files(files: String) -> Result<Self> {
        let bridge = Bridge::with_files(&files).map_err(refused)?;
        Ok(Self { bridge })
    }

    #[napi(catch_unwind)]
    pub fn read(&self, payload: Buffer) -> String {
        exact(self.bridge.read(&payload))
    }

    /// Reads on another thread: a payload of a megabyte must not stop a server's loop.
    #[napi(catch_unwind)]
    pub fn read_async(&self, payload: Buffer) -> AsyncTask<Read> {
        AsyncTask::new(Read {
            bridge: self.bridge.clone(),
            payload: payload.to_vec(),
        })
    }

    #[napi(catch_unwind)]
    pub fn read_alert(&self, subject: String, body: String) -> String {
        exact(self.bridge.read_alert(&subject, &body))
    }

    #[napi(catch_unwind)]
    pub fn render(&self, code: String, records: String, company: Option<String>) -> Result<String> {
        let rendered = self.bridge.render(&code, &records, company.as_deref());
        rendered.map(exact).map_err(refused)
    }

    #[napi(catch_unwind)]
    pub fn believe_header(&self, header: String, subject: String, body: String) -> String {
        exact(self.bridge.believe_header(&header, &subject, &body))
    }

    #[napi(catch_unwind)]
    pub fn kinds(&self) -> String {
        exact(self.bridge.kinds())
    }
}

#[napi(catch_unwind)]
pub fn check(files: String) -> Result<String> {
    check_files(&files).map(exact).map_err(refused)
}

#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// A reading on a thread of the pool.
#[derive(Debug)]
pub struct Read {
    bridge: Bridge,
    payload: Vec<u8>,
}

impl Task for Read {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> Result<String> {
        Ok(exact(self.bridge.read(&self.payload)))
    }

    fn resolve(&mut self, _env: Env, answer: String) -> Result<String> {
        Ok(answer)
    }
}
