//! The macros of Fabrica. Their documentation stands on the re-exports in `fabrica`.
