//! `clearway document`

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Outcome, connect};
use crate::actions::document::keeping;
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::audit::hex;

/// Look after what is in documents.
#[derive(Debug, Args)]
pub(super) struct DocumentCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Take away objects that no document names.
    Sweep(Sweep),
    /// Read every document; exit 1 where one is gone, or is not what it was.
    Verify,
}

#[derive(Debug, Args)]
struct Sweep {
    /// Only those that are older, hours: the document of a younger one may be about to be written.
    #[arg(long, value_name = "HOURS", default_value_t = keeping::ORPHAN_AGE.as_secs() / 3_600)]
    older_than: u64,
}

impl DocumentCommand {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let (context, operator) = (connect(settings)?, Actor::operator());
        match self.what {
            What::Sweep(Sweep { older_than }) => {
                let swept = keeping::sweep(&context, &operator, Duration::from_secs(older_than.saturating_mul(3_600)))?;
                println!("{} objects taken away, {} bytes", swept.objects, swept.bytes);
                Ok(ExitCode::SUCCESS)
            }
            What::Verify => {
                let mut wrong = 0_u64;
                let read = keeping::verify(&context, &operator, &mut |sha256, why| {
                    wrong += 1;
                    println!("{}: {why}", hex(sha256));
                })?;
                println!("{read} files read, {wrong} of them gone or changed");
                Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
        }
    }
}
