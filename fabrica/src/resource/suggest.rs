//! What was probably meant.

/// The candidate that is closest to a word, if one is close: at most one edit in three characters.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let near = |candidate: &&str| candidate.len() <= LONGEST;
    let measured = candidates.into_iter().filter(near).map(|candidate| (distance(word, candidate), candidate));
    let (edits, candidate) = measured.min()?;
    (edits <= word.chars().count().max(candidate.chars().count()).div_ceil(3)).then_some(candidate)
}

/// How many characters must be added, removed or replaced to make the one the other; upper and lower case are the same.
fn distance(one: &str, other: &str) -> usize {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (one, other) = (lower(one), lower(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for ((j, b), above) in other.iter().enumerate().zip(row.windows(2)) {
            let [diagonal, up] = above else { continue };
            let left = next.get(j).copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(a != b)).min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_what_was_meant_and_another_word_does_not() {
        let fields = ["desired", "rack", "replicas", "mainPort"];
        assert_eq!(closest("desird", fields), Some("desired"));
        assert_eq!(closest("main_port", fields), Some("mainPort"));
        assert_eq!(closest("Rack", fields), Some("rack"));
        assert_eq!(closest("colour", fields), None);
        assert_eq!(closest("x", []), None);
    }
}
