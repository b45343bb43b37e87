//! Filling a site with made-up studies, for measurements and demonstrations at any size.
//!
//! | file | what it does |
//! |---|---|
//! | `study` | the documents: labels, dates, ages, headers, quality numbers |
//! | `content` | the few small blobs that all files share |
//! | `load` | writing documents by the thousand |
//!
//! The same [`Seed`] makes the same documents in every empty site of one release: nothing is drawn from the clock.

mod content;
mod load;
mod study;
#[cfg(test)]
mod tests;

use crate::site::{Site, SiteError};

/// How much to make. Each number but the first counts within one of the level above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The id of the group; it is made when it is not there.
    pub group: String,
    /// Projects in all.
    pub projects: u32,
    /// Subjects in each project.
    pub subjects: u32,
    /// Sessions of each subject.
    pub sessions: u32,
    /// Acquisitions in each session.
    pub acquisitions: u32,
    /// Files in each acquisition.
    pub files: u32,
    /// What the made-up numbers are drawn from.
    pub rng_seed: u64,
}

impl Default for Seed {
    /// One project of ten subjects, two sessions each, four acquisitions with three files.
    fn default() -> Self {
        Self {
            group: "seed".to_owned(),
            projects: 1,
            subjects: 10,
            sessions: 2,
            acquisitions: 4,
            files: 3,
            rng_seed: 1,
        }
    }
}

/// How many documents there are of each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Projects.
    pub projects: u64,
    /// Subjects.
    pub subjects: u64,
    /// Sessions.
    pub sessions: u64,
    /// Acquisitions.
    pub acquisitions: u64,
    /// Files.
    pub files: u64,
}

impl Seeded {
    /// All of them together.
    pub fn documents(&self) -> u64 {
        [self.projects, self.subjects, self.sessions, self.acquisitions, self.files]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

impl Seed {
    /// What will be made.
    pub fn total(&self) -> Seeded {
        let times = |above: u64, each: u32| above.saturating_mul(u64::from(each));
        let projects = u64::from(self.projects);
        let subjects = times(projects, self.subjects);
        let sessions = times(subjects, self.sessions);
        let acquisitions = times(sessions, self.acquisitions);
        Seeded { projects, subjects, sessions, acquisitions, files: times(acquisitions, self.files) }
    }
}

impl Site {
    /// Adds made-up studies of which the site's own administrator ([`crate::ADMIN`]) is administrator too. `progress` is told,
    /// after each commit, what is there so far. What was committed before an error stays.
    ///
    /// # Errors
    /// When the group's id is none, the site holds what this seed makes already, or the database or the disk fails.
    pub async fn seed(&self, seed: &Seed, progress: impl FnMut(&Seeded)) -> Result<Seeded, SiteError> {
        let seeded = load::run(self.state(), seed, progress).await?;
        self.fold().await;
        Ok(seeded)
    }
}
