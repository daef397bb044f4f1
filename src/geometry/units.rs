//! Numbers with units. A bare `f64` never crosses a ring as a length.

use std::fmt;

/// A length or distance in metres: finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Metres(f64);

/// The number is not a length: it is negative, infinite or not a number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is not a length in metres: it must be a finite number, zero or more")]
pub struct NotALength(pub f64);

impl Metres {
    /// No length at all.
    pub const ZERO: Metres = Metres(0.0);

    /// A length of `metres`.
    ///
    /// # Errors
    /// [`NotALength`] for negative, infinite or undefined numbers.
    pub fn new(metres: f64) -> Result<Self, NotALength> {
        if metres.is_finite() && metres >= 0.0 { Ok(Self(metres)) } else { Err(NotALength(metres)) }
    }

    /// A constant known to be a length when the program is written.
    ///
    /// # Panics
    /// At compile time, where the constant is negative or not finite.
    #[must_use]
    pub const fn constant(metres: f64) -> Self {
        assert!(metres.is_finite() && metres >= 0.0);
        Self(metres)
    }

    /// The number of metres.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The sum of two lengths.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl fmt::Display for Metres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} m", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_length() {
        for bad in [-0.001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Metres::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Metres::new(30.0).map(Metres::get), Ok(30.0));
    }
}
