//! Every parser of outside input is fed with its corpus and with mutations of it, and keeps its properties.
//!
//! `FABRICA_FUZZ_SECONDS=600` lets each target run for so long, `FABRICA_FUZZ_SEED=7` with other mutations; by default a
//! target runs for half a second, and always with the same ones.

#![allow(missing_docs, clippy::unwrap_used)]

mod corpus;
mod mutator;
mod watched;

use std::collections::BTreeSet;

use corpus::corpus;
use fabrica_tests::fuzz::TARGETS;
use watched::feed;

macro_rules! targets {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            feed(stringify!($name));
        })+

        #[test]
        fn every_target_has_a_test_and_a_corpus() {
            let names: BTreeSet<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, BTreeSet::from([$(stringify!($name)),+]));
            for name in names {
                assert!(corpus(name).len() >= 3, "{name}");
            }
        }
    };
}

targets! {
    accept continue_token duration event event_pattern field_path field_selector json_manifest json_patch label_selector
    merge_patch metadata names protobuf query stored_file stored_object strict_json target_path timestamp yaml_manifest
}

#[test]
fn a_panic_is_reported_with_its_input() {
    let error = watched::watch("planted", vec![b"ab".to_vec()], 3, |bytes| {
        assert!(!bytes.windows(2).any(|two| two == b"bb"));
    });
    assert!(error.unwrap_err().contains("planted"), "a mutation that doubles a letter is found");
}
