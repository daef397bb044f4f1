//! What holds documents, and the one way to ask of it who sees it and who adds to it. A noun holds documents by its line in
//! [`NOUNS`], and by its line in the function `document_owner` of the database.

use uuid::Uuid;

use crate::actions::feature::{self, Registrable};
use crate::actions::{Context, Reader};
use crate::domain::actor::Actor;
use crate::domain::corridor::Corridor;
use crate::domain::feature::Registered;
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::domain::work::Work;
use crate::error::{Error, Result};
use crate::store::{Stored, WriteTx};

/// Every noun that holds documents.
pub const NOUNS: &[Noun] = &[of_features::<Work>(), of_features::<Corridor>()];

/// A noun that holds documents.
#[derive(Debug, Clone, Copy)]
pub struct Noun {
    /// The word for one, as it is stored.
    pub word: &'static str,
    layer: Layer,
    find: fn(&Context, &Actor, Uuid) -> Result<Holder>,
    lock: fn(&mut WriteTx<'_>, &Actor, &str, Uuid) -> Stored<Holder>,
}

/// Something that holds documents, as somebody sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// What it is.
    pub noun: &'static Noun,
    /// Its id.
    pub id: Uuid,
    /// Its jurisdiction.
    pub jurisdiction: String,
    /// The organisation that owns it.
    pub owner: String,
    /// Whoever is shown it, or anything of it, leaves a row.
    pub restricted: bool,
    /// He may add to it now, or why not.
    pub adding: Result<()>,
}

impl PartialEq for Noun {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl Noun {
    /// As addresses write it: `works`.
    #[must_use]
    pub fn plural(&self) -> &'static str {
        self.layer.as_str()
    }

    /// The one that addresses write so.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn of_address(plural: &str) -> Result<&'static Self> {
        let found = NOUNS.iter().find(|noun| noun.plural() == plural);
        found.ok_or_else(|| Error::NotFound(format!("/api/{plural}")))
    }

    /// The one that is stored so.
    pub(super) fn of_word(word: &str) -> Result<&'static Self> {
        let found = NOUNS.iter().find(|noun| noun.word == word);
        found.ok_or_else(|| Error::Internal(format!("«{word}» is no word for what holds documents")))
    }

    /// The holder of an id. Whoever asks is shown it.
    pub(super) fn find(&self, context: &Context, reader: Reader<'_>, id: Uuid) -> Result<Holder> {
        let found = (self.find)(context, reader.actor, id)?;
        context
            .reads
            .shown(reader, found.restricted.then_some((self.layer, found.jurisdiction.as_str(), id)).into_iter())?;
        Ok(found)
    }

    /// The same once more inside a write, until whose end it does not change.
    pub(super) fn lock(&self, tx: &mut WriteTx<'_>, actor: &Actor, jurisdiction: &str, id: Uuid) -> Stored<Holder> {
        (self.lock)(tx, actor, jurisdiction, id)
    }
}

/// Features of a layer: who sees one sees that it has documents, who writes it adds some.
const fn of_features<T: Registrable>() -> Noun {
    Noun {
        word: T::WORD,
        layer: T::LAYER,
        find: |context, actor, id| holder::<T>(actor, &feature::present(context, actor, id)?),
        lock: |tx, actor, jurisdiction, id| {
            let locked = feature::visible::<T>(actor, T::lock(tx, jurisdiction, id)?, id)?;
            Ok(holder::<T>(actor, &locked)?)
        },
    }
}

fn holder<T: Registrable>(actor: &Actor, feature: &Registered<T>) -> Result<Holder> {
    let props = feature.body.props();
    Ok(Holder {
        noun: Noun::of_word(T::WORD)?,
        id: feature.id,
        jurisdiction: feature.jurisdiction.clone(),
        owner: T::organisation(props).to_owned(),
        restricted: T::visibility(props).is_restricted(),
        adding: feature::may_write::<T>(actor, &feature.jurisdiction, props),
    })
}
