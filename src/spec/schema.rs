//! The JSON Schema of the language, from the same shapes that decode it.
