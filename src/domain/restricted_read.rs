//! Who looked at what: what is kept of an answer that showed somebody restricted features.

use jiff::Timestamp;
use uuid::Uuid;

use super::layer::Layer;

/// The restricted features of one layer and jurisdiction that one answer showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestrictedRead {
    /// Its own id, by which it is written once.
    pub id: Uuid,
    /// When the answer was made, to the microsecond.
    pub read_at: Timestamp,
    /// Who looked.
    pub actor: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// In which request, as the log knows it.
    pub request_id: String,
    /// The path of the route, or the command.
    pub door: String,
    /// Of which jurisdiction.
    pub jurisdiction: String,
    /// Of which layer; what is read back may be of one that there is no more.
    pub layer: String,
    /// The features.
    pub ids: Vec<Uuid>,
}

/// What a row takes in memory besides its ids and its texts, bytes.
const ROW_BYTES: usize = size_of::<RestrictedRead>();

/// A feature that is shown: its layer, its jurisdiction and its id.
pub type Shown<'a> = (Layer, &'a str, Uuid);

impl RestrictedRead {
    /// What it takes in memory, bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = [&self.actor, &self.request_id, &self.door, &self.jurisdiction, &self.layer];
        let texts = texts.into_iter().chain(&self.organisation).map(String::len).sum::<usize>();
        ROW_BYTES + texts + self.ids.len() * size_of::<Uuid>()
    }
}

/// Features by layer and jurisdiction, each named once, in the order of their ids.
pub fn by_ground<'a>(shown: impl Iterator<Item = Shown<'a>>) -> Vec<(Layer, &'a str, Vec<Uuid>)> {
    let mut grounds: Vec<(Layer, &str, Vec<Uuid>)> = Vec::new();
    for (layer, jurisdiction, id) in shown {
        // An answer is of few layers and jurisdictions, and names those of one in a row.
        match grounds.iter_mut().rev().find(|(l, j, _)| *l == layer && *j == jurisdiction) {
            Some((_, _, ids)) => ids.push(id),
            None => grounds.push((layer, jurisdiction, vec![id])),
        }
    }
    for (_, _, ids) in &mut grounds {
        ids.sort_unstable();
        ids.dedup();
    }
    grounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_by_layer_and_jurisdiction() {
        let id = Uuid::from_u128;
        let (works, corridors) = (Layer::Works, Layer::Corridors);
        let shown = [
            (works, "VN-72", id(3)),
            (corridors, "VN-72", id(1)),
            (works, "VN-72", id(2)),
            (works, "VN-35", id(4)),
            (works, "VN-72", id(3)),
        ];
        let expect = vec![
            (works, "VN-72", vec![id(2), id(3)]),
            (corridors, "VN-72", vec![id(1)]),
            (works, "VN-35", vec![id(4)]),
        ];
        assert_eq!(by_ground(shown.into_iter()), expect);
        assert!(by_ground(std::iter::empty()).is_empty());
    }
}
