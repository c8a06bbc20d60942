//! A scanner's file on its way in: its bytes are read while they come, and what is found is kept in batches, so that no
//! more of either than a few pieces is in memory. Only a whole upload becomes a job.

use std::io::{self, BufRead, Read};

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use delivery::replay::IMPORT_RATE;
use domain::JobId;
use domain::access::{Actor, Scope};
use domain::finding::Finding;
use http_body_util::BodyExt as _;
use receive::RaiseError;
use scan::{FILE_BYTES, Format, ScanError, Scanned};
use sha2::{Digest as _, Sha256};
use store::{Begun, FINDINGS_BATCH, ImportSpec, NewImport, Once, StoreError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;

use super::create::Wanted;
use crate::App;
use crate::api::job::full;
use crate::problem::Problem;
use crate::read::{Caller, body};

/// Pieces of a body that wait to be read.
const PIECES: usize = 16;
/// Findings that are kept in one transaction, and how many such bunches wait for the store.
const KEPT: usize = 10 * FINDINGS_BATCH;
const BUNCHES: usize = 2;

/// A file that comes in.
pub(crate) struct Upload {
    pieces: mpsc::Sender<Piece>,
    listing: JoinHandle<Result<JobId, Problem>>,
}

enum Piece {
    Bytes(Bytes),
    End,
}

/// What reads the file, and begins the import when it was whole. It outlives a request that breaks off, and then
/// forgets what was kept.
struct Listing {
    app: App,
    caller: Caller,
    wanted: Wanted,
    key: Option<String>,
    id: JobId,
    _turn: OwnedSemaphorePermit,
}

impl Upload {
    /// Ready to take the file's bytes. Refused while as many files as may be are being read.
    pub(crate) fn begin(
        app: &App,
        caller: &Caller,
        wanted: Wanted,
        key: Option<String>,
    ) -> Result<Self, Problem> {
        let turn = app.imports().clone().try_acquire_owned().map_err(|_| {
            Problem::try_later("as many scanner files as may be are being read; come again")
        })?;
        let (pieces, waiting) = mpsc::channel(PIECES);
        let listing = Listing {
            app: app.clone(),
            caller: caller.clone(),
            wanted,
            key,
            id: app.fresh(JobId::new),
            _turn: turn,
        };
        let listing = tokio::spawn(listing.run(waiting));
        Ok(Self { pieces, listing })
    }

    /// Takes a piece of the file. False when no more is wanted, which [`Upload::end`] says why.
    pub(crate) async fn take(&self, piece: Bytes) -> bool {
        self.pieces.send(Piece::Bytes(piece)).await.is_ok()
    }

    /// The file is whole: the import that comes of it, or what is wrong with the file.
    pub(crate) async fn end(self) -> Result<JobId, Problem> {
        // Nobody listens any more when something is wrong with it, which is what is asked for.
        let _ = self.pieces.send(Piece::End).await;
        let listed = self.listing.await;
        listed.map_err(|error| Problem::internal(error.to_string()))?
    }

    /// A body that is the file.
    pub(crate) async fn whole(self, mut body: Body) -> Result<JobId, Problem> {
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame.map_err(body::broken)?.into_data() else {
                continue;
            };
            if !self.take(piece).await {
                let answer = self.end().await;
                body::discard(body).await;
                return answer;
            }
        }
        self.end().await
    }
}

impl Listing {
    async fn run(self, pieces: mpsc::Receiver<Piece>) -> Result<JobId, Problem> {
        let begun = match self.list(pieces).await {
            Ok((size, scanned, digest)) => self.begin_import(size, scanned, digest).await,
            Err(problem) => Err(problem),
        };
        if begun.is_err()
            && let Err(error) = self.app.store().drop_findings(self.id).await
        {
            tracing::warn!(job.id = %self.id, "what was read of a refused file is forgotten later: {error}");
        }
        begun
    }

    /// Reads the file and keeps what it found; tells how many.
    async fn list(
        &self,
        pieces: mpsc::Receiver<Piece>,
    ) -> Result<(u64, Scanned, [u8; 32]), Problem> {
        let (bunches, mut found) = mpsc::channel::<Vec<Finding>>(BUNCHES);
        let (format, configuration) = (
            self.wanted.format.clone(),
            self.caller.configuration.clone(),
        );
        let input = Input::new(pieces, self.key.is_some());
        let reading = tokio::task::spawn_blocking(move || {
            read(input, &format, configuration.catalogue(), &bunches)
        });
        let mut size = 0;
        let mut kept: Result<(), StoreError> = Ok(());
        while let Some(bunch) = found.recv().await {
            kept = self.app.store().keep_findings(self.id, size, &bunch).await;
            if kept.is_err() {
                break;
            }
            size += bunch.len() as u64;
        }
        // Whoever still reads stops at the next bunch.
        drop(found);
        let read = reading.await;
        let read = read.map_err(|error| Problem::internal(error.to_string()))?;
        kept?;
        let (scanned, digest) = read.map_err(|error| refused(&error))?;
        Ok((size, scanned, digest))
    }

