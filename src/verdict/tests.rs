//! Cases by hand, by the pitfalls of comparing policies. Each is also compared in reverse.
