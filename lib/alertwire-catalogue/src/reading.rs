//! What a payload says: the way in.

use std::borrow::Cow;
use std::ops::Range;

use crate::catalogue::{Catalogue, Subject};
use crate::envelope::{self, Decode, Letters, Repair};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::severity::Severity;
use crate::sweep::Entities;
use crate::template::{Compiled, Miss, Readings, Scratch};
use crate::value::{Record, Value};
use crate::view::View;

/// How much of a body its template read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// All of it.
    Full,
    /// All but what stands behind a tight field.
    Partial,
    None,
}

impl Match {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}

/// One payload, read.
#[derive(Debug)]
pub struct Reading<'a> {
    pub decode: Decode,
    pub repairs: Vec<Repair>,
    /// At least one; several when the payload is an array. After a failed decode: one, with the raw text as its body.
    pub alerts: Vec<AlertReading<'a>>,
    /// The payload was an array, so that its answer is one too.
    pub is_array: bool,
}

/// One alert, read.
#[derive(Debug)]
pub struct AlertReading<'a> {
    pub subject: Cow<'a, str>,
    pub body: Cow<'a, str>,
    /// The kind that the subject names, also when the body is not recognised.
    pub kind: Option<&'a Kind>,
    /// The kind that the body speaks for when the subject is unknown. Never a reason to route.
    pub suggested: Option<&'a Kind>,
    /// Further kinds that the alert may mean, as far as its text tells.
    pub alternatives: Vec<&'a Kind>,
    pub matched: Match,
    /// The template of the kind that read the body, as it is written; none when none did.
    pub template: Option<&'a str>,
    pub records: Vec<Record>,
    /// Where each field of each record stands in the body.
    pub spans: Vec<Span>,
    /// The fields of which another reading says something else.
    pub ambiguous: Vec<Ambiguity>,
    /// The highest severity that the text certainly gives.
    pub severity: Option<Severity>,
    /// Where in the body stands what is behind the last field of a partial match; see [`Self::remainder`].
    pub remainder_span: Range<usize>,
    /// Steps that the matcher took.
    pub steps: u64,
    /// The reading was given up at a bound; nothing is known but the subject.
    pub exhausted: bool,
}

/// A field's place in the body, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The index of its record.
    pub record: usize,
    pub field: Cow<'static, str>,
    pub start: usize,
    pub end: usize,
    /// A time without a zone was taken as UTC.
    pub assumed_utc: bool,
}

/// A field that can be read in two ways: never used to route, to tell duplicates or to close anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguity {
    /// The index of its record.
    pub record: usize,
    pub field: String,
    /// What the two readings say; the first is the one in the records.
    pub readings: [Option<Value>; 2],
}

impl<'a> AlertReading<'a> {
    fn new(subject: Cow<'a, str>, body: Cow<'a, str>) -> Self {
        Self {
            subject,
            body,
            kind: None,
            suggested: None,
            alternatives: Vec::new(),
            matched: Match::None,
            template: None,
            records: Vec::new(),
            spans: Vec::new(),
            ambiguous: Vec::new(),
            severity: None,
            remainder_span: 0..0,
            steps: 0,
            exhausted: false,
        }
    }
}

impl AlertReading<'_> {
    /// What stands behind the last field of a partial match.
    pub fn remainder(&self) -> &str {
        self.body.get(self.remainder_span.clone()).unwrap_or("")
    }

    /// The severity of the event: what the text certainly says, else the kind's own.
    pub fn effective_severity(&self) -> Option<Severity> {
        self.severity
            .or_else(|| self.kind.map(|kind| kind.severity))
    }

    /// Whether there is only one reading of this field.
    pub fn is_certain(&self, record: usize, field: &str) -> bool {
        !self
            .ambiguous
            .iter()
            .any(|ambiguity| ambiguity.record == record && ambiguity.field == field)
    }

    /// What stands in the body, recognised or not. Computed on each call: it is not on the way of an alert.
    pub fn entities(&self, limits: &Limits) -> Entities {
        Entities::sweep(&self.body, limits.entities)
    }
}