    async fn begin_import(
        &self,
        size: u64,
        scanned: Scanned,
        digest: [u8; 32],
    ) -> Result<JobId, Problem> {
        let actor: Actor = self.caller.actor();
        let caller = self.caller.id_text();
        let once = self.key.as_ref().map(|key| Once {
            key: format!("{caller} {key}"),
            // Whatever else is asked of the same file is another request.
            digest: Sha256::new()
                .chain_update(format!("{:?} ", self.wanted))
                .chain_update(digest)
                .finalize()
                .into(),
        });
        let import = NewImport {
            id: self.id,
            failed: scanned.failed,
            spec: self.spec(scanned),
            // It never reaches beyond its company, so whoever sees that one may see the import.
            scope: Scope::Companies(vec![self.wanted.company]),
            rate: IMPORT_RATE,
            size,
            once,
        };
        let begun = self
            .app
            .store()
            .begin_import(import, &actor, self.app.now());
        match begun.await? {
            Begun::Now => Ok(self.id),
            Begun::Before(id) => Ok(id),
            Begun::KeyReused => Err(RaiseError::KeyReused.into()),
            Begun::Full => Err(full()),
        }
    }

    fn spec(&self, scanned: Scanned) -> ImportSpec {
        let (external, named) = match &self.wanted.format {
            Format::Nmap { external } => (*external, None),
            Format::Trivy(named) => (false, Some(named)),
        };
        let passed_over = scanned.passed_over.into_iter();
        ImportSpec {
            company: self.wanted.company,
            scanner: self.wanted.format.scanner(),
            external,
            hostname: named.and_then(|named| named.hostname.clone()),
            ip: named
                .filter(|named| !named.ip.is_unspecified())
                .map(|named| named.ip.to_string()),
            dry_run: self.wanted.dry_run,
            passed_over: passed_over
                .map(|(what, count)| (what.to_owned(), count))
                .collect(),
            broken: scanned.broken,
            left_out: scanned.left_out,
        }
    }
}

/// Reads all of the file on a thread that may be busy, and hands on what it found in bunches.
fn read(
    mut input: Input,
    format: &Format,
    catalogue: &alertwire_catalogue::Catalogue,
    bunches: &mpsc::Sender<Vec<Finding>>,
) -> Result<(Scanned, [u8; 32]), ScanError> {
    let mut bunch = Vec::with_capacity(KEPT);
    let scanned = scan::read(&mut input, format, catalogue, &mut |finding| {
        bunch.push(finding);
        bunch.len() < KEPT || bunches.blocking_send(std::mem::take(&mut bunch)).is_ok()
    })?;
    if !bunch.is_empty() && bunches.blocking_send(bunch).is_err() {
        return Err(ScanError::Stopped);
    }
    // What stands behind a place where the file broke is of no use, but whoever sends it wants to be done.
    Ok((scanned, input.finish()?))
}

/// What is wrong with a file, for whoever brought it.
fn refused(error: &ScanError) -> Problem {
    match error {
        ScanError::TooLarge => {
            Problem::too_large(usize::try_from(FILE_BYTES).unwrap_or(usize::MAX))
        }
        ScanError::Input(error) => body::broken(error.to_string()),
        ScanError::Stopped => Problem::internal("nobody kept what was read of a file"),
        other => {
            let help = other.help().map(|help| format!("; {help}"));
            Problem::field("", format!("{other}{}", help.unwrap_or_default()))
        }
    }
}

/// The pieces of a file as a reader has them.
struct Input {
    pieces: mpsc::Receiver<Piece>,
    current: Bytes,
    is_over: bool,
    come: u64,
    /// Of all that came, where it has to be known again.
    digest: Option<Sha256>,
}

impl Input {
    fn new(pieces: mpsc::Receiver<Piece>, is_known_again: bool) -> Self {
        Self {
            pieces,
            current: Bytes::new(),
            is_over: false,
            come: 0,
            digest: is_known_again.then(Sha256::new),
        }
    }

    /// Reads what is left, and nobody needs; the digest of the whole.
    fn finish(mut self) -> Result<[u8; 32], ScanError> {
        loop {
            let ready = self.fill_buf()?.len();
            if ready == 0 {
                break;
            }
            self.consume(ready);
            if self.come > FILE_BYTES {
                return Err(ScanError::TooLarge);
            }
        }
        let digest = self.digest.map(|digest| digest.finalize().into());
        Ok(digest.unwrap_or_default())
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() && !self.is_over {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(piece)) => {
                    self.come += piece.len() as u64;
                    if let Some(digest) = &mut self.digest {
                        digest.update(&piece);
                    }
                    self.current = piece;
                }
                Some(Piece::End) => self.is_over = true,
                // A file that was cut off in the middle is none that was read to its end.
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount);
    }
}
