//! What somebody says of the column he asks for, read into words: every problem with its place.

use super::subject::{ANTENNAS_MAX, Antenna, EIRP_MAX_W, EIRP_MIN_W, Subject};
use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::fields::{Fields, Reading, Value};
use crate::domain::reference::ELEVATION_M;
use crate::domain::word::Word;
use crate::domain::work::{ACCURACY_MAX_M, HEIGHT_MAX_M, WorkKind};
use crate::geometry::Problem;

/// The properties of a column that is asked for. `antennas` is a list of objects ([`ANTENNA`]).
pub const KNOWN: &[&str] = &[
    "name",
    "kind",
    "column_class",
    "height_agl_m",
    "ground_amsl_m",
    "position_accuracy_m",
    "organisation",
    "request",
    "antennas",
    "starts_on",
    "ends_on",
];

/// The members of an antenna.
pub const ANTENNA: &[&str] = &["frequency_mhz", "eirp_w", "eirp_dbm", "azimuth_deg", "height_agl_m", "beamwidth_deg"];

/// Frequencies that are radio, MHz: 9 kHz to 300 GHz (ITU Radio Regulations, article 5).
const FREQUENCY_MHZ: [f64; 2] = [0.009, 300_000.0];

fn number(number: Option<f64>) -> Value {
    number.map_or(Value::Null, Value::Number)
}

