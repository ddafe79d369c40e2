//! Regions of S3: their numbers, their names in JSON, and the names in `config.toml` and of the services.
//!
//! Contains names only, not the address of a region's service. source: `crates/registry/src/schema/enums_impl.rs` @
//! v0.16.18

/// The region of a bucket.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct Region {
    /// Name as in `config.toml`.
    pub(in crate::config) name: String,
    /// URL or host of a custom service.
    pub(in crate::config) endpoint: Option<String>,
}

/// The word of JSON for a region with its own endpoint. In the binary format its number follows the last one.
pub(in crate::config) const CUSTOM: &str = "Custom";

/// Name in JSON and elsewhere of each number, from 0.
const REGIONS: [(&str, &str); 42] = [
    ("UsEast1", "us-east-1"),
    ("UsEast2", "us-east-2"),
    ("UsWest1", "us-west-1"),
    ("UsWest2", "us-west-2"),
    ("CaCentral1", "ca-central-1"),
    ("AfSouth1", "af-south-1"),
    ("ApEast1", "ap-east-1"),
    ("ApSouth1", "ap-south-1"),
    ("ApNortheast1", "ap-northeast-1"),
    ("ApNortheast2", "ap-northeast-2"),
    ("ApNortheast3", "ap-northeast-3"),
    ("ApSoutheast1", "ap-southeast-1"),
    ("ApSoutheast2", "ap-southeast-2"),
    ("CnNorth1", "cn-north-1"),
    ("CnNorthwest1", "cn-northwest-1"),
    ("EuNorth1", "eu-north-1"),
    ("EuCentral1", "eu-central-1"),
    ("EuCentral2", "eu-central-2"),
    ("EuWest1", "eu-west-1"),
    ("EuWest2", "eu-west-2"),
    ("EuWest3", "eu-west-3"),
    ("IlCentral1", "il-central-1"),
    ("MeSouth1", "me-south-1"),
    ("SaEast1", "sa-east-1"),
    ("DoNyc3", "nyc3"),
    ("DoAms3", "ams3"),
    ("DoSgp1", "sgp1"),
    ("DoFra1", "fra1"),
    ("Yandex", "yandex"),
    ("WaUsEast1", "wa-us-east-1"),
    ("WaUsEast2", "wa-us-east-2"),
    ("WaUsCentral1", "wa-us-central-1"),
    ("WaUsWest1", "wa-us-west-1"),
    ("WaCaCentral1", "wa-ca-central-1"),
    ("WaEuCentral1", "wa-eu-central-1"),
    ("WaEuCentral2", "wa-eu-central-2"),
    ("WaEuWest1", "wa-eu-west-1"),
    ("WaEuWest2", "wa-eu-west-2"),
    ("WaApNortheast1", "wa-ap-northeast-1"),
    ("WaApNortheast2", "wa-ap-northeast-2"),
    ("WaApSoutheast1", "wa-ap-southeast-1"),
    ("WaApSoutheast2", "wa-ap-southeast-2"),
];

impl Region {
    /// The region with this number.
    pub(in crate::config) fn numbered(number: u64) -> Option<Region> {
        REGIONS.get(usize::try_from(number).ok()?).map(|(_, name)| Region::plain(name))
    }

    /// The region with this name in JSON.
    pub(in crate::config) fn named(word: &str) -> Option<Region> {
        REGIONS.iter().find(|(json, _)| *json == word).map(|(_, name)| Region::plain(name))
    }

    fn plain(name: &str) -> Region {
        Region { name: name.to_string(), endpoint: None }
    }
}

/// Whether a number means a region with its own endpoint.
pub(in crate::config) fn is_custom(number: u64) -> bool {
    usize::try_from(number).is_ok_and(|number| number == REGIONS.len())
}

/// The name in JSON of a region named as in `config.toml`.
pub(in crate::config) fn json_name(name: &str) -> Option<&'static str> {
    // Two names of one region.
    let name = if name == "ru-central1" { "yandex" } else { name };
    REGIONS.iter().find(|(_, plain)| *plain == name).map(|(json, _)| *json)
}
