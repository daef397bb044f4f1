//! Looks after what is in documents: takes away objects that no document names, and finds documents whose object is gone or is
//! not what it was.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::actions::{Context, forbidden};
use crate::clock;
use crate::config::Settings;
use crate::domain::actor::{Actor, Duty};
use crate::domain::audit::Digest;
use crate::error::{Error, Result};
use crate::store::document as store;
use crate::store::objects::{Bucket, Place};

/// An object without a document stays for so long: its document may be about to be written.
pub const ORPHAN_AGE: Duration = Duration::from_hours(24);

/// Objects that are looked at together, while no document is added.
const TOGETHER: usize = 100;

/// Where the settings say that they are kept.
pub(in crate::actions) fn place(settings: &Settings) -> Place {
    match settings.bucket() {
        None => Place::Folder(PathBuf::from(&settings.documents)),
        Some((name, prefix)) => Place::Bucket(Bucket {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: settings.documents_s3_endpoint.clone(),
            region: settings.documents_s3_region.clone(),
            key_id: settings.documents_s3_key_id.clone(),
            secret: settings.documents_s3_secret.0.clone(),
        }),
    }
}

/// What was swept.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Takes away objects that are older than `age` and that no document names.
///
/// # Errors
/// [`Error::Forbidden`] for all but whoever registers jurisdictions, for objects belong to none; [`Error::Busy`].
pub fn sweep(context: &Context, actor: &Actor, age: Duration) -> Result<Swept> {
    may(actor, Duty::Jurisdictions)?;
    let before = clock::now().checked_sub(age).unwrap_or(Timestamp::MIN);
    let mut swept = Swept::default();
    for first in 0..=u8::MAX {
        let listed = context.objects.older_than(before, first)?;
        for some in listed.chunks(TOGETHER) {
            let hashes: Vec<Digest> = some.iter().map(|kept| kept.sha256).collect();
            let gone = context.store.read_as(&Actor::operator(), |conn| {
                let orphans = store::in_no_document(conn, &hashes)?;
                for orphan in &orphans {
                    context.objects.delete(orphan)?;
                }
                Ok(orphans)
            })?;
            for kept in some.iter().filter(|kept| gone.contains(&kept.sha256)) {
                swept.objects += 1;
                swept.bytes += kept.bytes;
            }
        }
    }
    Ok(swept)
}

/// Reads what is in every document; `each` hears of those whose object is gone or is not what it was. How many were read.
///
/// # Errors
/// [`Error::Forbidden`] for all but whoever reads the audit trail; [`Error::Busy`].
pub fn verify(context: &Context, actor: &Actor, each: &mut dyn FnMut(&Digest, &str)) -> Result<u64> {
    if !actor.may_read_audit() {
        return Err(forbidden(actor, "read what is in every document"));
    }
    let (mut read, mut after) = (0, None);
    loop {
        let some = i64::try_from(TOGETHER).unwrap_or(i64::MAX);
        let hashes = context.store.read_as(&Actor::operator(), |conn| store::hashes(conn, after.as_ref(), some))?;
        let Some((last, _)) = hashes.last() else { return Ok(read) };
        after = Some(*last);
        for (sha256, bytes) in &hashes {
            match sum(context, sha256, *bytes) {
                Ok(sum) if sum == *sha256 => {}
                Ok(_) => each(sha256, "is not what it was"),
                Err(Error::Internal(why)) => each(sha256, &why),
                Err(other) => return Err(other),
            }
            read += 1;
        }
    }
}

fn sum(context: &Context, sha256: &Digest, bytes: u64) -> Result<Digest> {
    let (mut sum, mut from) = (Sha256::new(), 0);
    while from < bytes {
        let piece = context.objects.piece(sha256, from, bytes)?;
        sum.update(&piece);
        from += piece.len() as u64;
    }
    Ok(sum.finalize().into())
}

fn may(actor: &Actor, duty: Duty) -> Result<()> {
    if actor.jurisdictions.is_none() && actor.may_do(duty) { Ok(()) } else { Err(forbidden(actor, "sweep objects")) }
}
