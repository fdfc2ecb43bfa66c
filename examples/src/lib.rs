//! Programs to copy: each folder beside this file is one.
