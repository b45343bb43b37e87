//! The one place that knows what each stream may show: tables and colours on a terminal, plain lines to a pipe, JSON
//! when asked.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::{
    Attribute, Cell as TableCell, CellAlignment, Color, ColumnConstraint, ContentArrangement,
    ContentLineStyle, LineStyle, TableStyle,
};
use serde::Serialize;
use serde_json::json;

use crate::exit::Verdict;

/// A line below the headings and none elsewhere.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none());
/// Terminals that claim to be narrower do not know their width. Columns.
const NARROWEST: u16 = 40;
/// For terminals of unknown width. Columns.
const USUAL_WIDTH: u16 = 120;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb.
    #[default]
    Auto,
    Always,
    Never,
}

/// What stands out in a cell or a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
}

/// One field of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn toned(text: impl Display, tone: Tone) -> Self {
        Self { text: text.to_string(), tone }
    }
}

impl<T: Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// Rows under headings. On a pipe: lines of tab-separated fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    /// Whether a pipe gets the headings too.
    report: bool,
    /// Columns of numbers, which align to the right.
    numeric: Vec<usize>,
    /// Columns whose fields are copied rather than read, such as ids: never broken into lines.
    whole: Vec<usize>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(headings: impl IntoIterator<Item = &'static str>) -> Self {
        Self { headings: headings.into_iter().collect(), ..Self::default() }
    }

    /// A table to be read rather than cut into fields: a pipe gets its headings as well.
    pub(crate) fn report(headings: impl IntoIterator<Item = &'static str>) -> Self {
        Self { report: true, ..Self::new(headings) }
    }

    pub(crate) fn numeric(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.numeric = columns.into_iter().collect();
        self
    }

    pub(crate) fn whole(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.whole = columns.into_iter().collect();
        self
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn plain(&self) -> String {
        // A tab or a line break inside a field would make two of it.
        let field = |cell: &Cell| cell.text.replace(['\t', '\n', '\r'], " ");
        let headings = self.report.then(|| self.headings.join("\t"));
        let rows = self.rows.iter().map(|row| row.iter().map(field).collect::<Vec<_>>().join("\t"));
        headings.into_iter().chain(rows).map(|line| line + "\n").collect()
    }

    fn drawn(&self, stream: &Stream) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
        let width = table.width().filter(|width| *width >= NARROWEST);
        table.set_width(width.unwrap_or(USUAL_WIDTH));
        if stream.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(
            self.headings.iter().map(|heading| TableCell::new(heading).add_attribute(Attribute::Bold)),
        );
        table.add_rows(self.rows.iter().map(|row| row.iter().map(styled)));
        for &column in &self.numeric {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for &column in &self.whole {
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.to_string()
    }
}

fn styled(cell: &Cell) -> TableCell {
    let drawn = TableCell::new(&cell.text);
    match cell.tone {
        Tone::Plain => drawn,
        Tone::Strong => drawn.add_attribute(Attribute::Bold),
        Tone::Dim => drawn.add_attribute(Attribute::Dim),
        Tone::Good => drawn.fg(Color::Green),
        Tone::Bad => drawn.fg(Color::Red),
    }
}

/// What one stream can show.
#[derive(Clone, Copy, Debug)]
struct Stream {
    terminal: bool,
    color: bool,
}

impl Stream {
    fn new(terminal: bool, choice: ColorChoice) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !set("NO_COLOR") && !dumb,
        };
        Self { terminal, color }
    }

    fn paint(self, text: impl Display, tone: Tone) -> String {
        let code = match tone {
            _ if !self.color => return text.to_string(),
            Tone::Plain => return text.to_string(),
            Tone::Strong => "1",
            Tone::Dim => "2",
            Tone::Good => "32",
            Tone::Bad => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Writes results to standard output and everything else to standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
    out: Stream,
    err: Stream,
}

impl Printer {
    pub(crate) fn new(json: bool, quiet: bool, color: ColorChoice) -> Self {
        let out = Stream::new(io::stdout().is_terminal(), color);
        let err = Stream::new(io::stderr().is_terminal(), color);
        Self { json, quiet, out, err }
    }

    /// Whether progress bars have a place to be drawn.
    pub(crate) fn draws_bars(&self) -> bool {
        self.err.terminal && !self.quiet && !self.json
    }

    /// Whether lines of progress are wanted where no bars are drawn.
    pub(crate) fn tells_progress(&self) -> bool {
        !self.quiet && !self.json
    }

    /// The result as JSON, one line, when JSON was asked for; otherwise what `human` prints.
    ///
    /// # Errors
    /// Standard output cannot be written; a closed pipe is one such case and ends the program quietly.
    pub(crate) fn result(
        &self,
        value: &impl Serialize,
        human: impl FnOnce(&Self) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.json {
            let mut out = io::stdout().lock();
            serde_json::to_writer(&mut out, value)?;
            return writeln!(out);
        }
        human(self)
    }

    /// A line of the result, for people only.
    ///
    /// # Errors
    /// As [`Printer::result`].
    pub(crate) fn line(&self, text: impl Display) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(io::stdout().lock(), "{text}")
    }

    /// A line in a tone.
    ///
    /// # Errors
    /// As [`Printer::result`].
    pub(crate) fn toned(&self, text: impl Display, tone: Tone) -> io::Result<()> {
        self.line(self.out.paint(text, tone))
    }

    /// A title with an empty line before it.
    ///
    /// # Errors
    /// As [`Printer::result`].
    pub(crate) fn title(&self, text: impl Display) -> io::Result<()> {
        self.line(format_args!("\n{}", self.out.paint(text, Tone::Strong)))
    }

    /// # Errors
    /// As [`Printer::result`].
    pub(crate) fn table(&self, table: &Table) -> io::Result<()> {
        match (self.out.terminal, self.json) {
            (_, true) => Ok(()),
            (true, false) => self.line(table.drawn(&self.out)),
            (false, false) => write!(io::stdout().lock(), "{}", table.plain()),
        }
    }

    /// A word on the side, on standard error. Nobody is left waiting when it cannot be written.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet && !self.json {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Something that did not stop the program but should be known.
    pub(crate) fn warn(&self, text: impl Display) {
        if self.json {
            return;
        }
        let _ = writeln!(io::stderr().lock(), "{} {text}", self.err.paint("warning:", Tone::Strong));
    }

    /// Why the program failed and how to mend it, on standard error; with JSON as one object on one line.
    pub(crate) fn failure(&self, error: &anyhow::Error, verdict: &Verdict) {
        let message = sentence(error);
        let mut err = io::stderr().lock();
        let _ = if self.json {
            let exit = verdict.exit as u8;
            writeln!(
                err,
                "{}",
                json!({ "error": { "message": message, "hint": verdict.hint, "exit": exit } })
            )
        } else {
            writeln!(err, "{} {message}", self.err.paint("error:", Tone::Bad))
        };
        if let (Some(hint), false) = (&verdict.hint, self.json) {
            let _ = writeln!(err, " {} {hint}", self.err.paint("hint:", Tone::Good));
        }
    }
}

