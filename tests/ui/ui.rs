//! Each file under `resource` and `reconciler` holds one mistake; the file beside it is all that the compiler says.
//!
//! The wording of the compiler's own parts is that of the toolchain in `rust-toolchain.toml` or, without one, of the
//! `rust-version` in `Cargo.toml`; `TRYBUILD=overwrite cargo test -p fabrica-ui-tests` writes it anew.

#[test]
#[cfg(test)]
fn one_mistake_is_one_error_at_the_token_that_is_wrong() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("resource/*.rs");
    cases.compile_fail("reconciler/*.rs");
}

// Apart from the others: trybuild compiles those at once as long as none of them is to be run.
#[test]
#[cfg(test)]
fn what_is_right_compiles_and_runs() {
    trybuild::TestCases::new().pass("pass/*.rs");
}
