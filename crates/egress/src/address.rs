//! Which addresses are public: the IANA special-purpose registries as one pure function.
//!
//! An address that carries an IPv4 address inside is judged by that one too, so no spelling of 127.0.0.1 passes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Anyone may be sent there.
    Public,
    /// Only where the operator's allow list says so.
    NotPublic(&'static str),
    /// A cloud's metadata or platform service: never, whatever any list says.
    Metadata,
}

/// Services that hand credentials to whoever can reach them. 168.63.129.16 lies in a public range.
const METADATA_V4: [Ipv4Addr; 9] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(169, 254, 169, 253),
    Ipv4Addr::new(169, 254, 0, 23),
    Ipv4Addr::new(169, 254, 42, 42),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

const METADATA_V6: [Ipv6Addr; 5] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// IANA IPv4 Special-Purpose Address Registry, and multicast. Entries that count as globally reachable (AS112, AMT) are
/// refused with the others: no receiver of alerts lives there.
const V4: [(Ipv4Addr, u8, &str); 20] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private use"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared address space"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private use"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "IETF protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    (Ipv4Addr::new(192, 31, 196, 0), 24, "AS112"),
    (Ipv4Addr::new(192, 52, 193, 0), 24, "AMT"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relay anycast"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private use"),
    (Ipv4Addr::new(192, 175, 48, 0), 24, "AS112"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(255, 255, 255, 255), 32, "limited broadcast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
    (Ipv4Addr::new(233, 252, 0, 0), 24, "documentation"),
];

/// What is special inside 2000::/3; all outside of it is refused as a whole.
const V6: [(Ipv6Addr, u8, &str); 6] = [
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        "IETF protocol assignments",
    ),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        "documentation",
    ),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (
        Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0),
        48,
        "AS112",
    ),
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        "documentation",
    ),
    (
        Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0),
        16,
        "6bone, returned",
    ),
];

const GLOBAL_UNICAST: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Judges an address by itself, before any list of the operator's.
#[must_use]
pub fn classify(address: IpAddr) -> Standing {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> Standing {
    if METADATA_V4.contains(&address) {
        return Standing::Metadata;
    }
    V4.iter()
        .find(|(net, prefix, _)| {
            within(net.to_bits().into(), address.to_bits().into(), 96 + prefix)
        })
        .map_or(Standing::Public, |(_, _, why)| Standing::NotPublic(why))
}

fn classify_v6(address: Ipv6Addr) -> Standing {
    if METADATA_V6.contains(&address) {
        return Standing::Metadata;
    }
    if let Some(mapped) = address.to_ipv4_mapped() {
        return classify_v4(mapped);
    }
    // The translator of an IPv6-only network speaks for the address inside; to refuse them all would cut such a network off.
    if in_v6(NAT64, address) {
        return classify_v4(last_v4(address));
    }
    let embedded = Embedded::of(address);
    if embedded.any(|inner| classify_v4(inner) == Standing::Metadata) {
        return Standing::Metadata;
    }
    if !in_v6(GLOBAL_UNICAST, address) {
        return Standing::NotPublic("outside global unicast");
    }
    if let Some((_, _, why)) = V6
        .iter()
        .find(|(net, prefix, _)| in_v6((*net, *prefix), address))
    {
        return Standing::NotPublic(why);
    }
    if embedded.any(|inner| classify_v4(inner) != Standing::Public) {
        return Standing::NotPublic("carries an address that is not public");
    }
    Standing::Public
}

/// The IPv4 addresses that the ways of carrying IPv4 in IPv6 would read out of an address.
struct Embedded([Option<Ipv4Addr>; 5]);

impl Embedded {
    fn of(address: Ipv6Addr) -> Self {
        let bits = address.to_bits();
        let at = |shift: u32| {
            Ipv4Addr::from_bits(u32::try_from((bits >> shift) & 0xffff_ffff).unwrap_or(0))
        };
        let segments = address.segments();
        let compatible = segments[..6].iter().all(|segment| *segment == 0);
        let six_to_four = segments[0] == 0x2002;
        let teredo = segments[0] == 0x2001 && segments[1] == 0;
        let local_nat64 = segments[..3] == [0x64, 0xff9b, 1];
        let isatap = matches!(segments[4], 0 | 0x0200) && segments[5] == 0x5efe;
        Self([
            (compatible || isatap || local_nat64).then(|| at(0)),
            six_to_four.then(|| at(80)),
            // The client's address, which Teredo writes inverted.
            teredo.then(|| Ipv4Addr::from_bits(!at(0).to_bits())),
            teredo.then(|| at(64)),
            // RFC 6052 with a prefix of 48: 16 bits, a zero octet, 16 bits.
            local_nat64.then(|| {
                let high = u32::from(segments[3]) << 16;
                let low = u32::try_from((bits >> 40) & 0xffff).unwrap_or(0);
                Ipv4Addr::from_bits(high | low)
            }),
        ])
    }

    fn any(&self, test: impl Fn(Ipv4Addr) -> bool) -> bool {
        self.0.iter().flatten().any(|inner| test(*inner))
    }
}

fn last_v4(address: Ipv6Addr) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::try_from(address.to_bits() & 0xffff_ffff).unwrap_or(0))
}

