//! Header names in the form that Go gives them and scripts look them up by.

/// The canonical form: `x-test` is `X-Test`. Names with characters that no header may have stay as they are.
pub fn canonical(name: &str) -> String {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(is_token) {
        return name.to_owned();
    }
    let mut upper = true;
    let turn = |character: char| {
        let turned = if upper { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() };
        upper = character == '-';
        turned
    };
    name.chars().map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn words_begin_with_a_capital() {
        assert_eq!(canonical("x-ONE-two"), "X-One-Two");
        assert_eq!(canonical("etag"), "Etag");
        assert_eq!(canonical("bad name"), "bad name");
    }
}