/// The error and its causes, without repeating a cause that the error already tells. The error of a site ends the chain,
/// because its message sums up what is beneath; its hint stands on a line of its own.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let of_site = cause.downcast_ref::<flywheel::Error>();
        let told = cause.to_string();
        let hint = of_site.and_then(flywheel::Error::hint).unwrap_or_default();
        let told = told.strip_suffix(hint).map_or(told.as_str(), |told| told.trim_end_matches(". "));
        if text.is_empty() {
            text.push_str(told);
        } else if !text.contains(told) {
            text.push_str(": ");
            text.push_str(told);
        }
        if of_site.is_some() {
            break;
        }
    }
    text
}

/// A count of bytes as people read it.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// A count with its noun, which forms its plural with an s or has one already.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 || noun.ends_with('s') { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn table() -> Table {
        let mut table = Table::report(["name", "size"]).numeric([1]);
        table.row([Cell::from("a\tb"), Cell::toned(7, Tone::Bad)]);
        table.row(["longer".into(), 1234.into()]);
        table
    }

    #[test]
    fn a_pipe_gets_one_line_a_row_whatever_is_in_a_field() {
        assert_eq!(table().plain(), "name\tsize\na b\t7\nlonger\t1234\n");
        assert_eq!(Table { report: false, ..table() }.plain(), "a b\t7\nlonger\t1234\n");
        assert_eq!(Table::new(["name"]).plain(), "");
    }

    #[test]
    fn a_terminal_gets_a_drawn_table_and_colours_only_when_it_may() {
        let draw = |color| table().drawn(&Stream { terminal: true, color });
        assert!(draw(true).contains("\x1b["));
        insta::assert_snapshot!(draw(false));
    }

    #[test]
    fn colours_follow_the_choice() {
        assert!(Stream::new(false, ColorChoice::Always).color);
        assert!(!Stream::new(true, ColorChoice::Never).color);
        assert!(!Stream::new(false, ColorChoice::Auto).color);
        assert_eq!(Stream { terminal: true, color: true }.paint("x", Tone::Bad), "\x1b[31mx\x1b[0m");
    }

    #[test]
    fn causes_are_told_once() {
        let error = anyhow::anyhow!("no space").context("cannot write: no space").context("upload of a.nii");
        assert_eq!(sentence(&error), "upload of a.nii: cannot write: no space");
    }
}
