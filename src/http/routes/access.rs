//! Who may use a route.

use crate::actions::forbidden;
use crate::domain::actor::{Actor, Duty, Reach};
use crate::domain::layer::Layer;
use crate::error::{Error, Result};

/// Who may use a route at all, by [`PERMISSIONS`](crate::domain::actor::PERMISSIONS); the actions decide on the rest: which
/// feature, whose, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; without a token, what is public.
    Everyone,
    /// Whoever signed in: what is his own, or no secret among those who did.
    SignedIn,
    /// Whoever writes something of a layer.
    Writes(Layer),
    /// Whose duty it is.
    Does(Duty),
    /// Whoever brings what the route itself asks for, not from a page of another server; nothing else that comes along is
    /// looked at.
    OwnCredentials,
}

impl Access {
    /// Nobody comes in without having signed in.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::SignedIn | Self::Writes(_) | Self::Does(_))
    }

    /// Lets in whoever has the permission in some jurisdiction.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::Forbidden`].
    pub fn admits(self, actor: &Actor) -> Result<()> {
        if self.is_protected() && actor.is_public() {
            return Err(Error::Unauthenticated("sign in: send «Authorization: Bearer …»".into()));
        }
        match self {
            Self::Writes(layer) if actor.writes(layer) == Reach::Nothing => {
                Err(forbidden(actor, &format!("write {layer}")))
            }
            Self::Does(duty) if !actor.may_do(duty) => {
                Err(forbidden(actor, &format!("use this: it takes the duty «{duty}»")))
            }
            Self::Everyone | Self::SignedIn | Self::Writes(_) | Self::Does(_) | Self::OwnCredentials => Ok(()),
        }
    }
}
