//! A form with a file, as a browser posts it: first its fields, then the file, which is read as it comes.

use axum::body::Body;
use bytes::Bytes;
use domain::Secret;
use http::header;
use http::request::Parts;
use multer::{Constraints, Field, Multipart, SizeLimit};
use scan::FILE_BYTES;

use super::{Posted, body, session};
use crate::problem::Problem;

/// Largest field beside the file, in bytes, and most fields.
const FIELD_BYTES: u64 = 4 * 1024;
const FIELDS: usize = 32;
/// What all of it may have beyond the file, in bytes.
const BESIDE: u64 = 256 * 1024;
/// The input that a file is chosen in.
const FILE: &str = "file";

/// The file of a form.
#[derive(Debug)]
pub(crate) struct PostedFile(Field<'static>);

/// The fields that stand before the file, and the file, when one was chosen. Nothing of it has been read.
pub(crate) async fn open(
    parts: &Parts,
    body: Body,
) -> Result<(Posted, Option<PostedFile>), Problem> {
    session::expect_own_page(parts)?;
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let boundary = content_type
        .and_then(|value| multer::parse_boundary(value.to_str().ok()?).ok())
        .ok_or_else(|| Problem::unsupported("send the form of the page"))?;
    let limits = SizeLimit::new()
        .whole_stream(FILE_BYTES + BESIDE)
        .per_field(FIELD_BYTES)
        // The reader of the file has the bound itself, and says what to do about it.
        .for_field(FILE, FILE_BYTES + BESIDE);
    let constraints = Constraints::new().size_limit(limits);
    let mut form = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(problem)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == FILE {
            // A browser sends an empty name where none was chosen.
            let is_chosen = field.file_name().is_some_and(|name| !name.is_empty());
            let file = is_chosen.then_some(PostedFile(field));
            return Ok((Posted::of(fields), file));
        }
        if fields.len() == FIELDS {
            let detail = format!("a form may have at most {FIELDS} fields before its file");
            return Err(Problem::field("", detail));
        }
        let text = field.text().await.map_err(problem)?;
        fields.push((name, Secret::new(text)));
    }
    Ok((Posted::of(fields), None))
}

impl PostedFile {
    /// The next bytes; none when that was all.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        self.0.chunk().await.map_err(problem)
    }

    /// Reads some of what is left, so that a browser which is still writing hears the answer.
    pub(crate) async fn discard(mut self) {
        let mut discarded = 0;
        while discarded < body::DISCARDED
            && let Ok(Some(piece)) = self.0.chunk().await
        {
            discarded += piece.len();
        }
    }
}

fn problem(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(error) => body::broken(error),
        multer::Error::FieldSizeExceeded { limit, .. }
        | multer::Error::StreamSizeExceeded { limit } => {
            Problem::too_large(usize::try_from(limit).unwrap_or(usize::MAX))
        }
        _ => Problem::malformed("it is not the form of a page, or it broke off"),
    }
}