impl Catalogue {
    /// Reads one payload. Never fails and never panics; the bounds are those of `limits`.
    ///
    /// The steps are those of the webhook guide: parse the JSON payload, route by the subject, extract the fields from
    /// the body. The fourth, to store the raw message, is the caller's.
    ///
    /// ```
    /// use alertwire_catalogue::{Catalogue, Decode, Limits};
    /// let payload = br#"{"subject": "Login Failure", "body": "Login Failure for ACME\jdoe With IPAddress 203.0.113.10 on service AzureAD"}"#;
    /// let catalogue = Catalogue::builtin();
    /// let reading = catalogue.read(payload, &Limits::default());
    /// assert_eq!(reading.decode, Decode::Repaired); // `\\j` is no legal escape: the backslash is kept.
    /// assert_eq!(reading.alerts[0].records[0].text("user"), Some("ACME\\jdoe"));
    /// ```
    pub fn read<'a>(&'a self, payload: &'a [u8], limits: &Limits) -> Reading<'a> {
        let envelope = envelope::decode(payload, limits);
        let routed = envelope.decode != Decode::Failed;
        let read = |letter: envelope::Letter<'a>| {
            if routed {
                self.read_letter(letter.subject, letter.body, limits)
            } else {
                AlertReading::new(letter.subject, letter.body)
            }
        };
        let (alerts, is_array) = match envelope.letters {
            Letters::One(letter) => (vec![read(letter)], false),
            Letters::Array(letters) => (letters.into_iter().map(read).collect(), true),
        };
        Reading {
            decode: envelope.decode,
            repairs: envelope.repairs,
            alerts,
            is_array,
        }
    }

    /// Reads an alert whose subject and body are known already.
    ///
    /// ```
    /// use alertwire_catalogue::{Catalogue, Limits, Match};
    /// let catalogue = Catalogue::builtin();
    /// let alert = catalogue.read_alert("New Asset(s) Added", "New asset added with ip 10.0.0.5.", &Limits::default());
    /// assert_eq!((alert.matched, alert.remainder()), (Match::Partial, "."));
    /// assert_eq!(alert.template, Some(&*alert.kind.unwrap().body));
    /// ```
    pub fn read_alert<'a>(
        &'a self,
        subject: &'a str,
        body: &'a str,
        limits: &Limits,
    ) -> AlertReading<'a> {
        self.read_letter(Cow::Borrowed(subject), Cow::Borrowed(body), limits)
    }

    fn read_letter<'a>(
        &'a self,
        subject: Cow<'a, str>,
        body: Cow<'a, str>,
        limits: &Limits,
    ) -> AlertReading<'a> {
        let mut alert = AlertReading::new(subject, body);
        let body = std::mem::take(&mut alert.body);
        let view = View::new(&body);
        if view.text.len() > Limits::MOST_BYTES {
            alert.exhausted = true;
        }
        let candidates = self.route_by_subject(&mut alert);
        if !alert.exhausted {
            let mut search = Search {
                catalogue: self,
                view: &view,
                limits,
                scratch: Scratch::take(),
                steps: 0,
                exhausted: false,
            };
            match candidates {
                Some(subject) => search.extract_fields(&mut alert, &subject.kinds, subject.proved),
                None => alert.suggested = search.suggest(),
            }
            alert.steps = search.steps;
            alert.exhausted = search.exhausted;
            search.scratch.keep();
        }
        drop(view);
        alert.body = body;
        alert
    }

    /// The kinds that the subject names; the first is the event's until its body decides.
    fn route_by_subject<'a>(&'a self, alert: &mut AlertReading<'a>) -> Option<&'a Subject> {
        let subject = self.candidates(&alert.subject)?;
        let mut kinds = subject.kinds.iter().map(|index| &self.kinds()[*index]);
        alert.kind = kinds.next();
        alert.alternatives = kinds.collect();
        Some(subject)
    }
}

/// The search for a reading of one body.
struct Search<'a, 'v> {
    catalogue: &'a Catalogue,
    view: &'v View<'v>,
    limits: &'v Limits,
    scratch: Box<Scratch>,
    steps: u64,
    exhausted: bool,
}

/// A reading of the body by one of a kind's templates.
struct Hit<'a> {
    kind: &'a Kind,
    /// The template as it is written.
    written: &'a str,
    template: &'a Compiled,
    readings: Readings,
}

