//! GeoJSON files to records: collections, single features, features line by line, text sequences.
//!
//! The text of a collection is followed member by member and only one feature of it is ever in memory.

use serde_json::Value as Json;

use super::cut::Cut;
use super::feature::{Maker, NotJson, parse};
use super::feed::{Feed, RECORD_SEPARATOR};
use super::{Format, Place, ReadError, ReadOptions, Record, Unit};
use crate::geometry::encoding::geojson as decode;

/// Bytes of a `crs` or `type` member of a collection; the longest in use has about 120.
const MEMBER_BYTES_MAX: usize = 64 * 1024;

/// What comes next in the text.
enum State {
    /// The first object.
    Start,
    /// A feature of a collection, the first of it if `true`.
    Features(bool),
    /// What follows a single feature or geometry: nothing, or more of them.
    AfterOne,
    /// A feature on a line of its own, or up to the next byte of this value.
    Lines(u8),
}

/// Reads the features of one file.
pub(super) struct Features {
    pub(super) feed: Feed,
    pub(super) maker: Maker,
    state: State,
    record: Cut,
    member: Cut,
    /// It has said so, or has shown its features.
    is_collection: bool,
    number: u64,
    record_bytes_max: usize,
}

impl Features {
    pub(super) fn open(feed: Feed, format: Format, options: &ReadOptions) -> Result<Self, ReadError> {
        let mut all = Self {
            feed,
            maker: Maker::new(options)?,
            state: State::Start,
            record: Cut::new(options.record_bytes_max),
            member: Cut::new(MEMBER_BYTES_MAX),
            is_collection: false,
            number: 0,
            record_bytes_max: options.record_bytes_max,
        };
        all.feed.skip_while(|byte| byte.is_ascii_whitespace())?;
        match (all.feed.peek()?, format) {
            (Some(RECORD_SEPARATOR), _) => all.state = State::Lines(RECORD_SEPARATOR),
            (_, Format::GeoJsonLines) => all.state = State::Lines(b'\n'),
            (Some(b'{'), _) => {}
            (Some(b'['), _) => {
                return Err(ReadError::refused(
                    "the file starts with a list; GeoJSON starts with an object such as a FeatureCollection",
                ));
            }
            _ => return Err(ReadError::refused("the file is not GeoJSON: it does not start with «{»")),
        }
        Ok(all)
    }

    pub(super) fn format(&self) -> Format {
        if matches!(self.state, State::Lines(_)) { Format::GeoJsonLines } else { Format::GeoJson }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.record.bytes.capacity() + self.member.bytes.capacity()
    }

    pub(super) fn next_record(&mut self) -> Option<Result<Record, ReadError>> {
        loop {
            let step = match self.state {
                State::Start => self.head(),
                State::Features(first) => self.element(first),
                State::AfterOne => self.after_one(),
                State::Lines(end) => self.line(end),
            };
            match step {
                Ok(Step::Record(record)) => return Some(Ok(record)),
                Ok(Step::Again) => {}
                Ok(Step::End) => return None,
                Err(why) => return Some(Err(why)),
            }
        }
    }

    /// Begins the next feature here.
    fn begin(&mut self) -> Start {
        self.number += 1;
        self.record.clear();
        let line = self.feed.line();
        let has_lines = line > 1 || matches!(self.state, State::Lines(_));
        Start {
            place: Place { unit: Unit::Feature, number: self.number, line: has_lines.then_some(line) },
            offset: self.feed.offset(),
        }
    }

    /// Nothing can be read beyond this byte.
    fn fatal(&self, place: Option<Place>, detail: impl Into<String>) -> ReadError {
        ReadError::Fatal { place, offset: self.feed.offset(), detail: detail.into() }
    }

    fn cut_off(&self, place: Place) -> ReadError {
        self.fatal(Some(place), format!("the file is cut off: it ends inside {place}"))
    }

    fn cut_off_between(&self) -> ReadError {
        let place = match self.number {
            0 if self.is_collection => "before the first feature".to_owned(),
            0 => "inside its first object".to_owned(),
            number => format!("after feature {number}, before the collection is closed"),
        };
        self.fatal(None, format!("the file is cut off: it ends {place}"))
    }