fn written(named: Vec<(&'static str, Value)>) -> Fields {
    Fields(named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Watts of a level in dBm.
fn watts(dbm: f64) -> f64 {
    10_f64.powf((dbm - 30.0) / 10.0)
}

impl Subject {
    /// Reads the properties of a column with antennas that were read already.
    ///
    /// # Errors
    /// Every problem, at `/properties/…`.
    pub fn read(fields: &Fields, antennas: Vec<Antenna>) -> Result<Self, Vec<Problem>> {
        let mut r = Reading::new(fields, KNOWN, &[]);
        let height = r.number("height_agl_m", f64::MIN_POSITIVE, HEIGHT_MAX_M);
        let height = r.required("height_agl_m", height);
        let (starts_on, ends_on) = (r.date("starts_on"), r.date("ends_on"));
        if let (Some(first), Some(last)) = (starts_on, ends_on)
            && last < first
        {
            r.wrong("ends_on", format!("{last} is before starts_on {first}"));
        }
        if antennas.len() > ANTENNAS_MAX {
            r.wrong("antennas", format!("has {} antennas; the limit is {ANTENNAS_MAX}", antennas.len()));
        }
        if let Some(height) = height {
            for (n, antenna) in antennas.iter().enumerate() {
                if let Some(above) = antenna.height_agl_m.filter(|h| *h > height) {
                    r.wrong(
                        &format!("antennas/{n}/height_agl_m"),
                        format!("{above} m is above the column's {height} m"),
                    );
                }
            }
        }
        let request = r.text("request");
        if let Some(text) = request.as_ref().filter(|text| text.parse::<Uuid>().is_err()) {
            r.wrong("request", format!("«{text}» is not a UUID"));
        }
        let subject = Self {
            kind: r.word("kind").unwrap_or(WorkKind::Mast),
            column_class: r.word("column_class"),
            height_agl_m: height.unwrap_or(0.0),
            ground_amsl_m: r.number("ground_amsl_m", ELEVATION_M[0], ELEVATION_M[1]),
            accuracy_m: r.number("position_accuracy_m", 0.0, ACCURACY_MAX_M).unwrap_or(0.0),
            organisation: r.text("organisation"),
            request: request.and_then(|text| text.parse().ok()),
            antennas,
            starts_on,
            ends_on,
        };
        r.text("name");
        r.finish(height.map(|_| subject))
    }

    /// What [`Subject::read`] reads, besides the antennas.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
        let day = |day: Option<Date>| text(day.map(|day| day.to_string()));
        written(vec![
            ("kind", Value::Text(self.kind.as_str().into())),
            ("column_class", text(self.column_class.map(|class| class.as_str().into()))),
            ("height_agl_m", Value::Number(self.height_agl_m)),
            ("ground_amsl_m", number(self.ground_amsl_m)),
            ("position_accuracy_m", Value::Number(self.accuracy_m)),
            ("organisation", text(self.organisation.clone())),
            ("request", text(self.request.map(|id| id.to_string()))),
            ("starts_on", day(self.starts_on)),
            ("ends_on", day(self.ends_on)),
        ])
    }
}

impl Antenna {
    /// Reads an antenna. Its power is stated in watts or in dBm, and what no network radiates is of another unit.
    ///
    /// # Errors
    /// Every problem, at `/…`.
    pub fn read(fields: &Fields) -> Result<Self, Vec<Problem>> {
        let mut r = Reading::of_document(fields, ANTENNA);
        let [low, high] = FREQUENCY_MHZ;
        let frequency_mhz = r.number("frequency_mhz", low, high);
        let frequency_mhz = r.required("frequency_mhz", frequency_mhz);
        let (in_watts, in_dbm) = (r.number("eirp_w", f64::MIN, f64::MAX), r.number("eirp_dbm", f64::MIN, f64::MAX));
        if let Some(eirp) = in_watts.filter(|w| !(EIRP_MIN_W..=EIRP_MAX_W).contains(w)) {
            let detail = "W is implausible: an antenna of a network radiates";
            r.wrong(
                "eirp_w",
                format!("{eirp} {detail} {EIRP_MIN_W} to {EIRP_MAX_W} W; state watts here, or dBm as eirp_dbm"),
            );
        }
        let of_dbm = in_dbm.map(watts);
        // From 10 to 80 a number is as plausible in the one unit as in the other, and nobody can tell; the answer says how many
        // watts were understood.
        let is_plausible = |watts: f64| (EIRP_MIN_W..=EIRP_MAX_W).contains(&watts);
        if let Some(level) = in_dbm.filter(|level| !is_plausible(watts(*level))) {
            let does = "is implausible: an antenna of a network radiates 10 to 80 dBm;";
            let detail = if is_plausible(level) {
                format!("{level} dBm {does} {level} W is plausible: state watts as eirp_w")
            } else {
                format!("{level} dBm {does} state dBm here, or watts as eirp_w")
            };
            r.wrong("eirp_dbm", detail);
        }
        if in_watts.is_some() && in_dbm.is_some() {
            r.wrong("eirp_dbm", "stands beside eirp_w: state one of the two");
        }
        let eirp_w = in_watts.or(of_dbm);
        let eirp_w = if in_dbm.is_some() { eirp_w } else { r.required("eirp_w", eirp_w) };
        let antenna = frequency_mhz.zip(eirp_w).map(|(frequency_mhz, eirp_w)| Self {
            frequency_mhz,
            eirp_w,
            azimuth_deg: r.number("azimuth_deg", 0.0, 360.0),
            height_agl_m: r.number("height_agl_m", 0.0, HEIGHT_MAX_M),
            beamwidth_deg: r.number("beamwidth_deg", 1.0, 360.0),
        });
        r.finish(antenna)
    }

    /// What [`Antenna::read`] reads.
    #[must_use]
    pub fn fields(&self) -> Fields {
        written(vec![
            ("frequency_mhz", Value::Number(self.frequency_mhz)),
            ("eirp_w", Value::Number(self.eirp_w)),
            ("azimuth_deg", number(self.azimuth_deg)),
            ("height_agl_m", number(self.height_agl_m)),
            ("beamwidth_deg", number(self.beamwidth_deg)),
        ])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::fields::Value;

    fn fields(pairs: &[(&str, Value)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn told<T>(read: Result<T, Vec<Problem>>) -> Vec<String> {
        read.err().unwrap().iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect()
    }

    #[test]
    fn what_cannot_be_built_is_refused_with_all_that_is_wrong() {
        let antenna = Antenna {
            frequency_mhz: 900.0,
            eirp_w: 100.0,
            azimuth_deg: None,
            height_agl_m: Some(50.0),
            beamwidth_deg: None,
        };
        let column = fields(&[
            ("height_agl_m", Value::Number(-5.0)),
            ("column_class", Value::Text("A9".into())),
            ("colour", Value::Text("red".into())),
            ("starts_on", Value::Text("2026-05-02".into())),
            ("ends_on", Value::Text("2026-05-01".into())),
        ]);
        let problems = told(Subject::read(&column, vec![antenna]));
        assert_eq!(problems.len(), 4, "{problems:#?}");
        assert!(
            problems.iter().any(|p| p.starts_with("/properties/height_agl_m is -5; it must lie between")),
            "{problems:#?}"
        );
        assert!(problems.iter().any(|p| p.starts_with("/properties/column_class «A9» is not known here")));
        assert!(problems.iter().any(|p| p.starts_with("/properties/colour is not a property")));
        assert!(problems.iter().any(|p| p.starts_with("/properties/ends_on 2026-05-01 is before")));
        let low = fields(&[("height_agl_m", Value::Number(42.0))]);
        assert_eq!(
            told(Subject::read(&low, vec![antenna])),
            ["/properties/antennas/0/height_agl_m 50 m is above the column's 42 m"]
        );
        assert_eq!(told(Subject::read(&fields(&[]), Vec::new())), ["/properties/height_agl_m is missing"]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let antenna = Antenna {
            frequency_mhz: 1_800.1,
            eirp_w: 0.1 + 0.2,
            azimuth_deg: Some(0.0),
            height_agl_m: None,
            beamwidth_deg: Some(65.0),
        };
        assert_eq!(Antenna::read(&antenna.fields()).unwrap(), antenna);
        let subject = Subject {
            kind: WorkKind::Mast,
            column_class: None,
            height_agl_m: 42.3,
            ground_amsl_m: Some(-1.0),
            accuracy_m: 0.0,
            organisation: Some("viettel".into()),
            request: Some(Uuid::nil()),
            antennas: vec![antenna],
            starts_on: Some(jiff::civil::date(2026, 5, 1)),
            ends_on: None,
        };
        assert_eq!(Subject::read(&subject.fields(), vec![antenna]).unwrap(), subject);
    }

    #[test]
    fn there_is_one_zero() {
        let read = |name: &str| {
            let all = [("height_agl_m", Value::Number(42.0)), (name, Value::Number(-0.0))];
            let subject = Subject::read(&fields(&all), Vec::new()).unwrap();
            let Some(Value::Number(number)) = subject.fields().get(name).cloned() else { panic!("{name}") };
            number.to_bits()
        };
        assert_eq!(["ground_amsl_m", "position_accuracy_m"].map(read), [0, 0]);
    }

    #[test]
    fn power_is_in_watts_or_in_dbm() {
        let eirp = |name: &str, value: f64| {
            Antenna::read(&fields(&[("frequency_mhz", Value::Number(900.0)), (name, Value::Number(value))]))
        };
        assert!((eirp("eirp_dbm", 60.0).unwrap().eirp_w - 1_000.0).abs() < 1e-9);
        assert!((eirp("eirp_w", 1_000.0).unwrap().eirp_w - 1_000.0).abs() < 1e-9);
        for (name, value, at) in [
            ("eirp_w", 1_000_000.0, "/eirp_w 1000000 W is implausible"),
            ("eirp_w", -5.0, "/eirp_w -5 W is implausible"),
            ("eirp_dbm", 1_000.0, "/eirp_dbm 1000 dBm is implausible"),
            ("eirp_dbm", -70.0, "/eirp_dbm -70 dBm is implausible"),
        ] {
            let problems = told(eirp(name, value));
            assert!(problems.iter().any(|p| p.starts_with(at)), "{problems:?}");
        }
        // Plausible as watts alone is told so.
        for (level, is) in [(9.9, true), (80.1, true), (500.0, true), (100_001.0, false), (-1.0, false)] {
            let problems = told(eirp("eirp_dbm", level));
            let says_so = problems[0].ends_with(&format!("{level} W is plausible: state watts as eirp_w"));
            assert_eq!((problems.len(), says_so), (1, is), "{problems:?}");
        }
        for level in [10.0, 47.0, 80.0] {
            assert!(eirp("eirp_dbm", level).is_ok() && eirp("eirp_w", level).is_ok(), "in both units");
        }
        let both = fields(&[
            ("frequency_mhz", Value::Number(900.0)),
            ("eirp_w", Value::Number(100.0)),
            ("eirp_dbm", Value::Number(50.0)),
        ]);
        assert_eq!(told(Antenna::read(&both)), ["/eirp_dbm stands beside eirp_w: state one of the two"]);
        assert_eq!(told(Antenna::read(&fields(&[]))), ["/frequency_mhz is missing", "/eirp_w is missing"]);
    }
}