impl<'a> Search<'a, '_> {
    /// Finds the first candidate that reads the whole body, else the first that reads its front.
    fn extract_fields(&mut self, alert: &mut AlertReading<'a>, candidates: &[usize], proved: bool) {
        for front in [false, true] {
            for (position, index) in candidates.iter().enumerate() {
                let Some(hit) = self.try_kind(*index, front) else {
                    continue;
                };
                let others = &candidates[position + 1..];
                self.settle(alert, hit, front);
                self.add_alternatives(alert, others, front, proved);
                return;
            }
        }
    }

    fn try_kind(&mut self, index: usize, front: bool) -> Option<Hit<'a>> {
        let kind = &self.catalogue.kinds()[index];
        for (written, template) in kind.written().zip(kind.templates()) {
            match template.read(
                &self.view.text,
                front,
                &mut self.scratch,
                &mut self.steps,
                self.limits.steps,
            ) {
                Ok(readings) => {
                    return Some(Hit {
                        kind,
                        written,
                        template,
                        readings,
                    });
                }
                Err(Miss::NoReading) => {}
                Err(Miss::Exhausted) => {
                    self.exhausted = true;
                    return None;
                }
            }
        }
        None
    }

    fn settle(&mut self, alert: &mut AlertReading<'a>, hit: Hit<'a>, front: bool) {
        let (records, spans) =
            hit.template
                .records(&self.view.text, &self.scratch.captures, self.limits.records);
        if records.len() >= self.limits.records {
            self.exhausted = true;
            return;
        }
        alert.kind = Some(hit.kind);
        alert.template = Some(hit.written);
        alert.alternatives.clear();
        alert.spans = spans;
        for span in &mut alert.spans {
            (span.start, span.end) = (self.view.start(span.start), self.view.end(span.end));
        }
        if !hit.readings.certain {
            let (others, _) =
                hit.template
                    .records(&self.view.text, &self.scratch.trail, self.limits.records);
            alert.ambiguous = ambiguities(&records, &others, self.limits.ambiguities);
        }
        let whole = !front || hit.readings.end == self.view.text.len();
        alert.matched = if whole { Match::Full } else { Match::Partial };
        alert.remainder_span =
            self.view.start(hit.readings.end)..self.view.end(self.view.text.len());
        alert.records = records;
        alert.severity = severity(alert);
    }

    /// Kinds that the alert may mean as well: those declared, and those of users that read the same text.
    fn add_alternatives(
        &mut self,
        alert: &mut AlertReading<'a>,
        others: &[usize],
        front: bool,
        proved: bool,
    ) {
        let Some(kind) = alert.kind else { return };
        alert.alternatives = kind
            .alternatives
            .iter()
            .filter_map(|code| self.catalogue.kind(code))
            .collect();
        if proved {
            return;
        }
        for index in others {
            let other = &self.catalogue.kinds()[*index];
            let named = alert
                .alternatives
                .iter()
                .any(|known| known.code == other.code);
            if !named && self.try_kind(*index, front).is_some() {
                alert.alternatives.push(other);
            }
        }
    }

    /// The kind that reads an alert whose subject is unknown, else one whose opening words stand in it.
    fn suggest(&mut self) -> Option<&'a Kind> {
        let catalogue = self.catalogue;
        let opened = catalogue.opened_by(&self.view.text);
        for front in [false, true] {
            if let Some(hit) = opened.iter().find_map(|index| self.try_kind(*index, front)) {
                return Some(hit.kind);
            }
        }
        opened.first().map(|index| &catalogue.kinds()[*index])
    }
}

/// Where two readings differ, field by field.
fn ambiguities(records: &[Record], others: &[Record], most: usize) -> Vec<Ambiguity> {
    let none = Record::new();
    let mut found = Vec::new();
    for index in 0..records.len().max(others.len()) {
        let (one, two) = (
            records.get(index).unwrap_or(&none),
            others.get(index).unwrap_or(&none),
        );
        let added = two.iter().filter(|(name, _)| !one.contains(name));
        for (name, _) in one.iter().chain(added) {
            let readings = [one.get(name).cloned(), two.get(name).cloned()];
            if readings[0] != readings[1] && found.len() < most {
                found.push(Ambiguity {
                    record: index,
                    field: name.to_owned(),
                    readings,
                });
            }
        }
    }
    found
}

/// The highest severity that the records certainly give.
fn severity(alert: &AlertReading<'_>) -> Option<Severity> {
    let certain = alert
        .records
        .iter()
        .enumerate()
        .filter(|(index, _)| alert.is_certain(*index, "severity"));
    certain
        .filter_map(|(_, record)| record.text("severity")?.parse().ok())
        .max()
}
