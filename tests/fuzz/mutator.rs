//! Inputs that are almost those of the corpus.

use fabrica_tests::random::Random;

/// The greatest input that is made.
const LENGTH_MAX: usize = 16 << 10;

/// Bytes that mean something in most grammars.
const TELLING: &[u8] = b"\0\n\r\t !\"#$%&'()*+,-./0189:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\xc3\xa9\xff";

/// An input that is made of one of the corpus by a few changes.
pub fn mutated(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = one_of(random, corpus).clone();
    for _ in 0..=random.below(5) {
        change(random, &mut input, corpus);
    }
    input.truncate(LENGTH_MAX);
    input
}

fn one_of<'a, T>(random: &mut Random, all: &'a [T]) -> &'a T {
    &all[place(random, all.len() - 1)]
}

/// A place from 0 to `last`.
fn place(random: &mut Random, last: usize) -> usize {
    usize::try_from(random.below(last as u64 + 1)).unwrap()
}

/// The beginning and the end of a part.
fn part(random: &mut Random, input: &[u8]) -> std::ops::Range<usize> {
    let start = place(random, input.len());
    let most = if random.percent(80) { 12 } else { input.len() };
    start..start + place(random, most.min(input.len() - start))
}

fn change(random: &mut Random, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = place(random, input.len());
    match random.below(7) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = *one_of(random, TELLING),
        2 => input.insert(at, *one_of(random, TELLING)),
        3 => drop(input.drain(part(random, input))),
        4 => {
            let copied = input[part(random, input)].to_vec();
            let times = if random.percent(5) { 200 } else { 1 };
            input.splice(at..at, copied.repeat(times).into_iter().take(LENGTH_MAX));
        }
        _ => {
            let other = one_of(random, corpus);
            let taken = other[part(random, other)].to_vec();
            let replaced = if random.percent(50) { part(random, input) } else { at..at };
            input.splice(replaced, taken);
        }
    }
}
