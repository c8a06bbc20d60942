//! The bounds of a reading.

/// What one reading may cost at most. Beyond a bound the answer says so; nothing is ever cut off in silence.
///
/// ```
/// let limits = alertwire_catalogue::Limits { alerts: 10, ..Default::default() };
/// assert_eq!(limits.json_depth, 32);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest payload that is decoded, in bytes; a longer one is a failed decode.
    pub payload_bytes: usize,
    /// Arrays and objects inside one another.
    pub json_depth: usize,
    /// Alerts of one payload (an array of alerts); with more, the decode fails.
    pub alerts: usize,
    /// Repairs of one payload; when it needs more, the decode fails.
    pub repairs: usize,
    /// Steps of the matcher for one alert, over all candidates and both orders; then the reading is given up.
    pub steps: u64,
    /// Records of one alert; the reading of a body that holds more is given up.
    pub records: usize,
    /// Ambiguous fields that are listed.
    pub ambiguities: usize,
    /// Entities of each sort that the sweep lists.
    pub entities: usize,
}

impl Limits {
    /// No payload longer than this is decoded, whatever the settings say: offsets are 32 bits wide.
    pub const MOST_BYTES: usize = 16 * 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes: 1024 * 1024,
            json_depth: 32,
            alerts: 1000,
            repairs: 10_000,
            steps: 16_000_000,
            records: 10_000,
            ambiguities: 100,
            entities: 100,
        }
    }
}
