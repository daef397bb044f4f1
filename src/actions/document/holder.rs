//! What holds documents, and the one way to ask of it who sees it and who adds to it. A noun holds documents by its line in
//! [`NOUNS`], and by its line in the function `document_owner` of the database.

use jiff::civil::Date;
use uuid::Uuid;

use crate::actions::feature::{self, Registrable};
use crate::actions::{self, Context, Reader, forbidden, plan};
use crate::domain::actor::{Actor, Role};
use crate::domain::corridor::Corridor;
use crate::domain::document::Document;
use crate::domain::feature::Registered;
use crate::domain::layer::Layer;
use crate::domain::plan::{Plan, TRANSITIONS};
use crate::domain::site_request::reader::Standing;
use crate::domain::site_request::table::{ASKED, TABLE};
use crate::domain::site_request::words::State;
use crate::domain::site_request::{self, Filed};
use crate::domain::word::Word;
use crate::domain::work::Work;
use crate::error::{Error, Result};
use crate::store::{self, Stored, WriteTx};

/// Every noun that holds documents.
pub const NOUNS: &[Noun] = &[of_features::<Work>(), of_features::<Corridor>(), PLANS, SITE_REQUESTS];

/// A noun that holds documents.
#[derive(Debug, Clone, Copy)]
pub struct Noun {
    /// The word for one, as it is stored.
    pub word: &'static str,
    plural: fn() -> &'static str,
    /// The layer of features.
    layer: Option<Layer>,
    find: fn(&Context, &Actor, Uuid) -> Result<Holder>,
    lock: fn(&Context, &mut WriteTx<'_>, &Actor, &str, Uuid) -> Stored<Holder>,
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
    /// He goes on reading what he added to it himself, and nothing else.
    pub own_alone: bool,
    /// He may add to it now, or why not.
    pub adding: Result<()>,
}

impl Holder {
    /// Somebody who sees it reads a document of it.
    #[must_use]
    pub fn shows(&self, document: &Document, actor: &Actor) -> bool {
        let is_own = || actor.organisation.is_some() && document.organisation == actor.organisation;
        document.is_read_by(actor, &self.owner) && (!self.own_alone || is_own())
    }
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
        (self.plural)()
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
        let restricted = self.layer.filter(|_| found.restricted);
        context.reads.shown(reader, restricted.map(|layer| (layer, found.jurisdiction.as_str(), id)).into_iter())?;
        Ok(found)
    }

    /// The same once more inside a write, until whose end it does not change.
    pub(super) fn lock(
        &self,
        context: &Context,
        tx: &mut WriteTx<'_>,
        actor: &Actor,
        (jurisdiction, id): (&str, Uuid),
    ) -> Stored<Holder> {
        (self.lock)(context, tx, actor, jurisdiction, id)
    }
}

/// Features of a layer: who sees one sees that it has documents, who writes it adds some.
const fn of_features<T: Registrable>() -> Noun {
    Noun {
        word: T::WORD,
        plural: || T::LAYER.as_str(),
        layer: Some(T::LAYER),
        find: |context, actor, id| holder::<T>(actor, &feature::present(context, actor, id)?),
        lock: |_, tx, actor, jurisdiction, id| {
            let locked = feature::visible::<T>(actor, T::lock(tx, jurisdiction, id)?, id)?;
            Ok(holder::<T>(actor, &locked)?)
        },
    }
}

/// Plans: who draws or decides them adds.
const PLANS: Noun = Noun {
    word: "plan",
    plural: || "plans",
    layer: None,
    find: |context, actor, id| of_plan(actor, &plan::get(context, actor, id)?.plan),
    lock: |_, tx, actor, jurisdiction, id| {
        let locked = store::plan::lock(tx, jurisdiction, id)?.filter(|plan| plan.is_seen_by(actor));
        Ok(of_plan(actor, &locked.ok_or_else(|| Error::NotFound(format!("the plan {id}")))?)?)
    },
};

fn of_plan(actor: &Actor, plan: &Plan) -> Result<Holder> {
    let roles = [Role::Officer, Role::Approver];
    Ok(Holder {
        noun: Noun::of_word("plan")?,
        id: plan.id,
        jurisdiction: plan.jurisdiction.clone(),
        owner: plan.organisation.clone(),
        own_alone: false,
        restricted: false,
        adding: of_roles(actor, &roles, &plan.jurisdiction, "a plan")
            .and_then(|()| still_open(TRANSITIONS.iter().any(|row| row.from.contains(&plan.state)), plan.state)),
    })
}

fn of_roles(actor: &Actor, roles: &[Role], jurisdiction: &str, what: &str) -> Result<()> {
    if roles.iter().any(|role| actor.acts_as(*role, jurisdiction)) {
        return Ok(());
    }
    Err(forbidden(actor, &format!("add documents to {what} in {jurisdiction}")))
}

/// What is over is a record: nothing comes to it.
fn still_open(open: bool, state: impl std::fmt::Display) -> Result<()> {
    if open {
        return Ok(());
    }
    let detail = format!("it is {state}: nothing is added to a record");
    Err(Error::StepRefused { detail, allowed: Vec::new(), unmet: Vec::new() })
}

/// Site requests: the carrier whose one is adds, whoever works on it, and whoever is asked about it.
const SITE_REQUESTS: Noun = Noun {
    word: site_request::WORD,
    plural: || "site-requests",
    layer: None,
    find: |context, actor, id| {
        let found = actions::site_request::read(context, actor, id)?;
        let own_alone = found.shown.standing == Standing::WasAsked;
        Ok(Holder { own_alone, ..of_request(actor, &found.shown.filed, found.day)? })
    },
    lock: |context, tx, actor, jurisdiction, id| {
        let locked = store::site_request::lock(tx, jurisdiction, id)?;
        let gone = || Error::NotFound(format!("the {} {id}", site_request::WORD));
        let day = actions::site_request::today(context, jurisdiction)?;
        Ok(of_request(actor, &locked.ok_or_else(gone)?, day)?)
    },
};

fn of_request(actor: &Actor, filed: &Filed, day: Date) -> Result<Holder> {
    let owner = filed.body.props.organisation.clone();
    let own =
        actor.organisation.as_deref() == Some(owner.as_str()) && actor.acts_as(Role::Carrier, &filed.jurisdiction);
    let roles = [Role::Officer, Role::Approver, Role::Inspector, Role::Consultee];
    // Whoever is asked adds to his answer, as long as it is asked for.
    let asked = filed.state == State::Consulting
        && actor.organisation.as_ref().is_some_and(|own| filed.asks(own, day))
        && ASKED.iter().any(|role| actor.acts_as(*role, &filed.jurisdiction));
    let may = if own || asked { Ok(()) } else { of_roles(actor, &roles, &filed.jurisdiction, "a site request") };
    Ok(Holder {
        noun: Noun::of_word(site_request::WORD)?,
        id: filed.id,
        jurisdiction: filed.jurisdiction.clone(),
        own_alone: false,
        restricted: false,
        adding: may.and_then(|()| still_open(TABLE.iter().any(|row| row.from.contains(&filed.state)), filed.state)),
        owner,
    })
}

fn holder<T: Registrable>(actor: &Actor, feature: &Registered<T>) -> Result<Holder> {
    let props = feature.body.props();
    Ok(Holder {
        noun: Noun::of_word(T::WORD)?,
        id: feature.id,
        jurisdiction: feature.jurisdiction.clone(),
        owner: T::organisation(props).to_owned(),
        own_alone: false,
        restricted: T::visibility(props).is_restricted(),
        adding: feature::may_write::<T>(actor, &feature.jurisdiction, props),
    })
}
