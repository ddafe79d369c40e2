//! The arguments of a run as the values that commands take: made once, lent to the command.

use std::path::Path;

use crate::base::error::Result;
use crate::base::stop::Stop;
use crate::cli::{Command, Common};
use crate::commands::inspect::Inspected;
use crate::commands::{copy, diff, export, import, inspect, verify};
use crate::records::selection::Request;
use crate::run::{Consent, Run};
use crate::target::owner::Owner;
use crate::target::transfer;

/// What all commands take, made of the common options.
pub struct Ready<'a> {
    common: &'a Common,
    request: Request,
    owner: Option<Owner>,
    /// Lent to the command. Nothing requests its end yet.
    pub run: Run,
}

impl<'a> Ready<'a> {
    /// The values for `command`.
    ///
    /// Errors: usage, for an owner that is none.
    pub fn new(common: &'a Common, command: &Command) -> Result<Self> {
        Ok(Ready {
            common,
            request: common.request(!matches!(command, Command::Export { .. })),
            owner: common.owner.as_deref().map(Owner::parse).transpose()?,
            run: Run { budget: common.budget(), console: common.console(), stop: Stop::new() },
        })
    }

    /// The subspaces that were asked for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The choices of the user about writing.
    fn consent(&self) -> Consent {
        Consent { dry_run: self.common.dry_run, yes: self.common.yes }
    }

    /// For an export of the store of `config` to `dir`.
    pub fn export(&'a self, config: &'a Path, dir: &'a Path) -> export::ExportOptions<'a> {
        export::ExportOptions {
            config,
            dir,
            request: &self.request,
            schema: self.common.schema,
            strict: self.common.strict(),
            consent: self.consent(),
            salvage: self.common.salvage,
            no_verify: self.common.no_verify,
            blobs: self.common.blobs(),
            resume: self.common.resume,
            state: self.common.state.as_deref(),
            run: &self.run,
        }
    }

    /// For an import of the dump in `dir` into the store of `config`.
    pub fn import(&'a self, config: &'a Path, dir: &'a Path) -> import::ImportOptions<'a> {
        import::ImportOptions { config, dir, request: &self.request, transfer: self.transfer() }
    }

    /// For a copy of the store of `from` into that of `to`.
    pub fn copy(&'a self, from: &'a Path, to: &'a Path) -> copy::CopyOptions<'a> {
        let schema = self.common.schema;
        copy::CopyOptions { from, to, request: &self.request, schema, transfer: self.transfer() }
    }

    /// For a comparison of two dumps or stores.
    pub fn diff(&'a self, left: &'a Path, right: &'a Path) -> diff::DiffOptions<'a> {
        diff::DiffOptions {
            sides: [left, right],
            request: &self.request,
            schema: self.common.schema,
            blobs: self.common.blobs(),
            run: &self.run,
        }
    }

    /// For a verification of the dump in `dir`, on its own or against a store.
    pub fn verify(&'a self, dir: &'a Path, against: Option<&'a Path>) -> verify::VerifyOptions<'a> {
        verify::VerifyOptions {
            dir,
            against,
            schema: self.common.schema,
            blobs: self.common.blobs(),
            run: &self.run,
        }
    }

    /// For a look into `place`; what is shown may go to the file `out`.
    pub fn inspect(&'a self, place: Inspected<'a>, out: Option<&'a Path>) -> inspect::InspectOptions<'a> {
        inspect::InspectOptions {
            place,
            schema: self.common.schema,
            blobs: self.common.blobs(),
            out,
            run: &self.run,
        }
    }

    fn transfer(&'a self) -> transfer::TransferOptions<'a> {
        transfer::TransferOptions {
            consent: self.consent(),
            no_verify: self.common.no_verify,
            strict: self.common.strict(),
            resume: self.common.resume,
            wipe: self.common.wipe_target,
            blobs: self.common.blobs(),
            state: self.common.state.as_deref(),
            owner: self.owner.as_ref(),
            report: self.common.report.as_deref(),
            run: &self.run,
        }
    }
}
