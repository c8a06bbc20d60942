//! The alerts that the load is made of: 250 bytes, each with a number in its host name by which the sink knows it again.

/// Length of a payload, whatever its number.
pub const BYTES: usize = 250;
/// Numbers are written with this many digits.
const DIGITS: usize = 8;
/// What stands before the number, in the payload and in the alert that is delivered.
const MARK: &[u8] = b"ostname h";

/// The code of the kind that all of them are of.
pub const KIND: &str = "system.asset_added";
const SUBJECT: &str = "New Asset(s) Added";

/// The webhook body with this number.
pub fn payload(number: u64) -> Vec<u8> {
    let (ip, mac) = (ip(number), mac(number));
    let around = format!(
        r#"{{"subject":"{SUBJECT}","body":"New asset added with ip {ip}. Hostname . Mac address {mac}"}}"#
    );
    let host = host(number, BYTES - around.len());
    format!(r#"{{"subject":"{SUBJECT}","body":"New asset added with ip {ip}. Hostname {host}. Mac address {mac}"}}"#).into_bytes()
}

/// The body of `POST /api/v1/events` with this number.
pub fn event(number: u64, company: &str) -> Vec<u8> {
    let (ip, mac) = (ip(number), mac(number));
    let around = format!(
        r#"{{"event":"{KIND}","company":"{company}","fields":{{"ip":"{ip}","hostname":"","mac":"{mac}"}}}}"#
    );
    let host = host(number, BYTES - around.len());
    format!(r#"{{"event":"{KIND}","company":"{company}","fields":{{"ip":"{ip}","hostname":"{host}","mac":"{mac}"}}}}"#).into_bytes()
}

/// The number in a delivered body; none in a test alert.
pub fn number(body: &[u8]) -> Option<u32> {
    let start = body.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let digits = body.get(start..start + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Addresses of one length, so that payloads are too.
fn ip(number: u64) -> String {
    format!(
        "10.{}.{}.{}",
        100 + number / 22_500 % 150,
        100 + number / 150 % 150,
        100 + number % 150
    )
}

fn mac(number: u64) -> String {
    let [.., a, b, c, d] = number.to_be_bytes();
    format!("02:00:{a:02X}:{b:02X}:{c:02X}:{d:02X}")
}

fn host(number: u64, length: usize) -> String {
    const TAIL: &str = ".rack-07.floor-03.building-12.campus-north.customer-0042.bench.example.com.of.a.long.name.that.fills.the.body";
    let mut host = format!("h{number:0DIGITS$}{TAIL}");
    host.truncate(length);
    // A name ends with neither a dot nor a hyphen.
    let end = host.trim_end_matches(['.', '-']).len();
    host.replace_range(end.., &"x".repeat(length - end));
    host
}

#[cfg(test)]
mod tests {
    use alertwire_catalogue::{Catalogue, Limits, Match};

    use super::*;

    #[test]
    fn every_payload_is_250_bytes_long_and_is_read_in_full() {
        for number in [0, 7, 149, 22_500, 99_999_999] {
            let payload = payload(number);
            assert_eq!(payload.len(), BYTES);
            assert_eq!(super::number(&payload), u32::try_from(number).ok());
            let catalogue = Catalogue::builtin();
            let reading = catalogue.read(&payload, &Limits::default());
            assert_eq!(reading.alerts[0].matched, Match::Full);
            assert_eq!(reading.alerts[0].kind.unwrap().code, KIND);
        }
    }

    #[test]
    fn every_event_is_250_bytes_long() {
        assert_eq!(
            event(42, "0198f0c2-0000-7000-8000-000000000000").len(),
            BYTES
        );
    }
}
