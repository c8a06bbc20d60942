//! `alertwire_catalogue._native`: the bridge for Python. It hands text over and lets other threads run meanwhile; what a
//! Python program sees is made in `python/alertwire_catalogue/__init__.py`.

use alertwire_catalogue_bridge::{Bridge, Refusal, check as check_files};
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

create_exception!(_native, Refused, PyValueError);

fn refused(refusal: Refusal) -> PyErr {
    Refused::new_err(refusal.to_string())
}

#[pyclass(frozen, module = "alertwire_catalogue._native")]
#[derive(Debug)]
struct Catalogue {
    bridge: Bridge,
}

#[pymethods]
impl Catalogue {
    #[staticmethod]
    fn builtin() -> Self {
        Self {
            bridge: Bridge::builtin(),
        }
    }

    #[staticmethod]
    fn with_files(py: Python<'_>, files: &str) -> PyResult<Self> {
        let bridge = py.detach(|| Bridge::with_files(files)).map_err(refused)?;
        Ok(Self { bridge })
    }

    fn read(&self, py: Python<'_>, payload: &[u8]) -> String {
        py.detach(|| self.bridge.read(payload).to_string())
    }

    fn read_alert(&self, py: Python<'_>, subject: &str, body: &str) -> String {
        py.detach(|| self.bridge.read_alert(subject, body).to_string())
    }

    #[pyo3(signature = (code, records, company=None))]
    fn render(
        &self,
        py: Python<'_>,
        code: &str,
        records: &str,
        company: Option<&str>,
    ) -> PyResult<String> {
        let rendered = py.detach(|| self.bridge.render(code, records, company));
        rendered.map(|json| json.to_string()).map_err(refused)
    }

    fn believe_header(&self, py: Python<'_>, header: &str, subject: &str, body: &str) -> String {
        py.detach(|| {
            self.bridge
                .believe_header(header, subject, body)
                .to_string()
        })
    }

    fn kinds(&self) -> String {
        self.bridge.kinds().to_string()
    }
}

#[pyfunction]
fn check(py: Python<'_>, files: &str) -> PyResult<String> {
    let found = py.detach(|| check_files(files)).map_err(refused)?;
    Ok(found.to_string())
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.add("Refused", module.py().get_type::<Refused>())?;
    module.add_class::<Catalogue>()?;
    module.add_function(wrap_pyfunction!(check, module)?)
}
