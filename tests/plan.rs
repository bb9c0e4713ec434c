//! Plans of pairs of templates: `tests/plan/*.json`, a file a case, the text of each in `snapshots/`.
//!
//! A case has templates before (`old`) and after (`new`) by stack name, what a cloud tells of the
//! stacks (`deployed`), and what is expected: the action of each stack, of each resource with its
//! properties and their effects, and the codes of the refusals. `tests/plan/README.md` has the keys.

mod plan {
    pub mod access;
    pub mod cases;
    pub mod causes;
    pub mod laws;
    pub mod paths;
    pub mod promise;
    pub mod reviewed;
    pub mod views;
}
