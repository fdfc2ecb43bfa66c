//! Who listens to what.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use super::Pattern;
use super::pattern::Segment;

/// Values by pattern, found by event type.
///
/// Patterns without wildcards cost one look-up together. Those with wildcards stand in a tree by their segments, which
/// is walked once for all of them: a publish costs what the patterns that match so far cost, not what all of them do.
pub(super) struct Index<V> {
    exact: HashMap<String, BTreeMap<u64, V>>,
    wildcard: Node<V>,
    /// Counts the steps of all walks.
    step: Cell<u64>,
}

/// A place in the tree: the segments on the way to it have matched.
struct Node<V> {
    literal: HashMap<Box<str>, Node<V>>,
    one: Option<Box<Node<V>>>,
    many: Option<Box<Node<V>>>,
    /// The values of the pattern that ends here, by number, so that they are found in the order they came.
    values: BTreeMap<u64, V>,
    /// The step that entered this node last.
    entered: Cell<u64>,
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { literal: HashMap::new(), one: None, many: None, values: BTreeMap::new(), entered: Cell::new(0) }
    }
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Self { exact: HashMap::new(), wildcard: Node::default(), step: Cell::new(0) }
    }
}

impl<V> Index<V> {
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wildcard.is_empty()
    }

    /// Adds a value under a number that no other value of the pattern has.
    pub(super) fn insert(&mut self, pattern: &Pattern, number: u64, value: V) {
        let values = if pattern.is_exact() {
            self.exact.entry(pattern.to_string()).or_default()
        } else {
            let mut node = &mut self.wildcard;
            for segment in pattern.segments() {
                node = match segment {
                    Segment::Literal(literal) => node.literal.entry(literal.clone()).or_default(),
                    Segment::One => node.one.get_or_insert_default(),
                    Segment::Many => node.many.get_or_insert_default(),
                };
            }
            &mut node.values
        };
        values.insert(number, value);
    }

    /// Takes a value out, and every place that only it needed.
    pub(super) fn remove(&mut self, pattern: &Pattern, number: u64) {
        if pattern.is_exact() {
            let text = pattern.to_string();
            if let Some(values) = self.exact.get_mut(&text) {
                values.remove(&number);
                if values.is_empty() {
                    self.exact.remove(&text);
                }
            }
        } else {
            self.wildcard.remove(pattern.segments(), number);
        }
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> Vec<V> {
        let mut values: BTreeMap<u64, V> = self.exact.drain().flat_map(|(_, values)| values).collect();
        std::mem::take(&mut self.wildcard).drain_into(&mut values);
        values.into_values().collect()
    }

    /// Calls `found` for the value of every pattern that matches, each once.
    pub(super) fn for_each_match(&self, event_type: &str, mut found: impl FnMut(&V)) {
        if let Some(values) = self.exact.get(event_type) {
            values.values().for_each(&mut found);
        }
        if self.wildcard.is_empty() {
            return;
        }
        // All the places that the segments so far can lead to. A place is entered once a step, so that their number
        // never exceeds that of the nodes, whatever the patterns.
        let (mut places, mut next) = (vec![(&self.wildcard, false)], Vec::new());
        for segment in event_type.split('.') {
            let step = self.step.get() + 1;
            self.step.set(step);
            for (node, is_many) in places.drain(..) {
                let enter = |node: &Node<V>| node.entered.replace(step) != step;
                if let Some(node) = node.literal.get(segment) {
                    next.push((node, false));
                }
                if let Some(node) = &node.one {
                    next.push((&**node, false));
                }
                if let Some(node) = &node.many
                    && enter(node)
                {
                    next.push((&**node, true));
                }
                // `**` takes this segment too.
                if is_many && enter(node) {
                    next.push((node, true));
                }
            }
            std::mem::swap(&mut places, &mut next);
            if places.is_empty() {
                return;
            }
        }
        for (node, _) in places {
            node.values.values().for_each(&mut found);
        }
    }

    /// Does any pattern match?
    pub(super) fn has_match(&self, event_type: &str) -> bool {
        let mut any = false;
        self.for_each_match(event_type, |_| any = true);
        any
    }
}

