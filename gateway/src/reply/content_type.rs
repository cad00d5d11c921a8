//! The content type of a body that does not say, found as Go's `net/http` finds it.
//!
//! Tyk's users see Go's choices, so this follows the WHATWG MIME sniffing rules to the extent that Go does:
//! <https://mimesniff.spec.whatwg.org/>, first 512 bytes.

/// The content type for the beginning of a body.
pub fn detect(body: &[u8]) -> &'static str {
    let head = &body[..body.len().min(512)];
    let text_start = head.iter().position(|byte| !is_space(*byte)).unwrap_or(head.len());
    let text = &head[text_start..];
    if let Some(content_type) = markup(text) {
        return content_type;
    }
    if let Some((_, content_type)) = EXACT.iter().find(|(magic, _)| head.starts_with(magic)) {
        return content_type;
    }
    if let Some((_, _, content_type)) = MASKED.iter().find(|(prefix, mid, _)| {
        head.starts_with(prefix) && head.get(8..).is_some_and(|rest| rest.starts_with(mid))
    }) {
        return content_type;
    }
    if is_mp4(head) {
        return "video/mp4";
    }
    if head.get(34..36) == Some(b"LP") {
        return "application/vnd.ms-fontobject";
    }
    if text.iter().any(|byte| is_binary(*byte)) {
        "application/octet-stream"
    } else {
        "text/plain; charset=utf-8"
    }
}

const HTML: &str = "text/html; charset=utf-8";

/// Tags that make a text HTML when a space or `>` follows, in upper case.
const TAGS: &[&[u8]] = &[
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
    b"<!--",
];

fn markup(text: &[u8]) -> Option<&'static str> {
    let is_tag = |tag: &&&[u8]| {
        text.len() > tag.len()
            && text[..tag.len()].eq_ignore_ascii_case(tag)
            && matches!(text[tag.len()], b' ' | b'>')
    };
    if TAGS.iter().find(is_tag).is_some() {
        return Some(HTML);
    }
    text.starts_with(b"<?xml").then_some("text/xml; charset=utf-8")
}

/// Byte patterns at the start, in Go's order.
const EXACT: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xFE\xFF\x00\x00", "text/plain; charset=utf-16be"),
    (b"\xFE\xFF", "text/plain; charset=utf-16be"),
    (b"\xFF\xFE", "text/plain; charset=utf-16le"),
    (b"\xEF\xBB\xBF", "text/plain; charset=utf-8"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x02\x00", "image/x-icon"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x89PNG\x0D\x0A\x1A\x0A", "image/png"),
    (b"\xFF\xD8\xFF", "image/jpeg"),
    (b".snd", "audio/basic"),
    (b"ID3", "audio/mpeg"),
    (b"OggS\x00", "application/ogg"),
    (b"MThd\x00\x00\x00\x06", "audio/midi"),
    (b"\x1A\x45\xDF\xA3", "video/webm"),
    (b"\x00\x01\x00\x00", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"ttcf", "font/collection"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x1F\x8B\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1A\x07\x00", "application/x-rar-compressed"),
    (b"Rar!\x1A\x07\x01\x00", "application/x-rar-compressed"),
    (b"\x00\x61\x73\x6D", "application/wasm"),
];

/// Patterns with four bytes of length between their two halves.
const MASKED: &[(&[u8], &[u8], &str)] = &[
    (b"RIFF", b"WEBPVP", "image/webp"),
    (b"FORM", b"AIFF", "audio/aiff"),
    (b"RIFF", b"AVI ", "video/avi"),
    (b"RIFF", b"WAVE", "audio/wave"),
];

fn is_mp4(head: &[u8]) -> bool {
    let Some(size) = head.first_chunk::<4>().map(|size| u32::from_be_bytes(*size) as usize) else {
        return false;
    };
    if head.len() < 12 || head.len() < size || size % 4 != 0 || &head[4..8] != b"ftyp" {
        return false;
    }
    // Brands start at byte 8; the four bytes at 12 are the minor version.
    (8..size).step_by(4).any(|at| at != 12 && head[at..].starts_with(b"mp4"))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0C' | b'\r' | b' ')
}

fn is_binary(byte: u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F)
}

#[cfg(test)]
mod tests {
    use super::detect;

    #[test]
    fn bodies_are_told_apart() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "text/plain; charset=utf-8"),
            (b"a virtual answer", "text/plain; charset=utf-8"),
            (b"{\"a\":1}", "text/plain; charset=utf-8"),
            ("caf\u{e9}".as_bytes(), "text/plain; charset=utf-8"),
            (b"  <html>", "text/html; charset=utf-8"),
            (b"<!doctype html>", "text/html; charset=utf-8"),
            (b"<p>", "text/html; charset=utf-8"),
            (b"<people>", "text/plain; charset=utf-8"),
            (b"<p", "text/plain; charset=utf-8"),
            (b"<?xml version", "text/xml; charset=utf-8"),
            (b"\x89PNG\r\n\x1a\nrest", "image/png"),
            (b"GIF89a", "image/gif"),
            (b"%PDF-1.7", "application/pdf"),
            (b"\x1f\x8b\x08", "application/x-gzip"),
            (b"RIFF\x01\x02\x03\x04WAVE", "audio/wave"),
            (b"\x00\x00\x00\x14ftypmp42\x00\x00\x00\x00mp41", "video/mp4"),
            (b"a\x00b", "application/octet-stream"),
        ];
        for (body, expected) in cases {
            assert_eq!(detect(body), *expected, "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn no_bytes_panic() {
        let mut state = 1u32;
        for length in 0..600 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            detect(&bytes);
            detect(&[b"\x00\x00\x00\x10ftyp", &bytes[..]].concat());
        }
    }
}
