//! The settings of the admin API, and the refusal to open it to other machines without a secret of its own.

use std::net::{IpAddr, SocketAddr};

use super::{
    check::{quoted, value},
    file::TykConf,
    problem::Complaint,
    report::Report,
    secret::{self, SecretFault},
    settings::AdminSettings,
};

/// The secret of Tyk's example configurations, which everybody knows.
const EXAMPLE_SECRET: &str = "352d20ee67be67f6340b4c0605b044b7";

/// Where the admin API listens by itself; `None` when it shares the main listener.
pub(super) fn control_address(
    conf: &TykConf,
    main: SocketAddr,
    report: &mut Report<'_>,
) -> Option<SocketAddr> {
    let written = conf.gatehouse.admin.listen_address.as_str();
    let bare = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(written);
    let address: IpAddr = match bare {
        "" => main.ip(),
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        _ => bare.parse().unwrap_or_else(|_| {
            let expected = "an IP address, or \"\" for that of `listen_address`";
            report.complain("gatehouse.admin.listen_address", value(expected, quoted(written)), None);
            main.ip()
        }),
    };
    // The same port is the same listener, unless the address is another one.
    let port = conf.control_api_port;
    let is_own = port != 0 && (port, address) != (conf.listen_port, main.ip());
    if !is_own && !written.is_empty() && address != main.ip() {
        let because = "`gatehouse.admin.listen_address` is the address of that port".into();
        report.complain("control_api_port", Complaint::Required { because }, None);
    }
    is_own.then_some(SocketAddr::new(address, port))
}

/// The admin API at `address`; `None` when it is off.
pub(super) fn settings(
    conf: &TykConf,
    address: SocketAddr,
    environment: &[(String, String)],
    report: &mut Report<'_>,
) -> Option<AdminSettings> {
    let secret = secret(conf, environment, report);
    let ours = &conf.gatehouse.admin;
    if !ours.enabled {
        return None;
    }
    let weakness = match secret.trim() {
        "" => "it is empty",
        EXAMPLE_SECRET => "it is the one of Tyk's examples, which everybody knows",
        _ => "",
    };
    if !weakness.is_empty() && !address.ip().is_loopback() && report.is_clean() {
        let because = format!(
            "the admin API can be reached from other machines at {address} and needs a secret: {weakness}"
        );
        let advice = "set it to a long random text (`openssl rand -hex 32`), or turn the admin API off with \
                      `gatehouse.admin.enabled` false, or keep it on this machine: `control_api_port` with \
                      `gatehouse.admin.listen_address` 127.0.0.1";
        report.complain("secret", Complaint::Weak { because }, Some(advice.into()));
    }
    (!secret.trim().is_empty()).then_some(AdminSettings {
        secret,
        body_bytes: ours.max_body_bytes,
        master_keys: conf.allow_master_keys,
    })
}

fn secret(conf: &TykConf, environment: &[(String, String)], report: &mut Report<'_>) -> String {
    secret::resolve(&conf.secret, &conf.secrets, environment).unwrap_or_else(|fault| {
        // What stands there is shown only now that it is known to be a reference.
        let found = match fault {
            SecretFault::OtherStore => quoted(&conf.secret),
            SecretFault::NoVariable(_) | SecretFault::NoEntry(_) => "none".into(),
        };
        report.complain("secret", value(&fault.to_string(), found), None);
        String::new()
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::load::parse;

    fn start(keys: &str) -> Result<(bool, Option<String>), String> {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{{\"app_path\": {:?},\n{keys}}}", folder.path());
        match parse(Path::new("tyk.conf"), &text, std::iter::empty()) {
            Ok(settings) => {
                Ok((settings.admin.is_some(), settings.control.map(|address| address.to_string())))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn other_machines_need_a_secret_of_its_own() {
        for keys in [
            r#""listen_port": 80"#,
            r#""secret": """#,
            r#""secret": "  ", "listen_address": "10.1.1.1""#,
            r#""secret": "352d20ee67be67f6340b4c0605b044b7", "listen_address": "::""#,
            r#""listen_address": "127.0.0.1", "control_api_port": 9696, "gatehouse": {"admin": {"listen_address": "0.0.0.0"}}"#,
            r#""control_api_port": 9696, "secret": "352d20ee67be67f6340b4c0605b044b7""#,
        ] {
            let refused = start(keys).expect_err(keys);
            assert!(
                refused.contains("secret: the admin API can be reached from other machines at "),
                "{refused}"
            );
        }
        let secret = r#""secret": "352d20ee67be67f6340b4c0605b044b7""#;
        let refused = start(secret).expect_err(secret);
        assert!(refused.starts_with("tyk.conf:2:11: secret: "), "{refused}");
        assert!(!refused.contains("352d20"), "{refused}");
    }

    #[test]
    fn what_only_this_machine_reaches_may_be_as_it_is() {
        let control = |address: &str| Some(address.to_owned());
        for (keys, admin, listens) in [
            (r#""secret": "own""#, true, None),
            (r#""listen_address": "127.0.0.1""#, false, None),
            (r#""listen_address": "::1", "secret": "352d20ee67be67f6340b4c0605b044b7""#, true, None),
            (r#""gatehouse": {"admin": {"enabled": false}}"#, false, None),
            (
                r#""control_api_port": 9696, "gatehouse": {"admin": {"listen_address": "localhost"}}"#,
                false,
                control("127.0.0.1:9696"),
            ),
            (r#""control_api_port": 9696, "secret": "own""#, true, control("0.0.0.0:9696")),
            (r#""control_api_port": 8080, "secret": "own""#, true, None),
        ] {
            assert_eq!(start(keys), Ok((admin, listens)), "{keys}");
        }
    }

    #[test]
    fn an_address_without_a_port_is_a_mistake() {
        let refused = start(r#""secret": "own", "gatehouse": {"admin": {"listen_address": "127.0.0.1"}}"#);
        let refused = refused.expect_err("no port");
        assert!(refused.contains("control_api_port: missing"), "{refused}");
        let refused = start(r#""secret": "own", "gatehouse": {"admin": {"listen_address": "here"}}"#);
        assert!(
            refused
                .expect_err("no address")
                .contains("gatehouse.admin.listen_address: expected an IP address")
        );
    }
}
