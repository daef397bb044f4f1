//! Conflict checks of drawn and of stored shapes.

use std::collections::BTreeMap;

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::auth::asker_of;
use super::items::Served;
use super::params::{self, GEOJSON, Query, path_id};
use super::problem::Answer as Response;
use super::{App, blocking, caught};
use crate::actions::conflict_check::{
    self as action, Answer, Conflict, Detail, Drawn, Found, NotCovered, Question, SubjectResult, layers, usual_layers,
};
use crate::actions::{Asker, Context, Reader};
use crate::clock;
use crate::domain::corridor::CLEARANCE_MAX_M;
use crate::domain::coverage::Coverage;
use crate::domain::layer::{Layer, with_noun};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::Metres;
use crate::wire::answer::{
    AnswerRow, CheckedRow, ConflictRow, FoundRow, LayerRow, Notice, ResultRow, Row, clearances_json,
};
use crate::wire::conflict::{self as wire, GapRow, with_conflict, write_not_checked};
use crate::wire::{document, feature, plain};

/// The parameters of a check, as the API document shows them.
pub const PARAMETERS: &[&str] = &["against", "clearance_m", "limit", "at", "as-of", "measures"];

/// `POST /api/conflict-checks`
///
/// # Errors
/// As [`action::check_as`].
pub async fn check(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Response {
    let asked = Asked::of(&request, &app)?;
    let text = params::body(&request, payload, &app.context.settings, &[GEOJSON, "application/json"]).await?;
    let as_map = params::wants_geojson(&request);
    // How long a check takes depends on the ground it covers, not on the size of its document.
    let text = if as_map || text.len() > AT_ONCE_BYTES_MAX {
        blocking(move || asked.text(&asked.drawn(&text, document::json)?, as_map)).await?
    } else {
        let drawn = caught(|| asked.drawn(&text, document::json))?;
        match caught(|| asked.text_at_once(&drawn))? {
            Some(text) => text,
            None => blocking(move || asked.text(&drawn, as_map)).await?,
        }
    };
    Ok(response(text, as_map))
}

/// The largest document that is read, and whose check is tried, where it arrives, bytes: some hundred positions. To read it
/// takes some hundredths of a millisecond, a few tenths where it is not plain.
const AT_ONCE_BYTES_MAX: usize = 16 * 1024;

/// A check of drawn shapes as far as the head of a request says it: all but the shapes.
pub(super) struct Asked {
    context: Context,
    asker: Asker,
    question: Question,
    reading: document::Reading,
    measures: bool,
}

impl Asked {
    /// What the head of a request asks.
    ///
    /// # Errors
    /// [`Error::Parameter`], [`Error::Unauthenticated`].
    pub(super) fn of(request: &HttpRequest, app: &App) -> Result<Self> {
        let query = Query::of(request, PARAMETERS)?;
        let asker = asker_of(request)?;
        Ok(Self {
            question: question(request, &query, &asker, &app.context, Layer::standing())?,
            asker,
            reading: params::reading(request, &app.context.settings)?,
            measures: query.yes_or_no("measures", true)?,
            context: app.context.clone(),
        })
    }

    /// Waits for the revisions that the answer must have reached, and refuses a moment of which nobody can tell.
    ///
    /// # Errors
    /// As [`action::can_answer`].
    pub(super) fn reach(&self) -> Result<()> {
        action::can_answer(&self.context, &self.question)
    }

    /// Checks what stands on a line of a batch, and writes the answer as a line behind `text`.
    ///
    /// # Errors
    /// As [`action::check_as`], and where the line cannot be read; some of the answer may be written by then.
    pub(super) fn answer_line(&self, number: u64, line: &[u8], text: &mut Vec<u8>) -> Result<()> {
        let drawn = self.drawn(line, document::json_line)?;
        if self.measures {
            write_line(number, &self.answer::<Conflict>(&drawn)?, text);
        } else {
            write_line(number, &self.answer::<Found>(&drawn)?, text);
        }
        Ok(())
    }

    /// The same; `false`, and nothing is written, where the thread that serves would be held up.
    ///
    /// # Errors
    /// As [`Asked::answer_line`].
    pub(super) fn answer_line_at_once(&self, number: u64, line: &[u8], text: &mut Vec<u8>) -> Result<bool> {
        if line.len() > AT_ONCE_BYTES_MAX {
            return Ok(false);
        }
        let drawn = self.drawn(line, document::json_line)?;
        let written = if self.measures {
            self.answer_at_once::<Conflict>(&drawn)?.map(|answer| write_line(number, &answer, text))
        } else {
            self.answer_at_once::<Found>(&drawn)?.map(|answer| write_line(number, &answer, text))
        };
        Ok(written.is_some())
    }

    fn answer<C: Listed>(&self, drawn: &[Drawn]) -> Result<Answer<C>> {
        action::check_as(&self.context, &self.asker, drawn, &self.question)
    }

    fn answer_at_once<C: Listed>(&self, drawn: &[Drawn]) -> Result<Option<Answer<C>>> {
        action::check_at_once(&self.context, &self.asker, drawn, &self.question).transpose()
    }

    fn text(&self, drawn: &[Drawn], as_map: bool) -> Result<Vec<u8>> {
        if self.measures {
            written(&self.context, &self.asker, &self.answer::<Conflict>(drawn)?, as_map)
        } else {
            written(&self.context, &self.asker, &self.answer::<Found>(drawn)?, as_map)
        }
    }

    /// `None` where the thread that serves would be held up.
    fn text_at_once(&self, drawn: &[Drawn]) -> Result<Option<Vec<u8>>> {
        Ok(if self.measures {
            self.answer_at_once::<Conflict>(drawn)?.map(|answer| as_row(&answer, None).text())
        } else {
            self.answer_at_once::<Found>(drawn)?.map(|answer| as_row(&answer, None).text())
        })
    }

    /// Reads a document; `tree` does where it is not plain.
    fn drawn(&self, text: &[u8], tree: impl FnOnce(&[u8]) -> Result<Json>) -> Result<Vec<Drawn>> {
        let subjects_max = self.context.settings.subjects_max;
        let subjects = match plain::subjects(text, self.reading, subjects_max) {
            Some(subjects) => subjects,
            None => wire::subjects(&tree(text)?, self.reading, subjects_max)?,
        };
        let drawn = subjects.into_iter().map(|s| Drawn {
            name: s.name,
            pointer: s.pointer,
            delivered: s.delivered,
            accuracy: s.accuracy,
            clearance_m: s.clearance_m,
            kind: s.kind,
        });
        Ok(drawn.collect())
    }
}

fn write_line<C: Listed>(number: u64, answer: &Answer<C>, text: &mut Vec<u8>) {
    as_row(answer, Some(number)).write(text);
    text.push(b'\n');
}

/// `GET /api/{noun}/{id}/conflicts`
///
/// # Errors
/// As [`action::check_stored_as`].
pub async fn check_stored<T: Served>(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Response {
    let query = Query::of(&request, PARAMETERS)?;
    let asker = asker_of(&request)?;
    let id = path_id(&id, T::WORD)?;
    let question = question(&request, &query, &asker, &app.context, usual_layers(T::LAYER))?;
    let as_map = params::wants_geojson(&request);
    let measures = query.yes_or_no("measures", true)?;
    let context = app.context.clone();
    let text = blocking(move || {
        if measures {
            let answer = action::check_stored_as::<T, Conflict>(&context, &asker, id, &question)?;
            written(&context, &asker, &answer, as_map)
        } else {
            let answer = action::check_stored_as::<T, Found>(&context, &asker, id, &question)?;
            written(&context, &asker, &answer, as_map)
        }
    })
    .await?;
    Ok(response(text, as_map))
}

fn question(
    request: &HttpRequest,
    query: &Query,
    asker: &Asker,
    context: &Context,
    usual: Vec<Layer>,
) -> Result<Question> {
    let settings = &context.settings;
    let mut min_revision = params::min_revision(request)?;
    min_revision.extend(action::owed_to(context, &asker.actor));
    let limit = query.limit(settings.conflicts_limit_default, settings.conflicts_limit_max)?;
    let as_of = query.moment("as-of")?;
    Ok(Question {
        against: query.text("against").map(layers).transpose()?.unwrap_or(usual),
        clearance: query.metres("clearance_m", CLEARANCE_MAX_M)?.and_then(|m| Metres::new(m).ok()),
        // What was known then is asked of that day, unless another is named.
        at: query.moment("at")?.or(as_of).unwrap_or_else(clock::now),
        as_of,
        limit: limit as usize,
        min_revision,
    })
}

fn response(text: Vec<u8>, as_map: bool) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(if as_map { GEOJSON } else { "application/json" })
        .insert_header((VARY, "Accept, Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(text)
}

/// What an answer lists, as the wire writes it.
pub(crate) trait Listed: Detail {
    /// Its shape on the wire.
    type Row<'a>: Row
    where
        Self: 'a;

    /// Its shape on the wire.
    fn row(&self) -> Self::Row<'_>;

    /// The code of the feature met.
    fn code(&self) -> &str;
}

impl Listed for Conflict {
    type Row<'a> = ConflictRow<'a>;

    fn row(&self) -> ConflictRow<'_> {
        ConflictRow {
            found: FoundRow {
                jurisdiction: &self.jurisdiction,
                layer: self.layer,
                id: self.id,
                code: &self.code,
                kind: self.kind,
                severity: self.severity,
            },
            clearance: self.clearance,
            rule: &self.rule,
            accuracy: self.accuracy,
            accuracy_source: self.accuracy_source,
            accuracy_rule: self.accuracy_rule.as_deref(),
            finding: &self.finding,
        }
    }

    fn code(&self) -> &str {
        &self.code
    }
}

impl Listed for Found {
    type Row<'a> = FoundRow<'a>;

    fn row(&self) -> FoundRow<'_> {
        FoundRow {
            jurisdiction: &self.jurisdiction,
            layer: self.layer,
            id: self.id,
            code: &self.code,
            kind: self.kind,
            severity: self.severity,
        }
    }

    fn code(&self) -> &str {
        &self.code
    }
}

/// An answer as JSON, or as features for a map.
pub(crate) fn written<'r, C: Listed>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    answer: &Answer<C>,
    as_map: bool,
) -> Result<Vec<u8>> {
    if !as_map {
        return Ok(as_row(answer, None).text());
    }
    let features = as_features(context, reader.into(), answer)?;
    serde_json::to_vec(&features).map_err(|e| Error::Internal(format!("an answer that cannot be written: {e}")))
}

