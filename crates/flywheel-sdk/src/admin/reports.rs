//! Reports: what there is on the site, who looked at what, and how much was used.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use flywheel_api::{
    OperationId,
    types::{
        AccessType, DailyReportUsage, ProjectReportList, ReportAccessLogEntry, ReportAvailabilityList,
        ReportUsage, SiteReport, UsageSummaryItem,
    },
};

use crate::{Client, Request, call::Call, list::List};

/// The reports of a site; for site administrators. See [`Client::reports`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Reports {
    client: Client,
}

impl Client {
    /// Reports on the site. For site administrators.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let site = flywheel_local::Site::builder().open().await?;
    /// # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
    /// # let fw = flywheel::Client::new(running.api_key())?;
    /// # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    /// # project.add_subject("sub-01").sex("female").await?.add_session("ses-01").await?;
    /// use futures::TryStreamExt;
    ///
    /// let report = fw.reports().projects([project.id()]).await?;
    /// println!("{} projects", report.projects.map_or(0, |projects| projects.len()));
    ///
    /// let mut entries = fw.reports().access_log().project(project.id()).iter();
    /// while let Some(entry) = entries.try_next().await? {
    ///     println!("{:?} {:?}", entry.timestamp, entry.access_type);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn reports(&self) -> Reports {
        Reports { client: self.clone() }
    }
}

/// The access log, to be narrowed down and read.
pub type AccessLog = List<ReportAccessLogEntry>;

/// The usage summary, to be narrowed down and read.
pub type Usage = List<UsageSummaryItem>;

impl Reports {
    /// How many groups, projects and sessions there are.
    pub fn site(&self) -> Request<'static, SiteReport> {
        Call::new(OperationId::GetSiteReport).answer(&self.client)
    }

    /// Who takes part in these projects, given by id: counts by sex, age, race and ethnicity.
    pub fn projects<T: ToString>(
        &self,
        projects: impl IntoIterator<Item = T>,
    ) -> Request<'static, ProjectReportList> {
        let call = Call::new(OperationId::GetProjectReport);
        let call = projects.into_iter().fold(call, |call, project| call.query("projects", project));
        call.answer(&self.client)
    }

    /// Who did what to which data, newest first.
    pub fn access_log(&self) -> AccessLog {
        List::new(&self.client, OperationId::GetAccessLogReport)
    }

    /// What kinds of access the log tells apart.
    pub fn access_types(&self) -> Request<'static, Vec<String>> {
        Call::new(OperationId::GetAccessLogTypes).rows(&self.client)
    }

    /// Storage, sessions and computing, by project and time.
    pub fn usage(&self) -> Usage {
        List::new(&self.client, OperationId::GetUsageDataSummary)
    }

    /// The usage of one month, by project.
    pub fn monthly_usage(&self, year: i32, month: u32) -> Request<'static, Vec<ReportUsage>> {
        self.month(OperationId::GetUsageReport, year, month).rows(&self.client)
    }

    /// The usage of one month, by day.
    pub fn daily_usage(&self, year: i32, month: u32) -> Request<'static, Vec<DailyReportUsage>> {
        self.month(OperationId::GetDailyUsageReport, year, month).rows(&self.client)
    }

    fn month(&self, operation: OperationId, year: i32, month: u32) -> Call {
        Call::new(operation).query("year", year).query("month", month)
    }

    /// The months for which there are usage reports.
    pub fn usage_months(&self) -> Request<'static, ReportAvailabilityList> {
        Call::new(OperationId::GetUsageAvailability).answer(&self.client)
    }
}

impl AccessLog {
    /// Only from this moment on.
    pub fn from(self, start: DateTime<Utc>) -> Self {
        self.parameter("start_date", start.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// Only until this moment.
    pub fn until(self, end: DateTime<Utc>) -> Self {
        self.parameter("end_date", end.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// Only what this user did.
    pub fn user(self, id: impl ToString) -> Self {
        self.parameter("user", id)
    }

    /// Only what was done in this project, given by id.
    pub fn project(self, id: impl ToString) -> Self {
        self.parameter("project", id)
    }

    /// Only what was done to data of this subject, given by id or label.
    pub fn subject(self, subject: impl ToString) -> Self {
        self.parameter("subject", subject)
    }

    /// Only access of these kinds.
    pub fn types<T: Into<AccessType>>(self, types: impl IntoIterator<Item = T>) -> Self {
        types.into_iter().fold(self, |log, kind| log.parameter("access_types", kind.into()))
    }
}

impl Usage {
    /// Only from this day on.
    pub fn from(self, start: NaiveDate) -> Self {
        self.parameter("start_date", start)
    }

    /// Only until this day.
    pub fn until(self, end: NaiveDate) -> Self {
        self.parameter("end_date", end)
    }

    /// Only this group, given by id.
    pub fn group(self, id: impl ToString) -> Self {
        self.parameter("group", id)
    }

    /// Only this project, given by id.
    pub fn project(self, id: impl ToString) -> Self {
        self.parameter("project", id)
    }

    /// One row for each `project`, `group` or `month`.
    pub fn by(self, what: impl ToString) -> Self {
        self.parameter("group_by", what)
    }
}