    /// Reads the first object: up to the features of a collection, or to its end if it is something else.
    fn head(&mut self) -> Result<Step, ReadError> {
        let start = self.begin();
        self.number = 0;
        self.record.byte(&mut self.feed)?;
        loop {
            self.record.space(&mut self.feed)?;
            match self.feed.peek()? {
                Some(b'}') => break,
                Some(b'"') => {}
                Some(b',') => {
                    self.record.byte(&mut self.feed)?;
                    continue;
                }
                None => return Err(self.cut_off_between()),
                Some(_) => return Err(self.no_member()),
            }
            let name = self.member_name()?;
            if name == "features" && self.feed.peek()? == Some(b'[') {
                self.feed.step(1);
                self.record.clear();
                self.is_collection = true;
                self.state = State::Features(true);
                return Ok(Step::Again);
            }
            if !self.member_value(&name)? {
                return Err(self.cut_off_between());
            }
        }
        self.record.byte(&mut self.feed)?;
        self.number = 1;
        self.state = State::AfterOne;
        self.whole(&start)
    }

    /// Reads a name and its colon; what follows is the value.
    fn member_name(&mut self) -> Result<String, ReadError> {
        self.member.clear();
        if !self.member.value(&mut self.feed)? {
            return Err(self.cut_off_between());
        }
        self.record.push(&self.member.bytes);
        let name = serde_json::from_slice(&self.member.bytes).unwrap_or_default();
        self.record.space(&mut self.feed)?;
        match self.feed.peek()? {
            Some(b':') => {}
            None => return Err(self.cut_off_between()),
            Some(_) => return Err(self.no_member()),
        }
        self.record.byte(&mut self.feed)?;
        self.record.space(&mut self.feed)?;
        Ok(name)
    }

    /// Reads the value of the member `name` of a collection and checks those that matter. False at the end
    /// of the file.
    fn member_value(&mut self, name: &str) -> Result<bool, ReadError> {
        if name != "crs" && name != "type" {
            return self.record.value(&mut self.feed);
        }
        self.member.clear();
        let whole = self.member.value(&mut self.feed)?;
        self.record.push(&self.member.bytes);
        if whole {
            let value = serde_json::from_slice::<Json>(&self.member.bytes);
            if name == "crs" {
                // Never ignored, not even where it is no JSON or too long to be kept.
                let value = value.map_err(|_| self.fatal(None, "the collection's crs cannot be read"))?;
                self.maker.check_crs(&value).map_err(|problem| {
                    self.fatal(None, format!("the collection's crs{} {}", problem.pointer, problem.detail))
                })?;
                return Ok(whole);
            }
            // A type that is no JSON is named by whoever reads the whole object.
            let value = value.unwrap_or_default();
            match value.as_str() {
                Some("Topology") => return Err(self.fatal(None, "the file is TopoJSON; save it as GeoJSON")),
                Some("FeatureCollection") => self.is_collection = true,
                _ => {}
            }
        }
        Ok(whole)
    }

    fn no_member(&self) -> ReadError {
        self.fatal(None, format!("the file is not JSON at byte {}: a member name belongs there", self.feed.offset()))
    }

    /// The first object was read whole and is no collection with features, or should not be.
    fn whole(&mut self, start: &Start) -> Result<Step, ReadError> {
        if self.record.is_too_long() {
            return Err(self.too_long(start));
        }
        let value = self.parse(start)?;
        if value.get("type").and_then(Json::as_str) == Some("FeatureCollection") {
            let features = match value.get("features") {
                None => "has no features".to_owned(),
                Some(other) => format!("has features that are {}; an array belongs there", decode::describe(other)),
            };
            return Err(self.fatal(None, format!("the FeatureCollection {features}")));
        }
        self.maker.record(value, start.place).map(Step::Record)
    }

    /// After a single object: the end, or one object a line whatever the name of the file said.
    fn after_one(&mut self) -> Result<Step, ReadError> {
        self.feed.skip_while(|byte| byte.is_ascii_whitespace())?;
        match self.feed.peek()? {
            None => return Ok(Step::End),
            Some(b'{') => self.state = State::Lines(b'\n'),
            Some(RECORD_SEPARATOR) => self.state = State::Lines(RECORD_SEPARATOR),
            Some(_) => return Err(self.trailing("the first object")),
        }
        Ok(Step::Again)
    }

