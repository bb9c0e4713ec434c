//! Keys that stand twice in one object, which JSON's readers pass over in silence.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The first key that stands twice in one object, which a reader of the file would overlook.
pub(super) fn twice(text: &str) -> Option<String> {
    struct Look<'a>(&'a mut Option<String>);

    impl<'de> Visitor<'de> for Look<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON document")
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }
        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }
        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }
        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }
        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
            while items.next_element_seed(Look(self.0))?.is_some() {}
            Ok(())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
            let mut keys = std::collections::BTreeSet::new();
            while let Some(key) = pairs.next_key::<String>()? {
                if keys.contains(&key) {
                    pairs.next_value::<IgnoredAny>()?;
                    self.0.get_or_insert(key);
                } else {
                    pairs.next_value_seed(Look(self.0))?;
                    keys.insert(key);
                }
            }
            Ok(())
        }
    }

    impl<'de> serde::de::DeserializeSeed<'de> for Look<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
            input.deserialize_any(self)
        }
    }

    let mut found = None;
    let mut input = serde_json::Deserializer::from_str(text);
    // what is not JSON at all is reported by the reader proper, with its place
    let _ = serde::de::DeserializeSeed::deserialize(Look(&mut found), &mut input);
    found
}