impl<V> Node<V> {
    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.literal.is_empty() && self.one.is_none() && self.many.is_none()
    }

    /// Recursion ends with the segments, of which a pattern has 64 at most.
    fn remove(&mut self, segments: &[Segment], number: u64) {
        let Some((segment, rest)) = segments.split_first() else {
            self.values.remove(&number);
            return;
        };
        match segment {
            Segment::Literal(literal) => {
                if let Some(node) = self.literal.get_mut(literal) {
                    node.remove(rest, number);
                    if node.is_empty() {
                        self.literal.remove(literal);
                    }
                }
            }
            Segment::One => remove_child(&mut self.one, rest, number),
            Segment::Many => remove_child(&mut self.many, rest, number),
        }
    }

    fn drain_into(self, values: &mut BTreeMap<u64, V>) {
        values.extend(self.values);
        let boxed = self.one.into_iter().chain(self.many).map(|node| *node);
        for node in self.literal.into_values().chain(boxed) {
            node.drain_into(values);
        }
    }
}

fn remove_child<V>(child: &mut Option<Box<Node<V>>>, rest: &[Segment], number: u64) {
    if let Some(node) = child {
        node.remove(rest, number);
        if node.is_empty() {
            *child = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(index: &Index<usize>, event_type: &str) -> Vec<usize> {
        let mut found = Vec::new();
        index.for_each_match(event_type, |value| found.push(*value));
        found.sort_unstable();
        found
    }

    fn segments(of: &'static [&'static str], len: std::ops::Range<usize>) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(of), len).prop_map(|segments| segments.join("."))
    }

    proptest! {
        #[test]
        fn the_index_finds_each_pattern_that_matches_once(
            patterns in prop::collection::vec(segments(&["a", "b", "*", "**"], 1..6), 1..20),
            gone in prop::collection::vec(any::<bool>(), 20),
            event_type in segments(&["a", "b"], 1..8),
        ) {
            let patterns: Vec<_> = patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect();
            let mut index = Index::default();
            for (value, pattern) in patterns.iter().enumerate() {
                index.insert(pattern, value as u64, value);
            }
            let all = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
                (0..patterns.len()).filter(|&at| keep(at) && patterns[at].matches(&event_type)).collect()
            };
            prop_assert_eq!(matches(&index, &event_type), all(&|_| true));
            prop_assert_eq!(index.has_match(&event_type), !all(&|_| true).is_empty());

            for (value, pattern) in patterns.iter().enumerate().filter(|(at, _)| gone[*at]) {
                index.remove(pattern, value as u64);
            }
            prop_assert_eq!(matches(&index, &event_type), all(&|at| !gone[at]));
            for (value, pattern) in patterns.iter().enumerate() {
                index.remove(pattern, value as u64);
            }
            prop_assert!(index.is_empty(), "what nobody needs is gone");
        }
    }

    #[test]
    fn draining_gives_every_value_in_the_order_they_came() {
        let mut index = Index::default();
        for (number, text) in ["a", "**", "b.*", "a", "b.*.c", "**.z"].into_iter().enumerate() {
            index.insert(&Pattern::parse(text).unwrap(), number as u64, number);
        }
        assert_eq!(index.drain(), [0, 1, 2, 3, 4, 5]);
        assert!(index.is_empty());
    }

    #[test]
    fn many_wildcards_do_not_multiply() {
        let mut index = Index::default();
        // Every combination of `*` and `**` in twelve places: 4096 patterns.
        for number in 0..4096_u32 {
            let text: Vec<_> = (0..12).map(|bit| if number >> bit & 1 == 0 { "*" } else { "**" }).collect();
            index.insert(&Pattern::parse(&text.join(".")).unwrap(), number.into(), 0);
        }
        // All but `*` twelve times match thirty segments; there are far more ways for them to than steps in a lifetime.
        assert_eq!(matches(&index, &["a"; 30].join(".")).len(), 4095);
    }
}
