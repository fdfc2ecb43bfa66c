//! How old something is, for people.

/// How old something is, as `kubectl` says it: the two largest units while it is young, then one.
pub(crate) fn age(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: u64, one: char, small: u64, other: char| {
        if small == 0 { format!("{large}{one}") } else { format!("{large}{one}{small}{other}") }
    };
    match days {
        0 | 1 => match seconds {
            0..120 => format!("{seconds}s"),
            120..600 => two(minutes, 'm', seconds % 60, 's'),
            600..10_800 => format!("{minutes}m"),
            10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
            _ => format!("{hours}h"),
        },
        2..8 => two(days, 'd', hours % 24, 'h'),
        8..730 => format!("{days}d"),
        730..2920 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_as_exact_as_it_is_young() {
        let day = 86_400;
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (600, "10m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (day, "24h"),
            (180_000, "2d2h"),
            (10 * day, "10d"),
            (729 * day, "729d"),
            (730 * day, "2y"),
            (735 * day, "2y5d"),
            (2920 * day, "8y"),
        ] {
            assert_eq!(age(seconds), text);
        }
    }
}
