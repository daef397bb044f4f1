//! Shapes of the grid as elements of an SVG.

use std::fmt::Write;

use crate::geometry::{Bounds, Coord};

/// Where on the picture a piece of the grid is shown.
#[derive(Clone, Copy)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub window: Bounds,
}

impl Frame {
    pub fn height(&self) -> f64 {
        self.width * (self.window.max[1] - self.window.min[1]) / (self.window.max[0] - self.window.min[0])
    }

    /// Pixels for a metre.
    pub fn scale(&self) -> f64 {
        self.width / (self.window.max[0] - self.window.min[0])
    }

    /// North is up.
    fn at(&self, c: Coord<f64>) -> (f64, f64) {
        let s = self.scale();
        (self.left + (c.x - self.window.min[0]) * s, self.top + (self.window.max[1] - c.y) * s)
    }
}

/// The text of a picture. Tenths of a pixel are the finest there is, so the last digits of a projection do not show.
#[derive(Default)]
pub struct Svg(String);

impl Svg {
    pub fn raw(&mut self, element: &str) {
        self.0.push_str(element);
        self.0.push('\n');
    }

    pub fn text(&mut self, x: f64, y: f64, style: &str, words: &str) {
        writeln!(self.0, r#"<text x="{x}" y="{y}" {style}>{words}</text>"#).unwrap();
    }

    /// A box of the picture itself.
    pub fn area(&mut self, [left, top, width, height]: [f64; 4], style: &str) {
        writeln!(self.0, r#"<rect x="{left}" y="{top}" width="{width:.1}" height="{height:.1}" {style}/>"#).unwrap();
    }

    /// Opens a group that shows nothing beyond a frame.
    pub fn open(&mut self, name: &str, frame: &Frame) {
        let Frame { left, top, width, .. } = *frame;
        let place = format!(r#"x="{left}" y="{top}" width="{width}" height="{:.1}""#, frame.height());
        writeln!(self.0, r#"<clipPath id="index-method-{name}"><rect {place}/></clipPath>"#).unwrap();
        writeln!(self.0, r##"<rect {place} fill="#fbfbf8" stroke="#c8c8c0"/>"##).unwrap();
        writeln!(self.0, r#"<g clip-path="url(#index-method-{name})">"#).unwrap();
    }

    pub fn close(&mut self) {
        self.raw("</g>");
    }

    /// A box; one too small to be seen is drawn three pixels wide.
    pub fn bounds(&mut self, frame: &Frame, b: &Bounds, style: &str) {
        let grow = |axis: usize| ((3.0 / frame.scale() - (b.max[axis] - b.min[axis])) / 2.0).max(0.0);
        let (gx, gy) = (grow(0), grow(1));
        let (left, top) = frame.at(Coord { x: b.min[0] - gx, y: b.max[1] + gy });
        let (right, bottom) = frame.at(Coord { x: b.max[0] + gx, y: b.min[1] - gy });
        let (width, height) = (right - left, bottom - top);
        writeln!(self.0, r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" {style}/>"#)
            .unwrap();
    }

    /// Lines, each through its places.
    pub fn lines<'a>(&mut self, frame: &Frame, lines: impl IntoIterator<Item = &'a [Coord<f64>]>, style: &str) {
        let mut path = String::new();
        for line in lines {
            let mut before = String::new();
            for (n, c) in line.iter().enumerate() {
                let (x, y) = frame.at(*c);
                let place = format!("{x:.1} {y:.1}");
                if n == 0 || place != before {
                    write!(path, "{}{place}", if n == 0 { "M" } else { "L" }).unwrap();
                }
                before = place;
            }
        }
        writeln!(self.0, r#"<path d="{path}" {style}/>"#).unwrap();
    }

    /// The whole, of this size.
    pub fn finish(self, width: f64, height: f64, says: &str) -> String {
        // The size stands in the style too, so that a narrow page shows all of it.
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" role="img" aria-label="{}" "#,
                r#"font-family="system-ui, sans-serif" font-size="13" style="max-width:100%;height:auto;background:#fff">"#,
                "\n<rect width=\"{}\" height=\"{}\" fill=\"#fff\"/>\n{}</svg>\n"
            ),
            width, height, width, says, width, height, self.0
        )
    }
}
