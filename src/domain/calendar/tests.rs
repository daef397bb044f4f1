//! Working days of Viet Nam, its lunar holidays reckoned anew, and what is wrong with a calendar as somebody wrote it.

use jiff::civil::Date;

use super::{Calendar, CalendarContent, DayOfWeek};
use crate::domain::rules::Confidence;
use crate::formats::calendar::read;

fn viet_nam() -> Calendar {
    read(include_bytes!("../../../fixtures/calendar/VN.toml")).unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn the_calendar_of_viet_nam_knows_its_holidays() {
    let calendar = viet_nam();
    let off = [
        ("2024-01-01", "2024-01-01"),
        ("2024-02-08", "2024-02-14"),
        ("2024-04-18", "2024-04-18"),
        ("2024-04-27", "2024-05-01"),
        ("2024-08-31", "2024-09-03"),
        ("2025-01-25", "2025-02-02"),
        ("2025-04-30", "2025-05-04"),
        ("2025-08-30", "2025-09-02"),
        ("2026-01-01", "2026-01-04"),
        ("2026-02-14", "2026-02-22"),
        ("2026-04-25", "2026-04-27"),
        ("2026-04-30", "2026-05-03"),
        ("2026-08-29", "2026-09-02"),
        ("2027-02-05", "2027-02-11"),
        ("2027-04-30", "2027-05-03"),
    ];
    for (from, to) in off {
        let days = day(from).series(jiff::Span::new().days(1)).take_while(|d| *d <= day(to));
        for day in days {
            assert_eq!(calendar.is_working(day), Ok(false), "{day}");
        }
        // What ends and begins a time off is worked on.
        let after = day(to).tomorrow().unwrap();
        assert_eq!(calendar.is_working(after), Ok(true), "{after}");
    }
    for made_up_for in ["2024-05-04", "2025-04-26", "2026-01-10", "2026-08-22"] {
        assert_eq!(DayOfWeek::of(day(made_up_for)), DayOfWeek::Saturday);
        assert_eq!(calendar.is_working(day(made_up_for)), Ok(true), "{made_up_for}");
    }
    let per_year = [2024, 2025, 2026, 2027].map(|year| {
        let date = |m, d| Date::new(year, m, d).unwrap();
        let first = u32::from(calendar.is_working(date(1, 1)).unwrap());
        first + calendar.working_days_between(date(1, 1), date(12, 31)).unwrap()
    });
    assert_eq!(per_year, [251, 250, 249, 249]);
}

#[test]
fn what_is_no_law_that_was_read_says_so() {
    for named in &viet_nam().content().days {
        let announced_or_swapped = named.name_en.contains("Tết") || named.name_en.contains("wapped") || named.working;
        let expect = if announced_or_swapped { Confidence::Check } else { named.confidence };
        assert_eq!(named.confidence, expect, "{}: {}", named.date, named.name_en);
        assert!(named.confidence == Confidence::Check || named.document.is_some(), "{}", named.date);
    }
}

#[test]
fn working_days_are_counted_after_the_first_and_up_to_the_last() {
    let calendar = viet_nam();
    let check = |from: &str, count: u32, to: &str| {
        assert_eq!(calendar.plus_working_days(day(from), count), Ok(day(to)), "{from} and {count} days");
        assert_eq!(calendar.working_days_between(day(from), day(to)), Ok(count), "{from} to {to}");
    };
    check("2026-03-02", 0, "2026-03-02");
    check("2026-03-02", 1, "2026-03-03");
    check("2026-03-06", 1, "2026-03-09"); // over a weekend
    check("2026-03-07", 1, "2026-03-09"); // from a day off
    check("2026-02-13", 1, "2026-02-23"); // over Tết
    check("2026-01-09", 1, "2026-01-10"); // to a Saturday that is worked on
    check("2026-01-09", 2, "2026-01-12");
    check("2024-12-31", 1, "2025-01-02"); // into another year
    assert_eq!(calendar.working_days_between(day("2026-03-09"), day("2026-03-02")), Ok(0));
    assert_eq!(calendar.working_day_from(day("2026-02-14")), Ok(day("2026-02-23")));
    assert_eq!(calendar.working_day_from(day("2026-01-10")), Ok(day("2026-01-10")));
}

#[test]
fn nothing_is_said_of_years_that_nobody_entered() {
    let calendar = viet_nam();
    let outside = "the calendar VN 2026-11 speaks for 2024 to 2027, and not for";
    for out in ["2023-12-31", "2028-01-01", "-000001-01-01", "9999-12-31"] {
        let told = calendar.is_working(day(out)).unwrap_err().to_string();
        assert_eq!(told, format!("{outside} {}", day(out)));
        assert_eq!(calendar.plus_working_days(day(out), 0).unwrap_err().to_string(), told);
        assert_eq!(calendar.working_days_between(day(out), day("2026-01-01")).unwrap_err().to_string(), told);
        assert_eq!(calendar.working_days_between(day("2026-01-01"), day(out)).unwrap_err().to_string(), told);
    }
    assert_eq!(calendar.is_working(day("2024-01-01")), Ok(false));
    assert_eq!(calendar.is_working(day("2027-12-31")), Ok(true));
    assert_eq!(calendar.plus_working_days(day("2027-12-30"), 1), Ok(day("2027-12-31")));
    for count in [2, u32::MAX] {
        let told = calendar.plus_working_days(day("2027-12-30"), count).unwrap_err().to_string();
        assert_eq!(told, format!("{outside} {count} working days after 2027-12-30"));
    }
    let nothing = Calendar::new(CalendarContent { first_year: 2027, last_year: 2026, ..calendar.content().clone() });
    assert!(nothing.is_working(day("2026-03-02")).is_err());
}

/// Every answer is that of counting day by day.
#[test]
fn the_tables_say_what_counting_says() {
    let calendar = viet_nam();
    let all: Vec<Date> = day("2024-01-01").series(jiff::Span::new().days(1)).take_while(|d| d.year() < 2028).collect();
    for (n, from) in all.iter().enumerate().step_by(17) {
        let mut count = 0;
        for to in &all[n..] {
            count += u32::from(to > from && calendar.is_working(*to).unwrap());
            assert_eq!(calendar.working_days_between(*from, *to), Ok(count), "{from} to {to}");
            if count > 0 && calendar.is_working(*to).unwrap() {
                assert_eq!(calendar.plus_working_days(*from, count), Ok(*to), "{from} and {count} days");
            }
        }
    }
}

#[test]
fn all_that_is_wrong_with_a_calendar_is_told_where_it_stands() {
    const HEAD: &str =
        "name = \"T\"\nversion = \"1\"\nweekly_days_off = [\"sunday\"]\nfirst_year = 2026\nlast_year = 2026\n";
    const NAMED: &str = "name_vi = \"A\"\nname_en = \"B\"\nconfidence = \"check\"\n";
    let check = |text: &str, expect: &[&str]| {
        let told = read(text.as_bytes()).err().unwrap_or_default();
        let told: Vec<String> = told.iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect();
        assert_eq!(told, expect, "{text}");
    };
    let holiday = |what: &str| format!("[[holiday]]\n{what}\n{NAMED}");
    let new_year = holiday("date = 2026-01-01");
    check(&format!("{HEAD}{new_year}"), &[]);
    check(&format!("{HEAD}{}", holiday("date = 2026-02-16\nto = 2026-02-20")), &[]);
    check(HEAD, &["the head: holiday is missing in 2026: a year without one is a year that nobody entered"]);
    check(
        "nme = \"T\"\nfirst_year = 2026.5\nlast_year = 1066\n",
        &[
            "the head: nme is not a member of a calendar, besides its holidays and working days; known are name, version, \
             weekly_days_off, first_year, last_year, note",
            "the head: name is missing",
            "the head: version is missing",
            "the head: weekly_days_off is missing",
            "the head: first_year 2026.5 is not a year",
            "the head: last_year is 1066; it must lie between 1900 and 2200",
        ],
    );
    let head =
        HEAD.replace("[\"sunday\"]", "[\"sunday\", \"domingo\"]").replace("last_year = 2026", "last_year = 2020");
    check(
        &head,
        &[
            "the head: weekly_days_off/1 «domingo» is not known here; known are monday, tuesday, wednesday, thursday, friday, \
             saturday, sunday",
            "the head: last_year 2020 must not be before first_year 2026, nor 50 years after it",
        ],
    );
    let all = "[\"monday\", \"tuesday\", \"wednesday\", \"thursday\", \"friday\", \"saturday\", \"sunday\"]";
    check(
        &format!("{}{new_year}", HEAD.replace("[\"sunday\"]", all)),
        &["the head: weekly_days_off are all days of the week: there would be no working day"],
    );
    check(
        &format!(
            "{HEAD}{new_year}[[holiday]]\nday = 1\n[[holiday]]\ndate = \"soon\"\nname_vi = \"A\"\nconfidence = \"law\"\n"
        ),
        &[
            "line 12: day is not a member of a holiday; known are date, to, name_vi, name_en, document, article, confidence, \
             note",
            "line 12: date is missing",
            "line 12: name_vi is missing",
            "line 12: name_en is missing",
            "line 12: confidence is missing",
            "line 14: date «soon» is not a date; write it as 2026-03-01",
            "line 14: name_en is missing",
            "line 14: document is missing: what is law stands in a document",
        ],
    );
    let working = |date: &str| format!("[[working_day]]\ndate = {date}\n{NAMED}");
    check(
        &format!("{HEAD}{new_year}{new_year}{}{}", working("2026-03-02"), working("2026-01-01")),
        &[
            "line 12: date 2026-01-01 stands in line 7, too",
            "line 17: date 2026-03-02 is a monday, which is no day off: it is worked on anyway",
            "line 22: date 2026-01-01 is a thursday, which is no day off: it is worked on anyway",
            "line 22: date 2026-01-01 stands in line 7, too",
        ],
    );
    check(
        &format!("{HEAD}{new_year}{}", holiday("date = 2025-12-30\nto = 2026-01-02")),
        &[
            "line 12: date 2025-12-30 is not in the years 2026 to 2026 that the calendar speaks for",
            "line 12: date 2026-01-01 stands in line 7, too",
        ],
    );
    let spans = [holiday("date = 2026-02-16\nto = 2026-02-15"), holiday("date = 2026-02-16\nto = 2026-03-19")];
    check(
        &format!("{HEAD}{}", spans.concat()),
        &[
            "line 7: to 2026-02-15 is before date 2026-02-16",
            "line 13: to 2026-03-19 is more than 31 days from date 2026-02-16",
        ],
    );
    check(
        &format!("{HEAD}working_day = 1\n{}", new_year.repeat(super::DAYS_MAX + 1)),
        &[
            "line 6: working_day is no table; begin each working_day with [[working_day]]",
            "the head: holiday and working_day stand 2001 times; the limit is 2000",
        ],
    );
}

/// The number of a day (Julian day, at noon).
fn julian(date: Date) -> f64 {
    let days = day("2000-01-01").duration_until(date).as_hours() / 24;
    f64::from(i32::try_from(days).unwrap()) + 2_451_545.0
}

/// The day, seven hours east of Greenwich, of the new moon with this number from that of 1 January 1900 on: the series of
/// J. Meeus, *Astronomical Algorithms*, as the reckoning of the Vietnamese calendar by Hồ Ngọc Đức uses it.
fn new_moon(k: f64) -> f64 {
    let sine = |degrees: f64| degrees.to_radians().sin();
    let t = k / 1236.85;
    let mean = 2_415_020.759_33 + 29.530_588_68 * k + 0.000_117_8 * t * t - 0.000_000_155 * t * t * t
        + 0.000_33 * sine(166.56 + 132.87 * t - 0.009_173 * t * t);
    let sun = 359.2242 + 29.105_356_08 * k - 0.000_033_3 * t * t - 0.000_003_47 * t * t * t;
    let moon = 306.0253 + 385.816_918_06 * k + 0.010_730_6 * t * t + 0.000_012_36 * t * t * t;
    let node = 21.2964 + 390.670_506_46 * k - 0.001_652_8 * t * t - 0.000_002_39 * t * t * t;
    let true_moon = (0.1734 - 0.000_393 * t) * sine(sun) + 0.0021 * sine(2.0 * sun) - 0.4068 * sine(moon)
        + 0.0161 * sine(2.0 * moon)
        - 0.0004 * sine(3.0 * moon)
        + 0.0104 * sine(2.0 * node)
        - 0.0051 * sine(sun + moon)
        - 0.0074 * sine(sun - moon)
        + 0.0004 * sine(2.0 * node + sun)
        - 0.0004 * sine(2.0 * node - sun)
        - 0.0006 * sine(2.0 * node + moon)
        + 0.0010 * sine(2.0 * node - moon)
        + 0.0005 * sine(2.0 * moon + sun);
    let delta = -0.000_278 + 0.000_265 * t + 0.000_262 * t * t;
    (mean + true_moon - delta + 0.5 + 7.0 / 24.0).floor()
}

/// In which twelfth of its way the sun is when a day begins, seven hours east of Greenwich; 9 from the winter solstice on.
fn sun_twelfth(julian: f64) -> f64 {
    let t = (julian - 2_451_545.5 - 7.0 / 24.0) / 36_525.0;
    let mean = (357.5291 + 35_999.050_3 * t - 0.000_155_9 * t * t).to_radians();
    let longitude = 280.466_45
        + 36_000.769_83 * t
        + 0.000_303_2 * t * t
        + (1.9146 - 0.004_817 * t) * mean.sin()
        + (0.019_993 - 0.000_101 * t) * (2.0 * mean).sin()
        + 0.000_29 * (3.0 * mean).sin();
    (longitude.rem_euclid(360.0) / 30.0).floor()
}

/// The number of the new moon that begins the eleventh lunar month of a year: that of the winter solstice.
fn eleventh(year: i16) -> f64 {
    let last = julian(Date::new(year, 12, 31).unwrap());
    let k = ((last - 2_415_021.0) / 29.530_588_853).floor();
    if sun_twelfth(new_moon(k)) >= 9.0 { k - 1.0 } else { k }
}

/// A day of the first months of a lunar year, which no leap month precedes in the years asked about.
fn lunar(year: i16, month: i32, of_month: i32) -> Date {
    let begins = new_moon(eleventh(year - 1) + f64::from(month + 1));
    let days = begins + f64::from(of_month - 1) - julian(day("2000-01-01"));
    day("2000-01-01")
        .checked_add(jiff::SignedDuration::from_hours(24 * format!("{days}").parse::<i64>().unwrap()))
        .unwrap()
}

#[test]
fn lunar_holidays_are_those_of_the_moon() {
    for (year, new_year) in [(2024, "2024-02-10"), (2025, "2025-01-29"), (2026, "2026-02-17"), (2027, "2027-02-06")] {
        assert_eq!(lunar(year, 1, 1), day(new_year));
    }
    let calendar = viet_nam();
    let named = |name: &str, date: Date| {
        let of_day = calendar.content().days.iter().find(|d| d.date == date);
        assert!(of_day.is_some_and(|d| d.name_vi == name && !d.working), "{date} is not {name}: {of_day:?}");
    };
    for year in 2024..=2027 {
        // The eve, and the first three days of the year, whatever else is off.
        named("Tết Âm lịch", lunar(year, 1, 1).yesterday().unwrap());
        (1..=3).for_each(|n| named("Tết Âm lịch", lunar(year, 1, n)));
        named("Giỗ Tổ Hùng Vương", lunar(year, 3, 10));
    }
}
