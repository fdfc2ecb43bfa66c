//! The rules for names: what Kubernetes accepts, what is derived from what, and what was probably meant.

/// The longest DNS label.
const LABEL: usize = 63;
/// The longest DNS name.
const SUBDOMAIN: usize = 253;

/// An API group: a DNS name in lower case.
pub fn is_group(text: &str) -> bool {
    text.len() <= SUBDOMAIN && text.split('.').all(is_label)
}

/// A DNS label: lower-case letters, digits and inner dashes.
pub fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (1..=LABEL).contains(&bytes.len())
        && bytes.iter().all(inner)
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

/// A label that starts with a letter, as the names of kinds in a URL do.
pub fn is_resource_name(text: &str) -> bool {
    is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// A Kubernetes version: `v1`, `v2beta3`, `v1alpha1`.
pub fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let (major, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let minor = rest.strip_prefix("alpha").or_else(|| rest.strip_prefix("beta"));
    is_number(major) && (rest.is_empty() || minor.is_some_and(is_number))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `Ready`, `HTTPReachable`: a capital letter, then letters and digits.
pub fn is_pascal_case(text: &str) -> bool {
    (1..=LABEL).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The simple JSON path of a field: `.spec.rack`.
pub fn is_field_path(text: &str) -> bool {
    text.strip_prefix('.').is_some_and(|path| {
        path.split('.').all(|segment| {
            !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        })
    })
}

/// An event pattern: segments between dots, where `*` stands for one segment and `**` for one or more.
pub fn is_event_pattern(text: &str) -> bool {
    text.split('.').all(|segment| matches!(segment, "*" | "**") || (!segment.is_empty() && !segment.contains('*')))
}

/// `HTTPReachable` is `http_reachable`, `IPv4Ready` is `ipv4_ready`, `NodeIPsKnown` is `node_ips_known`.
pub fn snake_case(pascal: &str) -> String {
    let chars: Vec<char> = pascal.chars().collect();
    let at = |index: usize| chars.get(index).copied();
    let mut snake = String::with_capacity(pascal.len() + 4);
    for (index, &current) in chars.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(at);
        if let Some(previous) = previous
            && current.is_uppercase()
        {
            let next = at(index + 1);
            // Two endings belong to the acronym in front of them: the `v4` of `IPv4` and the `s` of `IPs`.
            let ending = match (next, at(index + 2)) {
                (Some('v'), Some(after)) => after.is_ascii_digit(),
                (Some('s'), after) => after.is_none_or(char::is_uppercase),
                _ => false,
            };
            let starts_word = next.is_some_and(char::is_lowercase) && !ending;
            if !previous.is_uppercase() || starts_word {
                snake.push('_');
            }
        }
        snake.extend(current.to_lowercase());
    }
    snake
}

/// The English plural of a kind in lower case.
pub fn plural(singular: &str) -> String {
    const SAME: &[&str] =
        &["chassis", "series", "species", "endpoints", "firmware", "hardware", "software", "equipment"];
    const SIBILANT: &[&str] = &["s", "x", "z", "ch", "sh"];
    if SAME.iter().any(|word| singular.ends_with(word)) {
        return singular.to_owned();
    }
    if let Some(stem) = singular.strip_suffix("sis") {
        return format!("{stem}ses");
    }
    if SIBILANT.iter().any(|ending| singular.ends_with(ending)) {
        return format!("{singular}es");
    }
    match singular.strip_suffix('y') {
        Some(stem) if stem.ends_with(|c: char| !"aeiou".contains(c)) => format!("{stem}ies"),
        _ => format!("{singular}s"),
    }
}

/// The candidate that `name` probably stands for: at most a third of it differs.
pub fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (distance(name, candidate), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `` `a`, `b`, `c` ``
pub fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour to make `from` into `to`.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replace = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_people_read_them() {
        for (pascal, snake) in [
            ("Ready", "ready"),
            ("PoweredOn", "powered_on"),
            ("HTTPReachable", "http_reachable"),
            ("OSReady", "os_ready"),
            ("IPv4Ready", "ipv4_ready"),
            ("DHCPv6Bound", "dhcpv6_bound"),
            ("NodeIPsKnown", "node_ips_known"),
            ("NodeIPs", "node_ips"),
            ("BMC", "bmc"),
            ("HasBMC", "has_bmc"),
            ("V2Ready", "v2_ready"),
            ("Level3Reached", "level3_reached"),
            ("A", "a"),
        ] {
            assert_eq!(snake_case(pascal), snake);
        }
    }

    #[test]
    fn plurals_are_english() {
        for (singular, plurals) in [
            ("device", "devices"),
            ("policy", "policies"),
            ("gateway", "gateways"),
            ("bmc", "bmcs"),
            ("box", "boxes"),
            ("switch", "switches"),
            ("chassis", "chassis"),
            ("analysis", "analyses"),
            ("address", "addresses"),
            ("firmware", "firmware"),
        ] {
            assert_eq!(plural(singular), plurals);
        }
    }

    #[test]
    fn versions_are_those_of_kubernetes() {
        for good in ["v1", "v12", "v1alpha1", "v2beta10"] {
            assert!(is_version(good), "{good}");
        }
        for bad in
            ["", "1", "v", "v0", "v01", "v1.2", "v1alpha", "v1alpha0", "v1gamma1", "V1", "v1beta1x", "v1betaalpha1"]
        {
            assert!(!is_version(bad), "{bad}");
        }
    }

    #[test]
    fn groups_are_dns_names() {
        for good in ["example.io", "apps", "a-b.c2.io", "2.io"] {
            assert!(is_group(good), "{good}");
        }
        let long = ["a"; 130].join(".");
        for bad in ["", ".io", "io.", "a..b", "Example.io", "exa_mple.io", "-a.io", "a-.io", "a b", long.as_str()] {
            assert!(!is_group(bad), "{bad}");
        }
        assert!(is_label(&"a".repeat(63)) && !is_label(&"a".repeat(64)));
        assert!(is_resource_name("devices") && !is_resource_name("2devices"));
    }

    #[test]
    fn paths_and_patterns_have_no_empty_segment() {
        assert!(is_field_path(".spec.rack") && !is_field_path("spec.rack") && !is_field_path(".spec..rack"));
        assert!(!is_field_path(".") && !is_field_path(".spec[0]"));
        for good in ["**", "io.example.*.created", "io.**"] {
            assert!(is_event_pattern(good), "{good}");
        }
        for bad in ["", "io..x", "io.dev*", "***", "io."] {
            assert!(!is_event_pattern(bad), "{bad}");
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let keys = ["group", "version", "kind", "plural"];
        assert_eq!(nearest("verison", &keys), Some("version"));
        assert_eq!(nearest("gruop", &keys), Some("group"));
        assert_eq!(nearest("kinds", &keys), Some("kind"));
        assert_eq!(nearest("workers", &keys), None);
    }
}