    fn trailing(&self, what: &str) -> ReadError {
        self.fatal(None, format!("the file goes on after {what} ends, at byte {}", self.feed.offset()))
    }

    /// The next feature of a collection.
    fn element(&mut self, first: bool) -> Result<Step, ReadError> {
        self.feed.skip_while(|byte| byte.is_ascii_whitespace())?;
        match self.feed.peek()? {
            None => return Err(self.cut_off_between()),
            Some(b']') if first => return self.tail(),
            Some(_) if first => {}
            Some(b']') => return self.tail(),
            Some(b',') => {
                self.feed.step(1);
                self.feed.skip_while(|byte| byte.is_ascii_whitespace())?;
            }
            Some(byte) => {
                let detail = format!(
                    "feature {} is followed by «{}» at byte {}; a comma or the end of the collection belongs there",
                    self.number,
                    byte.escape_ascii(),
                    self.feed.offset()
                );
                return Err(self.fatal(None, detail));
            }
        }
        self.state = State::Features(false);
        let start = self.begin();
        match self.feed.peek()? {
            None => return Err(self.cut_off_between()),
            Some(b',' | b']') => {
                let detail = "is missing: there is a comma without a feature";
                return Err(ReadError::record(start.place, "", detail));
            }
            Some(b'}' | b':') => return Err(self.fatal(Some(start.place), format!("{} is not JSON", start.place))),
            Some(_) => {}
        }
        if !self.record.value(&mut self.feed)? {
            return Err(self.cut_off(start.place));
        }
        if self.record.is_too_long() {
            return Err(self.too_long(&start));
        }
        let value = self.parse(&start)?;
        self.maker.feature(value, start.place).map(Step::Record)
    }

    /// What follows the features of a collection, to the end of the file.
    fn tail(&mut self) -> Result<Step, ReadError> {
        self.feed.step(1);
        loop {
            self.feed.skip_while(|byte| byte.is_ascii_whitespace())?;
            match self.feed.peek()? {
                None => return Err(self.cut_off_between()),
                Some(b'}') => break,
                Some(b',') => self.feed.step(1),
                Some(b'"') => {
                    // What was kept of one member is forgotten with the next.
                    self.record.clear();
                    let name = self.member_name()?;
                    if name == "features" {
                        return Err(self.fatal(None, "the collection has features twice"));
                    }
                    if !self.member_value(&name)? {
                        return Err(self.cut_off_between());
                    }
                }
                Some(_) => return Err(self.no_member()),
            }
        }
        self.feed.step(1);
        self.feed.skip_while(|byte| byte.is_ascii_whitespace())?;
        match self.feed.peek()? {
            None => Ok(Step::End),
            Some(_) => Err(self.trailing("the collection")),
        }
    }

    /// The next feature of a file that has one a line, or each behind a separator.
    fn line(&mut self, end: u8) -> Result<Step, ReadError> {
        self.feed.skip_while(|byte| byte.is_ascii_whitespace() || byte == RECORD_SEPARATOR)?;
        if self.feed.peek()?.is_none() {
            return Ok(Step::End);
        }
        let start = self.begin();
        let ended = self.record.line(&mut self.feed, end, RECORD_SEPARATOR)?;
        if self.record.is_too_long() {
            return Err(self.too_long(&start));
        }
        match parse(&self.record.bytes, start.offset) {
            Ok(value) => self.maker.record(value, start.place).map(Step::Record),
            Err(NotJson { breaks_off: true, .. }) if !ended => Err(self.cut_off(start.place)),
            Err(NotJson { detail, .. }) => Err(ReadError::record(start.place, "", detail)),
        }
    }

    fn parse(&self, start: &Start) -> Result<Json, ReadError> {
        parse(&self.record.bytes, start.offset).map_err(|why| ReadError::record(start.place, "", why.detail))
    }

    fn too_long(&self, start: &Start) -> ReadError {
        let detail = format!("has {} bytes; at most {} are taken", self.record.length, self.record_bytes_max);
        ReadError::record(start.place, "", detail)
    }
}

/// What one step through the text gave.
enum Step {
    Record(Record),
    Again,
    End,
}

/// Where a feature starts.
struct Start {
    place: Place,
    offset: u64,
}
