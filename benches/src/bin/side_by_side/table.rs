//! The result: what was measured, with the aim beside it.

use std::fmt;
use std::time::Duration;

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 5]>,
    first: Option<(String, f64)>,
}

impl Table {
    /// Adds a row: the work, the figure, whose it is, its value, and what was aimed at if that is ours.
    pub(crate) fn add(&mut self, work: &str, figure: &str, who: &str, value: String, aim: Option<Aim>) {
        let aim = match (who, aim) {
            ("vrrpd", Some(Aim { words, met })) => format!("{words}: {}", if met { "met" } else { "MISSED" }),
            _ => String::new(),
        };
        self.rows.push([work.to_owned(), figure.to_owned(), who.to_owned(), value, aim]);
    }

    /// Keeps a figure of the first of the two for a work, and gives its ratio to that of the second.
    pub(crate) fn compare(&mut self, work: &str, value: f64) -> Option<f64> {
        match self.first.take_if(|(of, _)| of == work) {
            Some((_, first)) => Some(first / value),
            None => {
                self.first = Some((work.to_owned(), value));
                None
            }
        }
    }
}

/// What vrrpd should reach.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    pub(crate) words: String,
    pub(crate) met: bool,
}

impl Aim {
    pub(crate) fn new(words: impl Into<String>, met: bool) -> Self {
        Self { words: words.into(), met }
    }
}

/// Markdown.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n| work | figure | who | value | aim |\n| --- | --- | --- | ---: | --- |")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

/// Milliseconds with two decimals.
pub(crate) fn ms(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1000.0)
}
