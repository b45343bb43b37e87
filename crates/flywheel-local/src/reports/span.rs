//! Days, months and instants as parameters of reports say them.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use flywheel_core::time;

use crate::{
    error::{ApiError, ApiResult},
    query::Params,
};

/// From the beginning of a day to the beginning of another: that one is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
}

/// The most days that a report by day covers.
const MOST_DAYS: usize = 400;

impl Span {
    /// The month that `year` and `month` name; the present one when they are not given.
    ///
    /// # Errors
    /// 400 when there is no such month.
    pub(super) fn month(params: &Params) -> ApiResult<Self> {
        let today = Utc::now().date_naive();
        let year = number(params, "year")?.unwrap_or(today.year());
        let month = number(params, "month")?.unwrap_or(today.month());
        Self::of_month(year, month)
            .ok_or_else(|| ApiError::bad_request(format!("There is no month {month} of {year}")))
    }

    fn of_month(year: i32, month: u32) -> Option<Self> {
        let from = NaiveDate::from_ymd_opt(year, month, 1)?;
        Some(Self { from, to: from.checked_add_months(Months::new(1))? })
    }

    /// From `start_date` to the end of `end_date`; without them the present month as far as it has come.
    ///
    /// # Errors
    /// 400 for what is no date, and for an end before the beginning.
    pub(super) fn between(params: &Params) -> ApiResult<Self> {
        let today = Utc::now().date_naive();
        let last = instant(params, "end_date")?.map_or(today, |end| end.date_naive());
        let first = instant(params, "start_date")?
            .map_or_else(|| last.with_day(1).unwrap_or(last), |start| start.date_naive());
        let to = last.checked_add_days(Days::new(1)).unwrap_or(last);
        if first >= to {
            return Err(ApiError::bad_request("start_date lies behind end_date"));
        }
        Ok(Self { from: first, to })
    }

    /// Its days that have begun.
    ///
    /// # Errors
    /// 400 when they are too many for a report by day.
    pub(super) fn days(self) -> ApiResult<Vec<NaiveDate>> {
        let today = Utc::now().date_naive();
        let days: Vec<NaiveDate> = self
            .from
            .iter_days()
            .take_while(|day| *day < self.to && *day <= today)
            .take(MOST_DAYS + 1)
            .collect();
        if days.len() > MOST_DAYS {
            return Err(ApiError::bad_request(format!("A report by day covers at most {MOST_DAYS} days")));
        }
        Ok(days)
    }

    /// The months that it touches, cut to it.
    pub(super) fn months(self) -> Vec<Self> {
        let mut months = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let end = Self::of_month(from.year(), from.month()).map_or(self.to, |month| month.to);
            months.push(Self { from, to: end.min(self.to) });
            from = end;
        }
        months
    }
}

/// The beginning of a day as documents write times.
pub(super) fn stamp(day: NaiveDate) -> String {
    format!("{}T00:00:00.000000+00:00", day.format("%Y-%m-%d"))
}

/// A parameter that is a number.
///
/// # Errors
/// 400 when it is none.
pub(super) fn number<T: std::str::FromStr>(params: &Params, name: &str) -> ApiResult<Option<T>> {
    let given = params.get(name).filter(|text| !text.is_empty());
    let wrong = |text: &str| ApiError::bad_request(format!("{name} should be a number, not {text:?}"));
    given.map(|text| text.parse().map_err(|_| wrong(text))).transpose()
}

/// A parameter that is an instant or a day.
///
/// # Errors
/// 400 when it is neither.
pub(super) fn instant(params: &Params, name: &str) -> ApiResult<Option<DateTime<Utc>>> {
    let given = params.get(name).filter(|text| !text.is_empty());
    let read =
        |text: &str| time::parse_utc(text).map_err(|error| ApiError::bad_request(format!("{name}: {error}")));
    given.map(read).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_span_falls_into_months_that_are_cut_to_it() {
        let span = Span { from: day("2024-01-15"), to: day("2024-03-02") };
        let months: Vec<(String, String)> =
            span.months().iter().map(|month| (month.from.to_string(), month.to.to_string())).collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            months,
            [
                pair("2024-01-15", "2024-02-01"),
                pair("2024-02-01", "2024-03-01"),
                pair("2024-03-01", "2024-03-02")
            ]
        );
    }

    #[test]
    fn days_end_with_the_span_and_are_not_too_many() {
        let span = Span { from: day("2024-02-27"), to: day("2024-03-02") };
        assert_eq!(span.days().unwrap().len(), 4);
        assert!(Span { from: day("2000-01-01"), to: day("2020-01-01") }.days().is_err());
        assert_eq!(stamp(day("2024-02-27")), "2024-02-27T00:00:00.000000+00:00");
    }
}
