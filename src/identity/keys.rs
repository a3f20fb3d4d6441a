//! Signing keys: Ed25519 (RFC 8037), each in a file of its own that only its owner may read.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};

use crate::domain::{Error, Result};

/// A public key, as others read it (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The public key, base64url.
    pub x: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// `EdDSA`.
    pub alg: String,
    /// Which key it is: its thumbprint (RFC 7638).
    pub kid: String,
}

/// Public keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Jwks {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// A key that signs.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) kid: String,
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    x: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::Storage(format!("{}: {error}", path.display()))
}

impl SigningKey {
    /// The key in a file; a new one where there is no file.
    ///
    /// # Errors
    /// As [`Self::load`]; the file cannot be written.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        let (key, document) = Self::generate()?;
        write_whole(path, document.as_ref())?;
        Ok(key)
    }

    /// A new key, in a file of a directory that is named after it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn create(directory: &Path, name: impl Fn(&str) -> String) -> Result<Self> {
        let (key, document) = Self::generate()?;
        write_whole(&directory.join(name(&key.kid)), document.as_ref())?;
        Ok(key)
    }

    fn generate() -> Result<(Self, impl AsRef<[u8]>)> {
        let failed = || Error::Internal("no signing key could be made".to_owned());
        let document =
            Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(|_| failed())?;
        let key = Self::parse(document.as_ref()).ok_or_else(failed)?;
        Ok((key, document))
    }

    /// The key in a file, if there is a file.
    ///
    /// # Errors
    /// The file cannot be read, or holds no key; others may read it.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        let Some(bytes) = read_private(path)? else { return Ok(None) };
        match Self::parse(&bytes) {
            Some(key) => Ok(Some(key)),
            None => Err(Error::Storage(format!("{}: holds no Ed25519 key", path.display()))),
        }
    }

    fn parse(pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Some(Self {
            kid: thumbprint(&x),
            encoding: EncodingKey::from_ed_der(pkcs8),
            decoding: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            x,
        })
    }

    /// The public part.
    #[must_use]
    pub fn jwk(&self) -> Jwk {
        Jwk::of(&self.x)
    }

    /// A public part, by its coordinate, and what it verifies with.
    pub(super) fn public(x: &str) -> Option<(Jwk, DecodingKey)> {
        let bytes = URL_SAFE_NO_PAD.decode(x).ok().filter(|bytes| bytes.len() == 32)?;
        Some((Jwk::of(x), DecodingKey::from_ed_der(&bytes)))
    }
}

impl Jwk {
    fn of(x: &str) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: x.to_owned(),
            usage: "sig".to_owned(),
            alg: "EdDSA".to_owned(),
            kid: thumbprint(x),
        }
    }
}

/// A key's thumbprint (RFC 7638).
fn thumbprint(x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}

/// A secret in a file: 32 random bytes, made where there is none.
///
/// # Errors
/// As [`load_secret`]; the file cannot be written.
pub fn load_or_create_secret(path: &Path) -> Result<[u8; 32]> {
    if let Some(secret) = load_secret(path)? {
        return Ok(secret);
    }
    let mut secret = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut secret)
        .map_err(|_| Error::Internal("no randomness could be had".to_owned()))?;
    write_whole(path, &secret)?;
    Ok(secret)
}

/// The secret in a file, if there is a file.
///
/// # Errors
/// The file cannot be read, or holds no secret; others may read it.
pub fn load_secret(path: &Path) -> Result<Option<[u8; 32]>> {
    let Some(bytes) = read_private(path)? else { return Ok(None) };
    match bytes.try_into() {
        // What some file systems leave after a power cut is known to everybody.
        Ok(secret) if secret != [0; 32] => Ok(Some(secret)),
        _ => Err(Error::Storage(format!("{}: holds no secret of ours", path.display()))),
    }
}

/// Reads a file that its owner alone may read; `None` where there is none.
fn read_private(path: &Path) -> Result<Option<Vec<u8>>> {
    let mode = match fs::metadata(path) {
        Ok(found) => found.permissions().mode(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    };
    if mode & 0o077 != 0 {
        return Err(Error::Storage(format!(
            "{}: others may read it; chmod 600 it",
            path.display()
        )));
    }
    fs::read(path).map(Some).map_err(failed(path))
}

/// Writes a file that is there whole or not at all, and that only its owner may read.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed(path))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed(path))?;
    file.persist_noclobber(path).map_err(|error| failed(path)(error.error))?;
    fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed(path))
}
