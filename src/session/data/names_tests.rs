use proptest::prelude::*;

use super::{super::Budget, decoded, decodes_to, hash, hash_decoded, same_string};

/// A JSON string with some of its characters escaped.
fn spelled(text: &str, is_escaped: &[bool]) -> String {
    let character = |(character, is_escaped): (char, &bool)| match character {
        character if *is_escaped => {
            character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        '"' | '\\' | '\0'..='\x1f' => format!("\\u{:04X}", u32::from(character)),
        character => character.to_string(),
    };
    format!("\"{}\"", text.chars().zip(is_escaped.iter().cycle()).map(character).collect::<String>())
}

proptest! {
    #[test]
    fn all_spellings_of_a_name_are_the_same(
        text in any::<String>(), one in prop::collection::vec(any::<bool>(), 1..9), other in prop::collection::vec(any::<bool>(), 1..9),
    ) {
        let budget = Budget::for_texts(0);
        let (one, other) = (spelled(&text, &one), spelled(&text, &other));
        prop_assert!(same_string(&one, &other, &budget) && decodes_to(&one, &text, &budget));
        prop_assert_eq!(hash(&one, &budget), hash_decoded(&text, &budget));
        prop_assert_eq!(decoded(&one, &budget), text.clone());
        let more = format!("{text}x");
        prop_assert!(!decodes_to(&one, &more, &budget) && !same_string(&one, &spelled(&more, &[true]), &budget));
    }
}