fn checked<C>(answer: &Answer<C>) -> Vec<CheckedRow<'_>> {
    let rows = answer.checked.iter().map(|c| CheckedRow {
        jurisdiction: &c.jurisdiction,
        layer: c.layer.as_str(),
        features: c.features,
        coverage: c.coverage.unwrap_or(Coverage::Undeclared).as_str(),
    });
    rows.collect()
}

fn as_row<C: Listed>(answer: &Answer<C>, line: Option<u64>) -> AnswerRow<'_, C::Row<'_>> {
    let results = answer.results.iter().map(|r| ResultRow {
        subject: &r.subject,
        conflict_count: r.conflict_count,
        truncated: r.conflict_count > r.conflicts.len(),
        coverage: r.coverage.as_str(),
        layers: layers_of(r),
        counts: r.counts,
        notice: r.notice,
        not_checked: not_checked_of(r),
        clearances: &r.clearances,
        conflicts: r.conflicts.iter().map(Listed::row).collect(),
    });
    AnswerRow {
        line,
        revision: &answer.revisions,
        as_of: answer.as_of,
        checked: checked(answer),
        results: results.collect(),
    }
}

fn as_features<C: Listed>(context: &Context, reader: Reader<'_>, answer: &Answer<C>) -> Result<Json> {
    let mut stored: BTreeMap<Uuid, Map<String, Json>> = BTreeMap::new();
    for layer in Layer::all() {
        with_noun!(layer, N => {
            let found = action::features_of::<N, C>(context, reader, answer)?;
            stored.extend(found.iter().map(|(id, f)| (*id, feature::write(f))));
        });
    }
    let mut features = Vec::new();
    let (mut not_checked, mut notices, mut clearances) = (Vec::new(), Vec::new(), Vec::new());
    for result in &answer.results {
        clearances.push(json!({"subject": result.subject, "clearances": clearances_json(&result.clearances)}));
        if result.notice {
            notices.push(json!({"subject": result.subject, "notice": Notice::RESTRICTED}));
        }
        if result.not_checked.is_some() {
            not_checked.push(json!({"subject": result.subject, "ground": not_checked_of(result)}));
        }
        for conflict in &result.conflicts {
            let (_, id) = conflict.feature();
            // What was deleted since the snapshot has no shape any more; the conflict is shown all the same.
            let shown = stored.get(&id).cloned().unwrap_or_else(|| {
                let mut gone = Map::new();
                gone.insert("type".into(), json!("Feature"));
                gone.insert("id".into(), json!(id));
                gone.insert("geometry".into(), Json::Null);
                gone.insert("properties".into(), json!({"code": conflict.code()}));
                gone
            });
            features.push(with_conflict(shown, &result.subject, &conflict.row()));
        }
    }
    let truncated = answer.results.iter().any(|r| r.conflict_count > r.conflicts.len());
    let mut map = json!({
        "type": "FeatureCollection",
        "revision": answer.revisions,
        "checked": checked(answer),
        "truncated": truncated,
        "clearances": clearances,
        "notices": notices,
        "not_checked": not_checked,
        "features": features,
    });
    if let Some(moment) = answer.as_of {
        map["as_of"] = json!(moment.to_string());
    }
    Ok(map)
}

/// What each layer says of a subject's ground.
fn layers_of<C>(result: &SubjectResult<C>) -> Vec<LayerRow<'_>> {
    let rows = result.layers.iter().map(|l| LayerRow {
        jurisdiction: &l.jurisdiction,
        layer: l.layer.as_str(),
        coverage: l.coverage.as_str(),
    });
    rows.collect()
}

fn not_checked_of<C>(result: &SubjectResult<C>) -> Json {
    let Some(not_checked) = &result.not_checked else { return Json::Null };
    let outside = not_checked.outside.as_ref().map(|(reason, ground)| (reason.as_str(), ground.as_ref()));
    let gaps: Vec<GapRow<'_>> = not_checked.not_covered.iter().map(gap).collect();
    write_not_checked(outside, &gaps, not_checked.hint.as_deref())
}

/// A layer that does not answer for all of a subject's ground, as the wire writes it.
pub(crate) fn gap(gap: &NotCovered) -> GapRow<'_> {
    let NotCovered { layer, coverage, reason, since, ground } = gap;
    GapRow { layer: *layer, coverage: *coverage, reason: *reason, since: *since, ground: ground.as_ref() }
}
