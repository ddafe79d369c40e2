//! Services by region, as the server names them.
//!
//! Pure data. A region that is not listed needs an endpoint.

/// Regions of Amazon's own service.
const AWS: [&str; 24] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "af-south-1",
    "ap-east-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "cn-north-1",
    "cn-northwest-1",
    "eu-north-1",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "il-central-1",
    "me-south-1",
];

const DIGITAL_OCEAN: [&str; 4] = ["nyc3", "ams3", "sgp1", "fra1"];

/// Names after `wa-`.
const WASABI: [&str; 13] = [
    "us-east-1",
    "us-east-2",
    "us-central-1",
    "us-west-1",
    "ca-central-1",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
];

/// Address of a service, without a trailing slash unless the endpoint has one, and the region for which requests are
/// signed.
pub(super) fn service(region: &str, endpoint: Option<&str>) -> Option<(String, String)> {
    if let Some(endpoint) = endpoint {
        let address =
            if endpoint.contains("://") { endpoint.to_string() } else { format!("https://{endpoint}") };
        return Some((address, region.to_string()));
    }
    let lower = region.to_ascii_lowercase();
    let (host, region) = match lower.as_str() {
        "yandex" | "ru-central1" => ("storage.yandexcloud.net".to_string(), "ru-central1"),
        aws if aws.starts_with("cn-") && AWS.contains(&aws) => (format!("s3.{aws}.amazonaws.com.cn"), aws),
        aws if AWS.contains(&aws) => (format!("s3.{aws}.amazonaws.com"), aws),
        ocean if DIGITAL_OCEAN.contains(&ocean) => (format!("{ocean}.digitaloceanspaces.com"), ocean),
        other => {
            let wasabi = other.strip_prefix("wa-").filter(|region| WASABI.contains(region))?;
            (format!("s3.{wasabi}.wasabisys.com"), wasabi)
        }
    };
    Some((format!("https://{host}"), region.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_lead_to_their_services() {
        let check = |region: &str, endpoint: Option<&str>, expect: Option<(&str, &str)>| {
            let expect = expect.map(|(address, region)| (address.to_string(), region.to_string()));
            assert_eq!(service(region, endpoint), expect, "{region} {endpoint:?}");
        };
        check("us-east-1", None, Some(("https://s3.us-east-1.amazonaws.com", "us-east-1")));
        check("cn-north-1", None, Some(("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1")));
        check("fra1", None, Some(("https://fra1.digitaloceanspaces.com", "fra1")));
        check("yandex", None, Some(("https://storage.yandexcloud.net", "ru-central1")));
        check("wa-eu-west-2", None, Some(("https://s3.eu-west-2.wasabisys.com", "eu-west-2")));
        for unknown in ["", "wa-", "wa-mars-1", "eu-south-9", "example.com"] {
            check(unknown, None, None);
        }
        check("any", Some("http://127.0.0.1:9"), Some(("http://127.0.0.1:9", "any")));
        check("any", Some("minio.test:9000"), Some(("https://minio.test:9000", "any")));
        check("any", Some("https://host/"), Some(("https://host/", "any")));
    }
}