fn in_v6((net, prefix): (Ipv6Addr, u8), address: Ipv6Addr) -> bool {
    within(net.to_bits(), address.to_bits(), prefix)
}

/// Whether two 128-bit addresses share their first `prefix` bits; IPv4 counts as the last 32.
fn within(net: u128, address: u128, prefix: u8) -> bool {
    (net ^ address).leading_zeros() >= u32::from(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row per entry of the IANA special-purpose registries (2026), its first and last address or one within.
    const REFUSED: &[&str] = &[
        // IPv4
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.1",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.8",
        "192.0.0.9",
        "192.0.0.10",
        "192.0.0.170",
        "192.0.0.171",
        "192.0.0.255",
        "192.0.2.0",
        "192.0.2.255",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.88.99.2",
        "192.168.0.0",
        "192.168.255.255",
        "192.175.48.1",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "233.252.0.1",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.254",
        "255.255.255.255",
        // IPv6
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:0",
        "::127.0.0.1",
        "::7f00:1",
        "::8.8.8.8",
        "::ffff:0:8.8.8.8",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::192.168.1.1",
        "64:ff9b:1::1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:1::1",
        "2001:1::2",
        "2001:1::3",
        "2001:2::1",
        "2001:3::1",
        "2001:4:112::1",
        "2001:10::1",
        "2001:20::1",
        "2001:30::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2001:db8:ffff::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "2620:4f:8000::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "3ffe::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
        "ff0e::1",
        "4000::1",
        "1fff::1",
        // ISATAP within a public prefix.
        "2a00:1450::5efe:10.0.0.1",
        "2a00:1450::200:5efe:127.0.0.1",
    ];

    const METADATA: &[&str] = &[
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b::a83f:8110",
        "64:ff9b:1::169.254.169.254",
        "64:ff9b:1:a9fe:a9:fe00::",
        "2002:a9fe:a9fe::1",
        "2002:a83f:8110::",
        "2001:0:a9fe:a9fe::1",
        "2001:0:1:1:0:0:5601:5601",
        "2a00:1450::5efe:169.254.169.254",
    ];

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.114.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700:4700::1111",
        "2620:4f:8001::1",
        "2a00:1450::1",
        "3ffd::1",
        "3fff:1000::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ];

    fn standing(text: &&str) -> Standing {
        classify(text.parse().unwrap())
    }

    #[test]
    fn each_special_registry_entry_is_refused() {
        for text in REFUSED {
            assert!(
                matches!(standing(text), Standing::NotPublic(_)),
                "{text}: {:?}",
                standing(text)
            );
        }
    }

    #[test]
    fn metadata_is_metadata_however_it_is_wrapped() {
        for text in METADATA {
            assert_eq!(standing(text), Standing::Metadata, "{text}");
        }
    }

    #[test]
    fn public_controls_pass() {
        for text in PUBLIC {
            assert_eq!(standing(text), Standing::Public, "{text}");
        }
    }
}
