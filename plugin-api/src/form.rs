//! Fields of queries and forms: `a=1&b=%20`.

use std::borrow::Cow;

/// Names and values, decoded, in order.
pub(crate) fn fields(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (decoded(name), decoded(value))
    })
}

/// Without escapes; what is not UTF-8 afterwards is replaced.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let (byte, behind) = match (first, others) {
            (b'+', _) => (b' ', others),
            (b'%', [high, low, behind @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (b'%', others),
            },
            (byte, _) => (*byte, others),
        };
        bytes.push(byte);
        rest = behind;
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn fields_are_decoded_and_nonsense_is_kept() {
        let found: Vec<_> = fields("a=1&&b&c=%41%2b+%&d=%zz%f&=e&f=%ff").collect();
        let expected = [("a", "1"), ("b", ""), ("c", "A+ %"), ("d", "%zz%f"), ("", "e"), ("f", "\u{fffd}")];
        assert!(found.iter().map(|(name, value)| (&**name, &**value)).eq(expected), "{found:?}");
        assert_eq!(fields("").count(), 0);
    }
}
