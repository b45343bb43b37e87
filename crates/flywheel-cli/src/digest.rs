//! The hash by which the platform knows the bytes of a file.

use std::io::{self, Read};

use sha2::{Digest, Sha384};

/// Length in bytes and SHA-384, in lower-case hex, of everything that is left in `bytes`.
///
/// # Errors
/// Reading failed.
pub(crate) fn digest_of(bytes: &mut dyn Read) -> io::Result<(u64, String)> {
    let mut hasher = Sha384::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let read = match bytes.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        size += read as u64;
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    let hex = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((size, hex))
}

/// Whether a recorded hash, such as `v0-sha384-<hex>`, is of bytes with this SHA-384.
pub(crate) fn is_of(recorded: &str, sha384: &str) -> bool {
    recorded.rsplit('-').next() == Some(sha384)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_recorded_hash_is_compared_without_its_scheme() {
        let (size, sha384) = digest_of(&mut &b"abc"[..]).unwrap();
        assert_eq!(size, 3);
        assert!(sha384.starts_with("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"));
        assert!(is_of(&format!("v0-sha384-{sha384}"), &sha384) && is_of(&sha384, &sha384));
        assert!(!is_of("v0-sha384-", &sha384) && !is_of("", &sha384));
    }
}
