//! How far a request has come, for whoever has its receipt and the secret on it.

use subtle::ConstantTimeEq;

use super::{WholeCase, read};
use crate::actions::Context;
use crate::domain::actor::Actor;
use crate::domain::session::digest;
use crate::error::{Error, Result};
use crate::store::site_request as store;

/// The request of a receipt.
///
/// # Errors
/// [`Error::NotFound`], in the same words whether there is no such receipt or the secret is another one; [`Error::Busy`].
pub fn track(context: &Context, receipt: &str, secret: &str) -> Result<WholeCase> {
    let operator = Actor::operator();
    let found = if receipt.contains('\0') {
        None
    } else {
        context.store.read_as(&operator, |conn| store::of_receipt(conn, receipt))?
    };
    let given = digest(secret);
    // Of a receipt that is not there a digest is compared all the same.
    let known = found.map_or([0; 32], |(_, known)| known);
    let fits = bool::from(known.ct_eq(&given));
    match found.filter(|_| fits) {
        Some((id, _)) => read(context, &operator, id),
        None => Err(Error::NotFound("a request with this receipt and secret".into())),
    }
}
