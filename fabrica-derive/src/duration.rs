//! Durations as they are written in options: `250ms`, `30s`, `5m`, `1h30m`, `2d`.

/// Milliseconds of a duration that is longer than zero: parts from the largest unit to the smallest, each once.
pub fn parse(text: &str) -> Option<u64> {
    const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut units = UNITS;
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(units.get(place)?.1)?;
        total = total.checked_add(part)?;
        units = units.get(place + 1..)?;
        rest = tail;
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn durations_are_read_to_the_millisecond() {
        for (text, millis) in
            [("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("1h30m", 5_400_000), ("2d1ms", 172_800_001)]
        {
            assert_eq!(parse(text), Some(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "0s",
            "0h0m",
            "30",
            "s",
            "30 s",
            "30sec",
            "1m1h",
            "1s1s",
            "-1s",
            "1.5s",
            "99999999999999999999d",
            "999999999999999d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
