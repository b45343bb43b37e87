//! Ages at a session: the platform keeps whole seconds, people speak of years, months, weeks and days.

/// Seconds in a year of 365.25 days.
pub const SECONDS_PER_YEAR: i64 = 31_557_600;
/// Seconds in a month of 30 days.
pub const SECONDS_PER_MONTH: i64 = 2_592_000;
/// Seconds in a week.
pub const SECONDS_PER_WEEK: i64 = 604_800;
/// Seconds in a day.
pub const SECONDS_PER_DAY: i64 = 86_400;

/// An age in seconds, with the platform's conversions.
///
/// ```
/// use flywheel_core::age::Age;
///
/// let age = Age::from_years(42.5);
/// assert_eq!(age.seconds(), 1_341_198_000);
/// assert_eq!(age.years(), 42.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Age(i64);

macro_rules! units {
    ($($unit:literal $from:ident $to:ident $factor:ident;)*) => {$(
        #[doc = concat!("The age of this many ", $unit, ", rounded to the nearest second.")]
        pub fn $from(value: f64) -> Self {
            Self((value * $factor as f64).round() as i64)
        }

        #[doc = concat!("The age in ", $unit, ".")]
        pub fn $to(self) -> f64 {
            self.0 as f64 / $factor as f64
        }
    )*};
}

impl Age {
    /// The age of this many seconds.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The age in seconds.
    pub fn seconds(self) -> i64 {
        self.0
    }

    units! {
        "years of 365.25 days" from_years years SECONDS_PER_YEAR;
        "months of 30 days" from_months months SECONDS_PER_MONTH;
        "weeks" from_weeks weeks SECONDS_PER_WEEK;
        "days" from_days days SECONDS_PER_DAY;
    }
}

impl From<Age> for i64 {
    /// The age in seconds, as the platform stores it.
    fn from(age: Age) -> Self {
        age.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn conversions_use_the_platforms_factors() {
        let age = Age::from_seconds(SECONDS_PER_YEAR * 2);
        assert_eq!((age.years(), age.months(), age.weeks(), age.days()), (2.0, 24.35, 730.5 / 7.0, 730.5));
    }

    proptest! {
        #[test]
        fn seconds_survive_every_unit(seconds in 0i64..5_000_000_000) {
            let age = Age::from_seconds(seconds);
            prop_assert_eq!(Age::from_years(age.years()), age);
            prop_assert_eq!(Age::from_months(age.months()), age);
            prop_assert_eq!(Age::from_weeks(age.weeks()), age);
            prop_assert_eq!(Age::from_days(age.days()), age);
        }
    }
}
