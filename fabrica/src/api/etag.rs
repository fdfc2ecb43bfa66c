//! Documents that a client may keep, known by a hash of their bytes.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;

use super::reply;

/// A JSON document with the hash of its bytes.
#[derive(Clone, Debug)]
pub(super) struct Document {
    json: Bytes,
    hash: String,
}

impl Document {
    pub(super) fn new(json: &serde_json::Value) -> Self {
        let json = Bytes::from(json.to_string());
        Self { hash: hash(&json), json }
    }

    pub(super) fn json(&self) -> &Bytes {
        &self.json
    }

    /// Differs when the bytes do.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// The document, or only the word that the client has it already.
    pub(super) fn reply(&self, request: &HeaderMap, cache: &'static str) -> Response<Body> {
        let tag = format!("\"{}\"", self.hash);
        let is_known = names(request, &tag);
        let (code, body) =
            if is_known { (StatusCode::NOT_MODIFIED, Bytes::new()) } else { (StatusCode::OK, self.json.clone()) };
        let mut response = reply::raw_json(code, body);
        let headers = response.headers_mut();
        // A hash is a word of hexadecimal digits.
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        headers.insert(VARY, HeaderValue::from_static("Accept"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        if is_known {
            headers.remove(HeaderName::from_static("content-type"));
        }
        response
    }
}

/// Does the client name the tag as one that it has?
fn names(request: &HeaderMap, tag: &str) -> bool {
    let values = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// FNV-1a with 128 bits: the same in every build and on every machine, so that a document is known again.
pub(super) fn hash(bytes: &[u8]) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME));
    format!("{hash:032X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_standard() {
        assert_eq!(hash(b""), "6C62272E07BB014262B821756295C58D");
        assert_eq!(hash(b"foobar"), "343E1662793C64BF6F0D3597BA446F18");
    }

    #[test]
    fn a_document_that_the_client_has_is_not_sent_again() {
        let document = Document::new(&serde_json::json!({ "a": 1 }));
        let tag = format!("\"{}\"", document.hash());
        for (known, code) in [
            (tag.clone(), 304),
            (format!("\"x\", W/{tag}"), 304),
            ("*".to_owned(), 304),
            ("\"x\"".to_owned(), 200),
            (document.hash().to_owned(), 200),
        ] {
            let request = HeaderMap::from_iter([(IF_NONE_MATCH, known.parse().unwrap())]);
            let response = document.reply(&request, "public");
            assert_eq!(response.status(), code, "{known}");
            assert_eq!(response.headers()[ETAG], tag.as_str());
            assert_eq!(response.headers().contains_key("content-type"), code == 200);
        }
        assert_eq!(document.reply(&HeaderMap::new(), "public").status(), 200);
    }
}
